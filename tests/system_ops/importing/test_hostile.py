"""Files that are not what they seem: bombs, torn files, wrong encodings, rows without end."""

import json

import pytest

from tests.system_ops.importing.conftest import (
    articles,
    bring_in,
    problems,
    rejects_of,
    said,
    slugs,
    written,
)
from tests.system_ops.shop.models import Article

pytestmark = pytest.mark.django_db

BOMB = """<?xml version="1.0"?>
<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<articles><article><slug>&b;</slug><title>T</title></article></articles>"""
OUTSIDE = """<?xml version="1.0"?>
<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<articles><article><slug>s</slug><title>&a;</title></article></articles>"""


def fails(path, *words):
    found = bring_in(f"--file={path}", "--tenant=acme", *words)
    assert found["status"] == 1, found
    return found["sentence"]


@pytest.mark.parametrize("text", [BOMB, OUTSIDE])
def test_entities_are_refused_at_once(acme, tmp_path, text):
    (tmp_path / "data.xml").write_text(text)

    sentence = fails(tmp_path / "data.xml")

    assert "data.xml: " in sentence
    assert "root:" not in sentence
    assert slugs() == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("torn.json", b'[{"slug": "a0", "title": "A"}, {"slug": "a1", "ti'),
        ("torn.xml", b"<r><row><slug>a0</slug><title>A</title></row><row><slug>"),
        ("torn.csv", b'slug,title\na0,"no end'),
        ("object.json", b'{"slug": "a0"}'),
        ("latin.csv", "slug,title\na0,año\n".encode("latin-1")),
        ("wide.csv", "slug,title\na0,A\n".encode("utf-16")),
        ("twice.csv", b"slug,title,title\na0,A,B\n"),
        ("empty.json", b""),
        ("empty.xml", b""),
    ],
)
def test_file_that_cannot_be_read_changes_nothing_and_is_named(acme, tmp_path, name, data):
    (tmp_path / name).write_bytes(data)

    sentence = fails(tmp_path / name)

    assert sentence.startswith(f"{name}: ")
    assert slugs() == []


def test_rows_before_the_tear_are_in_after_a_lenient_import(acme, tmp_path):
    path = tmp_path / "data.json"
    text = json.dumps(articles(30))
    path.write_text(text[: len(text) // 2])

    sentence = fails(path, "--validation=lenient", "--batch-size=4")

    assert sentence.startswith("data.json: ")
    assert 10 < len(slugs()) < 20


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.jsonl", '{"slug": "a", "slug": "b", "title": "T"}\n{"slug": "c", "title": "C"}\n'),
        ("data.jsonl", 'no json\n{"slug": "c", "title": "C"}\n'),
        ("data.jsonl", '[1, 2]\n{"slug": "c", "title": "C"}\n'),
        ("data.csv", "slug,title\na,T,too,many\nc,C\n"),
        ("data.jsonl", f'{{"slug": {"[" * 99}{"]" * 99}}}\n{{"slug": "c", "title": "C"}}\n'),
        ("data.json", f'[{"[" * 500}{"]" * 500}, {{"slug": "c", "title": "C"}}]'),
    ],
)
def test_row_that_cannot_be_read_is_rejected_and_the_next_comes_in(acme, tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)

    found = bring_in(f"--file={path}", "--tenant=acme", "--validation=lenient")

    assert (found["status"], found["rejected"], slugs()) == (3, 1, ["c"])
    (line,) = rejects_of(path).read_text().splitlines()
    assert json.loads(line)["row"] is None


def test_strict_import_stops_looking_after_many_wrong_rows(acme, tmp_path, configure):
    configure(**{"import": {"max_errors": 20, "report_errors": 5}})
    path = written(tmp_path / "data.csv", [{"slug": "?", "title": "x"}] * 1000)

    text = said(f"--file={path}", "--tenant=acme", "--batch-size=10", status=1)

    assert "stopped looking at row 20: 20 are wrong" in text
    assert text.count("line ") == 5
    assert "and 15 more" in text


def test_rows_that_the_database_refuses_are_found_among_good_ones(acme, tmp_path):
    rows = articles(100)
    for place in (0, 41, 42, 99):
        rows[place]["rating"] = -1
    for row in rows:
        row.setdefault("rating", 1)
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(f"--file={path}", "--tenant=acme", "--validation=lenient")

    assert [line for line, _name, _reason in problems(found)] == [2, 43, 44, 101]
    assert Article.objects.count() == 96


def test_text_is_never_a_statement(acme, tmp_path):
    text = "'; DROP TABLE shop_article; -- \\ %s %(a)s {0} \t"
    path = written(tmp_path / "data.csv", [{"slug": "a", "title": text[:40], "content": text}])

    for mode in ("error", "update"):
        bring_in(f"--file={path}", "--tenant=acme", f"--on-conflict={mode}")

    assert Article.objects.get().content == text


def test_file_that_changes_while_it_is_read_does_not_come_in(acme, tmp_path, monkeypatch):
    from django_system_ops.services.importing.intake import Intake

    path = written(tmp_path / "data.csv", articles(10))
    take = Intake.take

    def changed(self, items):
        with path.open("a") as file:
            file.write("late,Late\r\n")
        return take(self, items)

    monkeypatch.setattr(Intake, "take", changed)

    sentence = fails(path, "--batch-size=2")

    assert "was changed while it was read" in sentence
    assert slugs() == []


def test_link_is_no_place_for_rejected_rows(acme, tmp_path):
    path = written(tmp_path / "data.csv", [{"slug": "?", "title": "x"}])
    victim = tmp_path / "victim"
    victim.write_text("stays")
    arguments = [f"--file={path}", "--tenant=acme", "--validation=lenient", "--again"]
    bring_in(*arguments)
    place = rejects_of(path)
    place.unlink()
    place.symlink_to(victim)
    place.with_name(f"{place.name}.part").symlink_to(victim)

    bring_in(*arguments)

    assert victim.read_text() == "stays"
    assert not place.is_symlink()


def test_batch_ends_where_lists_and_objects_are_long_too(acme, tmp_path, monkeypatch):
    from django_system_ops.services.importing.intake import Intake

    words = {"words": [{"word": "x" * 1000}] * 1500}
    path = written(tmp_path / "data.jsonl", articles(9, extra=words))
    take, sizes = Intake.take, []

    def counted(self, items):
        sizes.append(len(items))
        return take(self, items)

    monkeypatch.setattr(Intake, "take", counted)

    assert bring_in(f"--file={path}", "--tenant=acme")["created"] == 9
    assert sizes == [3, 3, 3]
