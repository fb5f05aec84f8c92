"""Each option of export_data, and what it refuses."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_system_ops.formats import xlsx_files
from django_system_ops.services.exporting import batches
from tests.system_ops.exporting.conftest import (
    CHATS,
    NOON,
    SPECIMENS,
    chat,
    export,
    manifest,
    names,
    refusal,
    rows,
    said,
    specimens,
    titles,
)
from tests.system_ops.shop.models import Chat, Tag, Tenant

pytestmark = pytest.mark.django_db


def test_without_options_everything_is_exported_as_csv(own_folders):
    chat("one", messages=2)
    Tag.objects.create(name="x")

    found = export()

    folder = Path(found["directory"])
    assert folder.parent == own_folders / "exports"
    assert names(folder) == ["chats.csv", "manifest.json", "messages.csv", "tags.csv"]
    assert {one["type"]: one["rows"] for one in found["exports"]} == {
        "chats": 1,
        "messages": 2,
        "tags": 1,
    }
    assert found["rows"] == 4


def test_what_is_written_is_for_nobody_else_to_read(own_folders):
    chat("one")

    folder = Path(export("--type=chats")["directory"])

    assert [one.stat().st_mode & 0o777 for one in (folder, *folder.iterdir())] == [
        0o700,
        0o600,
        0o600,
    ]


def test_type_names_one_or_several():
    chat("one")

    assert [one["type"] for one in export("--type=tags")["exports"]] == ["tags"]
    for arguments in (["--type=tags,chats"], ["--type=tags", "--type=chats"]):
        assert [one["type"] for one in export(*arguments)["exports"]] == ["tags", "chats"]
    assert len(export("--type=all")["exports"]) == 3
    assert len(export(type=["chats", "tags"])["exports"]) == 2
    assert len(export(type="chats")["exports"]) == 1


def test_type_that_nobody_knows_is_refused():
    assert "no data of the type 'chat'. Did you mean chats?" in refusal("--type=chat")
    assert "either all, or names" in refusal("--type=all,chats")
    assert "a name is empty" in refusal("--type=chats,")


def test_a_site_that_has_named_no_data_is_told_how(types):
    types()

    assert "list it in MANAGEMENT_COMMANDS['data']['types']" in refusal()


@pytest.mark.parametrize("format", ["csv", "json", "jsonl", "xml"])
def test_format(format):
    chat("=1+1")

    found = export("--type=chats", f"--format={format}")

    (row,) = rows(Path(found["directory"], f"chats.{format}"), guarded=True)
    assert row["title"] == "=1+1"
    assert found["guard"] is (format == "csv")


def test_format_of_the_settings(configure):
    configure(export={"format": "jsonl"})

    assert names(export("--type=tags")["directory"]) == ["manifest.json", "tags.jsonl"]


def test_tenant_has_its_rows_alone_and_its_name_in_the_files():
    chat("mine", tenant="Acme GmbH", messages=1)
    chat("theirs", tenant="other", messages=1)

    found = export("--tenant=Acme GmbH")

    folder = found["directory"]
    assert found["skipped"] == {
        "tags": "its rows are shared by all tenants, and not those of Acme GmbH"
    }
    assert folder.endswith("-acme-gmbh")
    assert names(folder) == ["chats-acme-gmbh.csv", "manifest.json", "messages-acme-gmbh.csv"]
    assert titles(folder, "chats-acme-gmbh.csv") == ["mine"]
    assert [row["text"] for row in rows(Path(folder, "messages-acme-gmbh.csv"))] == ["mine 0"]


def test_several_tenants_have_files_of_their_own_even_with_names_alike():
    for name in ("acme", "Acme!", "other"):
        chat(f"of {name}", tenant=name)

    found = export("--type=chats", "--tenant=acme,Acme!,other")

    files = {one["tenant"]: one["name"] for one in found["files"]}
    assert len(set(files.values())) == 3
    assert files["other"] == "chats-other.csv"
    for name, file in files.items():
        assert titles(found["directory"], file) == [f"of {name}"]


def test_no_two_pieces_have_one_file(types):
    """Of two types whose names and tenants make one name, and one that is called as a manifest."""
    types(**dict.fromkeys(("chats", "chats-eu", "CHATS-eu", "manifest"), CHATS))
    for tenant in ("acme", "eu acme"):
        chat(f"of {tenant}", tenant=tenant)

    found = export("--tenant=acme,eu acme", "--format=json")

    files = {(one["type"], one["tenant"]): one["name"] for one in found["files"]}
    assert len({name.lower() for name in files.values()}) == len(files) == 8
    for (_type, tenant), name in files.items():
        assert [row["title"] for row in rows(Path(found["directory"], name))] == [f"of {tenant}"]

    whole = export("--type=manifest", "--format=json")
    assert manifest(whole["directory"])["files"][0]["rows"] == 2


def test_tenant_is_refused_for_what_is_shared_or_unknown():
    Tenant.objects.create(name="acme")

    assert "tags: its rows are shared by all tenants" in refusal("--type=tags", "--tenant=acme")
    assert "There is no tenant 'nobody'" in refusal("--tenant=nobody")


def test_tenant_all_is_everybody():
    chat("one", tenant="a")
    chat("two", tenant="b")

    assert titles(export("--type=chats", "--tenant=all")["directory"]) == ["one", "two"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"since": "2026-06-15"}, ["noon", "later"]),
        ({"since": "2026-06-15T12:00:00Z"}, ["noon", "later"]),
        ({"since": "2026-06-15T12:00:01+00:00"}, ["later"]),
        ({"until": "2026-06-15T12:00:00Z"}, ["before"]),
        ({"since": NOON, "until": NOON + timedelta(seconds=1)}, ["noon"]),
        ({"since": date(2026, 6, 14), "until": date(2026, 6, 15)}, ["before"]),
    ],
)
def test_since_and_until_are_half_open(options, expected):
    chat("before", at=datetime(2026, 6, 14, 9, tzinfo=UTC))
    chat("noon", at=NOON)
    chat("later", at=NOON + timedelta(days=1))

    found = export("--type=chats", **options)

    assert titles(found["directory"]) == expected


def test_since_is_a_day_of_the_sites_time_zone(settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    chat("yesterday", at=datetime(2026, 6, 14, 14, 59, tzinfo=UTC))
    chat("today", at=datetime(2026, 6, 14, 15, 0, tzinfo=UTC))

    assert titles(export("--type=chats", "--since=2026-06-15")["directory"]) == ["today"]


def test_days_are_compared_as_days(types):
    types(specimens={**SPECIMENS, "date_field": "day"})
    specimens()  # one of 2026-06-15

    def count(**options):
        return export("--type=specimens", **options)["rows"]

    assert [count(since="2026-06-15"), count(since="2026-06-16")] == [1, 0]
    assert [count(until="2026-06-15"), count(until="2026-06-16")] == [0, 1]
    assert count(until="2026-06-15T08:00:00") == 1


def test_since_that_is_no_day_is_refused():
    assert "--since 'soon' is no day and no moment" in refusal("--since=soon")
    assert "is not before --until" in refusal("--since=2026-06-02", "--until=2026-06-01")
    assert "messages: it has no date_field" in refusal("--type=messages", "--since=2026-06-01")
    assert set(export("--since=2026-06-01")["skipped"]) == {"messages", "tags"}


def test_fields_and_their_order():
    chat("one")

    found = export("--type=chats", "--fields=tags,title,tenant")

    (row,) = rows(Path(found["directory"], "chats.csv"))
    assert list(row) == ["tags", "title", "tenant"]
    assert found["exports"][0]["fields"] == ["tags", "title", "tenant"]


def test_fields_that_do_not_fit_are_refused():
    assert "chats has no field 'name'. Known: id, tenant" in refusal(
        "--type=chats", "--fields=name"
    )
    assert "is for one type" in refusal("--fields=title")
    assert "'title' is named twice" in refusal("--type=chats", "--fields=title,title")


def test_fields_of_the_settings(types):
    types(chats={**CHATS, "fields": ["title", "tags", "id"]})
    chat("one")

    (row,) = rows(Path(export("--format=json")["directory"], "chats.json"))

    assert list(row) == ["title", "tags", "id"]
    assert "has no field 'updated_at'" in refusal("--type=chats", "--fields=updated_at")


def test_secrets_stay_unless_they_are_asked_for(types):
    types(specimens=SPECIMENS)
    specimens()

    without, with_them = export("--format=json"), export("--format=json", "--include-secrets")

    assert without["exports"][0]["secret_fields_left_out"] == ["secret"]
    assert "hush" not in Path(without["directory"], "specimens.json").read_text()
    assert with_them["exports"][0]["secret_fields_left_out"] == []
    assert "hush" in Path(with_them["directory"], "specimens.json").read_text()
    assert "add --include-secrets" in refusal("--type=specimens", "--fields=secret")
    assert "left out, since secret: secret" in said()


def test_compress(configure):
    zstandard = pytest.importorskip("zstandard")
    chat("one")

    found = export("--type=chats", "--compress")

    folder, (file,) = Path(found["directory"]), found["files"]
    assert names(folder) == ["chats.csv.zst", "manifest.json"]
    with zstandard.open(folder / "chats.csv.zst", "rb") as stream:
        plain = stream.read()
    assert b"one" in plain
    assert file["plain_sha256"] == hashlib.sha256(plain).hexdigest()
    configure(export={"compress": True})
    assert names(export("--type=tags")["directory"]) == ["manifest.json", "tags.csv.zst"]
    assert "xlsx is compressed by itself" in refusal("--compress", "--format=xlsx")


@pytest.mark.parametrize(("count", "expected"), [(0, [0]), (2, [2]), (4, [2, 2]), (5, [2, 2, 1])])
def test_split_rows(count, expected):
    for number in range(count):
        chat(str(number))

    found = export("--type=chats", "--split-rows=2")

    assert [one["rows"] for one in found["files"]] == expected
    files = [f"chats-{number:04}.csv" for number in range(1, len(expected) + 1)]
    assert names(found["directory"]) == [*files, "manifest.json"]
    read = [title for one in files for title in titles(found["directory"], one)]
    assert read == [str(number) for number in range(count)]


def test_split_rows_that_cannot_be():
    assert "must be 1 or more, got 0" in refusal("--split-rows=0")
    sentence = refusal("--split-rows=1048576", "--format=xlsx")
    assert "a sheet has 1,048,576 rows, and its header is one of them" in sentence


def test_a_sheet_that_is_full_is_a_sentence_and_leaves_nothing(monkeypatch, own_folders):
    pytest.importorskip("xlsxwriter")
    monkeypatch.setattr(xlsx_files, "XLSX_ROWS", 3)
    for number in range(3):
        chat(str(number))

    sentence = refusal("--type=chats", "--format=xlsx", status=1)

    assert "chats as xlsx: a sheet has 3 rows, and there are more: split them" in sentence
    assert names(own_folders / "exports") == []
    found = export("--type=chats", "--format=xlsx", "--split-rows=2")
    assert [one["rows"] for one in found["files"]] == [2, 1]


def test_raw_csv_is_for_what_spreadsheets_open():
    chat("=1+1")

    found = export("--type=chats", "--raw-csv")

    assert manifest(found["directory"])["guard"] is False
    (row,) = rows(Path(found["directory"], "chats.csv"))
    assert row["title"] == "=1+1"
    assert "json needs no guard" in refusal("--raw-csv", "--format=json")


def test_database_that_does_not_exist_is_refused():
    assert "--database 'other': there is no such one" in refusal("--database=other")


def test_the_manifest_says_what_is_in_the_files():
    chat("one", messages=2)
    before = datetime.now(UTC)

    folder = Path(export("--type=chats,messages")["directory"])

    found = manifest(folder)
    assert (found["format"], found["kind"], found["file_format"]) == (1, "export", "csv")
    assert found["guard"] is True
    assert abs(datetime.fromisoformat(found["snapshot"]) - before) < timedelta(seconds=60)
    assert [(one["type"], one["rows"], one["files"]) for one in found["exports"]] == [
        ("chats", 1, ["chats.csv"]),
        ("messages", 2, ["messages.csv"]),
    ]
    for file in found["files"]:
        data = (folder / file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_an_empty_table_is_a_file_with_a_header():
    found = export("--type=chats")

    data = Path(found["directory"], "chats.csv").read_bytes()
    assert data == b"id,tenant,title,updated_at,tags\r\n"


def test_the_text_says_what_was_written():
    chat("one", tenant="acme")

    text = said("--tenant=acme", "--type=chats")

    assert "chats of acme: 1 rows in chats-acme.csv" in text
    assert "In " in text


def test_more_rows_cost_no_more_queries_until_a_batch_is_full(monkeypatch):
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", 10)

    def queries(count):
        Chat.objects.all().delete()
        for number in range(count):
            chat(str(number))
        with CaptureQueriesContext(
            connection,
        ) as found:
            export("--type=chats")
        return len(found)

    assert queries(1) == queries(9)
    # A batch asks for its links once, and where rows cannot be streamed for itself.
    assert queries(19) <= queries(9) + 2


def test_pages_have_each_row_once(monkeypatch):
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", 3)
    monkeypatch.setattr(batches, "_can_stream", lambda using: False)
    for number in range(7):
        made = chat(str(number))
        made.tags.add(Tag.objects.create(name=str(number)))

    folder = export("--type=chats", "--format=jsonl")["directory"]

    found = rows(Path(folder, "chats.jsonl"))
    assert [row["title"] for row in found] == [str(number) for number in range(7)]
    assert [row["tags"] for row in found] == [
        [pk] for pk in Tag.objects.order_by("pk").values_list("pk", flat=True)
    ]


def test_call_command_counts():
    chat("one", messages=2)
    from django_system_ops.management.commands.export_data import Command

    command = Command()
    call_command(command, "--type=messages", verbosity=0)

    assert command.counters["rows"] == 2
    assert command.counters["files"] == 1
