"""What export_data wrote comes in again as it was: every field, every format, hostile texts."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from tests.system_ops.exporting.conftest import NOON, SPECIMENS, chat, specimens
from tests.system_ops.importing.conftest import bring_in, problems
from tests.system_ops.shop.models import Article, Chat, Event, Message, Specimen, Tag, Topic

pytestmark = pytest.mark.django_db

FORMATS = ("csv", "json", "jsonl", "xml")
HOSTILE = [
    '=HYPERLINK("http://x")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\tTab",
    "\r\nlines\rof\nall kinds\r\n",
    "'quoted",
    "''",
    "'",
    "",
    ' "a","b";c ',
    "<b>&amp;</b> ]]> <!-- -->",
    "\\N",
    "\\",
    "NULL",
    "null",
    "None",
    "😀 e\u0301 \u200b \u202e\ufeff",
    "\x01\x1f\x7f\x85\u2028",
    "%s {0} ; -- ",
    "x" * 5000,
]


@pytest.fixture(autouse=True)
def exported(types):
    types(
        knowledge={"secret_fields": []},
        specimens={**SPECIMENS, "secret_fields": []},
        messages={"model": "shop.Message", "tenant": "chat__tenant"},
    )


def export(folder, *args):
    output = io.StringIO()
    call_command("export_data", *args, f"--output={folder}", json=True, stdout=output)
    return Path(json.loads(output.getvalue())["directory"])


def everything(model):
    """Return all values of a table, and its links."""
    links = [one.name for one in model._meta.many_to_many]
    return [
        {
            **{
                name: bytes(value) if isinstance(value, memoryview) else value
                for name, value in row.items()
            },
            **{
                name: sorted(
                    getattr(model.objects.get(pk=row["id"]), name).values_list("pk", flat=True)
                )
                for name in links
            },
        }
        for row in model.objects.order_by("pk").values()
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_every_field_comes_back(tmp_path, format):
    specimens()
    before = everything(Specimen)
    place = export(tmp_path / "out", "--type=specimens", "--tenant=acme", f"--format={format}")
    Specimen.objects.all().delete()

    found = bring_in(f"--directory={place}", "--type=specimens", "--tenant=acme")

    assert (problems(found), found["created"]) == ([], 2)
    assert everything(Specimen) == before
    assert Tag.objects.count() == 2


@pytest.mark.parametrize("format", FORMATS)
def test_hostile_texts_come_back(acme, tmp_path, format):
    texts = HOSTILE if connection.vendor == "postgresql" else [*HOSTILE, "a\0b"]
    Specimen.objects.bulk_create(
        Specimen(tenant=acme, code=f"c{n}", text=text, maybe=None if n % 3 == 0 else text)
        for n, text in enumerate(texts)
    )
    before = everything(Specimen)
    place = export(tmp_path / "out", "--type=specimens", "--tenant=acme", f"--format={format}")
    Specimen.objects.all().delete()

    found = bring_in(f"--directory={place}", "--type=specimens", "--tenant=acme")

    assert problems(found) == []
    assert everything(Specimen) == before


@pytest.mark.parametrize("format", FORMATS)
def test_articles_with_their_parents_topics_and_generated_columns_come_back(
    acme, topic, tmp_path, format
):
    parent = Article.objects.create(tenant=acme, topic=topic, slug="a", title="A", rating=3)
    Article.objects.create(tenant=acme, parent=parent, slug="b", title="B", extra={"k": [1.5]})
    before = everything(Article)
    place = export(tmp_path / "out", "--type=knowledge", "--tenant=acme", f"--format={format}")
    Article.objects.all().delete()

    found = bring_in(f"--directory={place}", "--tenant=acme")

    assert problems(found) == []
    assert everything(Article) == before


@pytest.mark.parametrize("format", FORMATS)
def test_rows_whose_parents_have_higher_keys_come_back(acme, tmp_path, format):
    """In a chain from the first to the last, which hangs on one before it, and a tree beside it."""
    made = [Article.objects.create(tenant=acme, slug=f"s{n}", title="T") for n in range(9)]
    for child, parent in ((1, 4), (2, 1), (4, 6), (5, 4), (6, 0), (3, 8), (7, 8), (8, 8)):
        made[child].parent = made[parent]
        made[child].save()
    before = everything(Article)
    place = export(tmp_path / "out", "--type=knowledge", f"--format={format}")
    Article.objects.update(parent=None)
    Article.objects.all().delete()

    found = bring_in(f"--directory={place}")

    assert (problems(found), found["created"]) == ([], 9)
    assert everything(Article) == before


def test_empty_texts_and_bytes_of_fields_that_forms_ask_for_come_back(acme, types, tmp_path):
    types(messages={"model": "shop.Message", "tenant": "chat__tenant"})
    chat("one")
    Message.objects.create(chat=Chat.objects.get(), text="")
    Event.objects.create(name="", created_at=NOON)
    before = [everything(model) for model in (Message, Event)]
    place = export(tmp_path / "out", "--type=messages,events")
    for model in (Message, Event):
        model.objects.all().delete()

    for name in ("messages", "events"):
        assert problems(bring_in(f"--directory={place}", f"--type={name}")) == []

    assert [everything(model) for model in (Message, Event)] == before


def test_type_is_chosen_among_those_of_one_export(acme, topic, tmp_path):
    chat("one", messages=2)
    place = export(tmp_path / "out", "--type=topics,chats,messages", "--tenant=acme")
    before = [everything(model) for model in (Topic, Chat, Message)]
    for model in (Message, Chat, Topic):
        model.objects.all().delete()

    for name in ("topics", "chats", "messages"):
        found = bring_in(f"--directory={place}", f"--type={name}", "--tenant=acme")
        assert (found["status"], len(found["reports"]), len(found["left_alone"])) == (0, 1, 2)

    assert [everything(model) for model in (Topic, Chat, Message)] == before
    assert Chat.objects.get().updated_at == NOON


def test_files_of_other_tenants_are_left_alone(acme, tmp_path):
    chat("ours")
    chat("theirs", tenant="zenith")
    place = export(tmp_path / "out", "--type=chats", "--tenant=acme,zenith")
    Chat.objects.all().delete()

    found = bring_in(f"--directory={place}", "--type=chats", "--tenant=zenith")

    assert (found["status"], list(found["left_alone"].values())) == (
        0,
        ["its rows are those of acme"],
    )
    assert Chat.objects.get().title == "theirs"


def test_export_comes_in_over_what_is_there_and_changes_nothing(acme, tmp_path):
    specimens()
    before = everything(Specimen)
    place = export(tmp_path / "out", "--type=specimens", "--tenant=acme")

    found = bring_in(
        f"--directory={place}",
        "--type=specimens",
        "--tenant=acme",
        "--key=code",
        "--on-conflict=update",
    )

    assert (problems(found), found["updated"]) == ([], 2)
    assert everything(Specimen) == before


def test_file_without_its_manifest_is_guarded_only_when_it_is_said(acme, tmp_path):
    Specimen.objects.create(tenant=acme, code="c", text="=1")
    place = export(tmp_path / "out", "--type=specimens", "--tenant=acme")
    Specimen.objects.all().delete()
    (file,) = place.glob("*.csv")
    alone = file.rename(tmp_path / "alone.csv")
    arguments = [f"--file={alone}", "--type=specimens", "--tenant=acme", "--key=code"]

    bring_in(*arguments)
    assert Specimen.objects.get().text == "'=1"

    bring_in(*arguments, "--guarded", "--on-conflict=update")
    assert Specimen.objects.get().text == "=1"
