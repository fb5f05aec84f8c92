"""What of a row goes into a file, and that Django takes it back."""

import json
from decimal import Decimal

import pytest
from django.db import models

from django_system_ops.services.exporting.batches import Batches
from tests.system_ops.exporting.conftest import (
    SPECIMENS,
    chat,
    export,
    manifest,
    rows,
    said,
    specimens,
)
from tests.system_ops.shop.models import Message, Specimen, Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(types):
    types(specimens=SPECIMENS)
    return specimens()


def exported(format, *args):
    found = export(f"--format={format}", "--include-secrets", *args)
    from pathlib import Path

    return rows(Path(found["directory"], f"specimens.{format}"), guarded="--raw-csv" not in args)


@pytest.mark.parametrize("format", ["csv", "json", "jsonl", "xml"])
def test_every_field_takes_back_what_went_out(format, made):
    found = exported(format)

    for row, before in zip(found, made, strict=True):
        for field in Specimen._meta.concrete_fields:
            value = row[field.name]
            if isinstance(field, models.ForeignKey):
                assert int(value) == before.tenant_id
            elif isinstance(field, models.JSONField) and isinstance(value, str):
                assert json.loads(value) == before.facts
            elif isinstance(field, models.BinaryField):
                back = field.to_python(value)
                assert (back and bytes(back)) == before.blob
            else:
                assert field.to_python(value) == getattr(before, field.attname), field.name


@pytest.mark.parametrize("format", ["csv", "json", "jsonl", "xml"])
def test_links_go_out_as_lists_of_keys(format, made):
    found = [row["tags"] for row in exported(format)]

    lists = [json.loads(one) if isinstance(one, str) else one for one in found]
    assert lists == [list(Tag.objects.order_by("pk").values_list("pk", flat=True)), []]


def test_json_keeps_types_and_decimals_are_exact_text(made):
    full, empty = exported("jsonl")

    assert (full["whole"], full["is_open"], full["fraction"]) == (-(2**62), False, Decimal("0.1"))
    assert full["amount"] == "-12345678.000001"
    assert full["at"] == "2026-06-15T12:00:00.123456+00:00"
    assert full["facts"] == {"a": [1, None, "ä", {"b": 0.5}]}
    assert full["colour"] == "#0102ff"
    assert {name for name, value in empty.items() if value is None} == {
        field.name for field in Specimen._meta.concrete_fields if field.null
    }


def test_raw_csv_has_texts_as_they_are(made):
    assert exported("csv", "--raw-csv")[0]["text"] == made[0].text
    assert export("--format=csv", "--raw-csv")["guard"] is False


def test_a_workbook_has_the_same_cells(made):
    openpyxl = pytest.importorskip("openpyxl")
    from pathlib import Path

    found = export("--format=xlsx", "--fields=code,text,whole,fraction,is_open", "--type=specimens")

    sheet = openpyxl.load_workbook(Path(found["directory"], "specimens.xlsx")).active
    assert sheet.title == "specimens"
    assert [list(row) for row in sheet.values][1:] == [
        ["full", "'" + made[0].text.replace("\r", "_x000D_"), str(-(2**62)), 0.1, False],
        ["empty", "'", None, None, None],
    ]


@pytest.mark.parametrize("can_stream", [True, False])
@pytest.mark.parametrize(
    ("length", "sizes"),
    [
        (10, [100, 400, 200]),
        (1000, [100, 400, 200]),
        (100_000, [100, *[40] * 15]),
        (3_000_000, [3, *[1] * 4]),
    ],
)
def test_long_rows_are_few_at_once(length, sizes, can_stream, monkeypatch):
    from django_system_ops.services.exporting import batches

    if not can_stream:
        monkeypatch.setattr(batches, "_can_stream", lambda using: False)
    if length > 1_000_000:
        monkeypatch.setattr(batches, "_ROWS_AT_FIRST", 3)
    owner, text = chat("one"), "x" * length
    # MariaDB takes no statement that is longer than 16 MB.
    Message.objects.bulk_create(
        (Message(chat=owner, text=text) for _ in range(sum(sizes))), batch_size=10**7 // length + 1
    )
    keys = list(Message.objects.order_by("pk").values_list("pk", flat=True))

    rows = Message.objects.filter(pk__in=keys)
    found = [[key for key, _text in one] for one in Batches(rows, ["text"], using="default").read()]

    assert [key for some in found for key in some] == keys
    assert [len(one) for one in found] == sizes


def test_values_that_cannot_come_in_again_are_named(types, configure):
    types(specimens=SPECIMENS)
    configure(**{"import": {"max_text_characters": 1000}})
    full, _empty = specimens()
    full.text, full.blob, full.maybe = "x" * 1001, b"x" * 751, "x" * 1000
    full.save()

    found = export("--type=specimens")
    text = said("--type=specimens")

    assert found["exports"][0]["too_long_to_import"] == {"text": 1001, "blob": 1004}
    assert manifest(found["directory"])["exports"][0]["too_long_to_import"]["blob"] == 1004
    assert "text: the longest has 1,001 characters, more than import_knowledge takes" in text
