"""Values of a file become those of fields, as `clean` and `save` would have them."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from tests.system_ops.importing.conftest import articles, bring_in, problems, written
from tests.system_ops.shop.models import Article, Event

pytestmark = pytest.mark.django_db

TOKEN = "6f9619ff-8b86-4011-b42d-00c04fc964ff"

# As export_data writes them: text that to_python() takes back.
TEXTS = {
    "slug": "all",
    "title": "Título “ñ” 😀 \u200fעברית",
    "content": 'a "quote", a comma\r\nand a line',
    "language": "es",
    "note": "n",
    "rating": "7",
    "weight": "1.5e-7",
    "price": "12345.60",
    "is_open": "false",
    "printed_on": "2026-02-28",
    "printed_at": "23:59:59.999999",
    "seen_at": "2026-02-28T23:59:59.123456+02:00",
    "reading_time": "1 02:03:04.000005",
    "token": TOKEN,
    "address": "2001:db8::1",
    "blob": "AAH/",
    "upload": "articles/a.txt",
    "password": "s3cret",
    "origin": "there",
}


def check_all(article):
    assert article.title == TEXTS["title"]
    assert article.content == TEXTS["content"]
    assert (article.language, article.note, article.rating) == ("es", "n", 7)
    assert (article.weight, article.price) == (1.5e-7, Decimal("12345.60"))
    assert article.is_open is False
    assert article.printed_on == dt.date(2026, 2, 28)
    assert article.printed_at == dt.time(23, 59, 59, 999999)
    assert article.seen_at == dt.datetime(2026, 2, 28, 21, 59, 59, 123456, tzinfo=dt.UTC)
    assert article.reading_time == dt.timedelta(
        days=1, hours=2, minutes=3, seconds=4, microseconds=5
    )
    assert (article.token, article.address) == (uuid.UUID(TOKEN), "2001:db8::1")
    assert article.extra == {"a": [1, 2.5, None, {"ñ": "x"}]}
    assert bytes(article.blob) == b"\x00\x01\xff"
    assert (article.upload.name, article.origin) == ("articles/a.txt", "there")
    assert article.double_rating == 14


@pytest.mark.parametrize("format", ["csv", "json", "jsonl", "xml"])
def test_every_kind_of_field_comes_in(acme, tmp_path, format):
    extra = {"a": [1, 2.5, None, {"ñ": "x"}]}
    text = '{"a": [1, 2.5, null, {"ñ": "x"}]}'
    row = {**TEXTS, "extra": extra if format in ("json", "jsonl") else text}
    path = written(tmp_path / f"data.{format}", [row])

    found = bring_in(f"--file={path}", "--tenant=acme")

    assert problems(found) == []
    check_all(Article.objects.get())


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_types_of_json_come_in_as_they_are(acme, tmp_path, format):
    row = {
        "slug": "a",
        "title": "A",
        "rating": 7,
        "weight": 0.1,
        "price": 12.5,
        "is_open": False,
        "extra": [],
        "note": None,
    }
    path = written(tmp_path / f"data.{format}", [row])

    found = bring_in(f"--file={path}", "--tenant=acme")

    assert problems(found) == []
    article = Article.objects.get()
    assert (article.rating, article.weight, article.price) == (7, 0.1, Decimal("12.50"))
    assert (article.is_open, article.extra, article.note) == (False, [], None)


def test_update_brings_every_kind_of_field_in(acme, tmp_path):
    Article.objects.create(tenant=acme, slug="all", title="Before")
    row = {**TEXTS, "extra": '{"a": [1, 2.5, null, {"ñ": "x"}]}'}
    path = written(tmp_path / "data.csv", [row])

    found = bring_in(f"--file={path}", "--tenant=acme", "--on-conflict=update")

    assert (problems(found), found["updated"]) == ([], 1)
    check_all(Article.objects.get())


def test_update_of_rows_that_differ_in_what_they_have(acme, tmp_path):
    for number in range(3):
        Article.objects.create(tenant=acme, slug=f"a{number}", title="Before", note="old")
    path = tmp_path / "data.jsonl"
    path.write_text(
        '{"slug": "a0", "title": "New"}\n{"slug": "a1", "note": null}\n'
        '{"slug": "new", "title": "N", "origin": "there"}\n{"slug": "newer", "title": "N"}\n'
    )

    found = bring_in(f"--file={path}", "--tenant=acme", "--on-conflict=update")

    rows = {
        slug: rest for slug, *rest in Article.objects.values_list("slug", "title", "note", "origin")
    }
    assert found["status"] == 0
    assert rows == {
        "a0": ["New", "old", "here"],
        "a1": ["Before", None, "here"],
        "a2": ["Before", "old", "here"],
        "new": ["N", None, "there"],
        "newer": ["N", None, "here"],
    }


@pytest.mark.parametrize(
    ("values", "field", "reason"),
    [
        ({"title": "x" * 41}, "title", "at most 40 characters"),
        ({"title": None}, "title", "cannot be null"),
        ({"title": ["a"]}, "title", "whole list"),
        ({"title": {"a": 1}}, "title", "whole object"),
        ({"title": True}, "title", "is a boolean"),
        ({"language": "fr"}, "language", "not a valid choice"),
        ({"rating": "many"}, "rating", "must be an integer"),
        ({"rating": True}, "rating", "is a boolean"),
        ({"rating": 10**30}, "rating", "less than or equal"),
        ({"rating": -1}, "", "the database refuses it"),
        ({"weight": "heavy"}, "weight", "must be a float"),
        ({"price": "1.234"}, "price", "decimal places"),
        ({"is_open": "perhaps"}, "is_open", "must be either True or False"),
        ({"printed_on": "2026-02-30"}, "printed_on", "invalid date"),
        ({"seen_at": "2026-13-01T00:00:00Z"}, "seen_at", "invalid"),
        ({"reading_time": "long"}, "reading_time", "invalid format"),
        ({"token": "x"}, "token", "not a valid UUID"),
        ({"address": "1.2.3"}, "address", "IPv4"),
        ({"blob": "§"}, "blob", "no base64"),
        ({"blob": 5}, "blob", "base64"),
        ({"upload": "../../etc/passwd"}, "upload", "path traversal"),
        ({"upload": "x" * 101}, "upload", "room for 100"),
        ({"tenant": True}, "tenant", "no key"),
        ({"topic": "x" * 60}, "topic", ""),
        ({"topic": 2**70}, "topic", ""),
        ({"parent": 5}, "parent", "there is no article"),
        ({"nothing": 5}, "nothing", "has no field"),
    ],
)
def test_value_that_does_not_fit_is_named_with_its_line(acme, tmp_path, values, field, reason):
    path = written(tmp_path / "data.json", [{"slug": "a", "title": "A", **values}])

    found = bring_in(f"--file={path}", "--tenant=acme")

    ((line, name, text),) = problems(found)
    assert (found["status"], line, name) == (1, 2, field)
    assert reason in text


def test_row_lacks_what_has_no_default(acme, tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text('{"slug": "a", "title": "A"}\n{"slug": "b"}\n')

    found = bring_in(f"--file={path}", "--tenant=acme")

    assert problems(found) == [(2, "title", "it is missing, and has no default.")]


def test_all_that_is_wrong_with_a_row_is_said_at_once(acme, tmp_path):
    path = written(tmp_path / "data.csv", [{"slug": "?", "title": "", "rating": "x"}])

    found = bring_in(f"--file={path}", "--tenant=acme")

    assert [name for _line, name, _reason in problems(found)] == ["slug", "title", "rating"]


def test_secrets_are_in_no_report_and_no_file_of_rejects(acme, tmp_path):
    secret = "hunter2-" + "x" * 60
    rows = [
        {"slug": "a", "title": "A", "password": secret},
        {"slug": "?", "title": "B", "password": "hunter2"},
    ]
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(
        f"--file={path}", "--tenant=acme", "--validation=lenient", f"--report={tmp_path / 'report'}"
    )

    assert found["rejected"] == 2
    texts = [one.read_text() for one in tmp_path.glob("*") if one.is_file() and one != path]
    assert len(texts) == 3
    assert not any("hunter2" in text for text in [*texts, str(found)])
    assert found["reports"][0]["errors"][0]["problems"][0]["value"] == "********"


@pytest.mark.postgresql
def test_nul_is_refused_where_the_database_has_none(acme, tmp_path):
    path = written(tmp_path / "data.json", articles(1, content="a\0b"))

    found = bring_in(f"--file={path}", "--tenant=acme")

    assert "NUL" in problems(found)[0][2]


@pytest.mark.postgresql
def test_nul_inside_of_json_is_refused_by_the_database_for_its_row_alone(acme, tmp_path):
    rows = [*articles(5, extra={}), {"slug": "nul", "title": "N", "extra": {"a": "\0"}}]
    path = written(tmp_path / "data.jsonl", rows)

    found = bring_in(f"--file={path}", "--tenant=acme", "--validation=lenient")

    assert (found["created"], found["rejected"]) == (5, 1)


@pytest.mark.sqlite
def test_nul_comes_in_where_the_database_takes_it(acme, tmp_path):
    path = written(tmp_path / "data.json", articles(1, content="a\0b"))

    bring_in(f"--file={path}", "--tenant=acme")

    assert Article.objects.get().content == "a\0b"


@pytest.mark.parametrize("number", ["nan", "-inf"])
def test_number_that_only_postgresql_has(acme, tmp_path, number):
    path = written(tmp_path / "data.csv", articles(1, weight=number))

    found = bring_in(f"--file={path}", "--tenant=acme")

    if connection.vendor == "postgresql":
        assert str(Article.objects.get().weight) == number
    else:
        assert problems(found) == [(2, "weight", "this database has no such number.")]


def test_moment_without_a_zone_is_the_sites(acme, tmp_path, settings):
    settings.TIME_ZONE = "Europe/Madrid"
    path = written(tmp_path / "data.csv", articles(1, seen_at="2026-07-01 12:00"))

    with timezone.override("Europe/Madrid"):
        bring_in(f"--file={path}", "--tenant=acme")

    assert Article.objects.get().seen_at == dt.datetime(2026, 7, 1, 10, tzinfo=dt.UTC)


def test_moment_that_the_clock_skips_is_refused(acme, tmp_path):
    path = written(tmp_path / "data.csv", articles(1, seen_at="2026-03-29 02:30"))

    with timezone.override("Europe/Madrid"):
        found = bring_in(f"--file={path}", "--tenant=acme")

    assert "couldn’t be interpreted in time zone Europe/Madrid" in problems(found)[0][2]


def test_own_numbers_go_on_behind_those_that_came_in(acme, tmp_path):
    path = written(tmp_path / "data.csv", [{"id": "1000", "slug": "a", "title": "A"}])

    bring_in(f"--file={path}", "--tenant=acme")

    assert Article.objects.get().pk == 1000
    assert Article.objects.create(tenant=acme, slug="b", title="B").pk > 1000


def test_own_numbers_never_go_back(acme, tmp_path):
    later = Article.objects.create(tenant=acme, slug="z", title="Z")
    last = later.pk
    later.delete()
    path = written(tmp_path / "data.csv", [{"id": str(last - 1), "slug": "a", "title": "A"}])

    bring_in(f"--file={path}", "--tenant=acme")

    assert Article.objects.create(tenant=acme, slug="b", title="B").pk >= last


def test_row_may_lead_to_one_before_it_in_the_file(acme, tmp_path):
    rows = [
        {"id": "100", "slug": "a", "title": "A", "parent": None},
        {"id": "101", "slug": "b", "title": "B", "parent": "100"},
        {"id": "102", "slug": "c", "title": "C", "parent": "b"},
        {"id": "103", "slug": "d", "title": "D", "parent": "104"},
    ]
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(f"--file={path}", "--tenant=acme", "--validation=lenient")

    parents = dict(Article.objects.values_list("slug", "parent"))
    assert parents == {"a": None, "b": 100, "c": 101}
    assert problems(found) == [(5, "parent", "there is no article of this id.")]


def test_shared_rows_with_json_and_bytes_come_in(db, tmp_path):
    rows = [
        {"name": "e", "created_at": "2026-01-01T00:00:00Z", "payload": {"n": 1.5}, "blob": "/w=="}
    ]
    path = written(tmp_path / "data.json", rows)

    assert bring_in(f"--file={path}", "--type=events")["status"] == 0

    event = Event.objects.get()
    assert (event.payload, bytes(event.blob)) == ({"n": 1.5}, b"\xff")


def test_filter_of_the_type_is_what_its_rows_have(types, acme, tmp_path):
    types(knowledge={"filter": {"language": "es"}})
    path = written(tmp_path / "data.csv", articles(1))
    other = written(tmp_path / "other.csv", [{"slug": "b", "title": "B", "language": "en"}])

    bring_in(f"--file={path}", "--tenant=acme")
    found = bring_in(f"--file={other}", "--tenant=acme")

    assert Article.objects.get().language == "es"
    assert "rows of the type 'knowledge' have 'es' there" in problems(found)[0][2]


def test_generated_column_is_left_out(acme, tmp_path):
    path = written(tmp_path / "data.csv", articles(1, rating="4", double_rating="5"))

    assert bring_in(f"--file={path}", "--tenant=acme")["created"] == 1

    assert Article.objects.get().double_rating == 8


def test_fields_of_the_type_are_all_that_comes_in(types, acme, tmp_path):
    types(knowledge={"fields": ["slug", "title"]})
    path = written(tmp_path / "data.csv", articles(1, content="x"))

    found = bring_in(f"--file={path}", "--tenant=acme")

    assert (found["status"], "is not among the fields" in found["sentence"]) == (2, True)


def test_text_that_is_empty_is_one_and_text_that_is_missing_is_none(acme, tmp_path):
    """A form asks for an answer where blank is False; a table may have none."""
    path = tmp_path / "data.jsonl"
    path.write_text(
        '{"slug": "a", "title": "", "blob": ""}\n{"slug": "b", "title": null}\n'
        '{"slug": "c", "title": "C", "language": ""}\n'
    )

    found = bring_in(f"--file={path}", "--tenant=acme", "--validation=lenient")

    assert problems(found) == [(2, "title", "This field cannot be null.")]
    article = Article.objects.get(slug="a")
    assert (article.title, bytes(article.blob)) == ("", b"")
    assert Article.objects.get(slug="c").language == ""


def test_how_long_a_text_may_be_is_a_setting(acme, tmp_path, configure):
    rows = [{**one, "content": "x" * (5000 - n)} for n, one in enumerate(articles(2))]
    path = written(tmp_path / "data.jsonl", rows)
    arguments = [f"--file={path}", "--tenant=acme", "--validation=lenient"]
    configure(**{"import": {"max_text_characters": 4999}})

    found = bring_in(*arguments)
    assert problems(found) == [(1, "", "'content' is longer than 4,999 characters.")]

    configure(**{"import": {"max_text_characters": 5000}})
    assert bring_in(*arguments, "--on-conflict=skip")["created"] == 1
