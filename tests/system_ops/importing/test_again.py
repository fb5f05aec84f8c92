"""Files that came in before, or in part, and what is said of them."""

import json
from pathlib import Path

import pytest

from django_system_ops.models import ImportCheckpoint
from tests.system_ops.importing.conftest import articles, bring_in, rejects_of, said, slugs, written
from tests.system_ops.shop.models import Article, Review, Topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def article(acme):
    return Article.objects.create(tenant=acme, slug="a", title="A")


@pytest.mark.parametrize("level", ["strict", "lenient"])
def test_file_that_came_in_before_is_said_so_and_skip_changes_nothing(acme, tmp_path, level):
    path = written(tmp_path / "data.csv", articles(3))
    arguments = [f"--file={path}", "--tenant=acme", f"--validation={level}"]
    bring_in(*arguments)
    before = list(Article.objects.order_by("pk").values())

    text = said(*arguments, "--on-conflict=skip")

    assert "came in before, on " in text
    assert "3 rows: 0 created, 3 skipped" in text
    assert list(Article.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("level", ["strict", "lenient"])
def test_file_that_came_in_before_skips_what_is_there_still(acme, tmp_path, level):
    path = written(tmp_path / "data.csv", articles(3))
    arguments = [f"--file={path}", "--tenant=acme", f"--validation={level}"]
    bring_in(*arguments)
    Article.objects.filter(slug="a1").delete()
    Article.objects.filter(slug="a2").update(title="changed")

    found = bring_in(*arguments)

    assert (found["status"], found["created"], found["skipped"]) == (0, 1, 2)
    assert "what is there still is skipped" in found["reports"][0]["remarks"][0]
    assert Article.objects.get(slug="a2").title == "changed"


@pytest.mark.parametrize("option", ["--again", "--key=title"])
def test_file_that_comes_in_anew_or_in_another_way_meets_its_rows(acme, tmp_path, option):
    path = written(tmp_path / "data.csv", articles(3))
    arguments = [f"--file={path}", "--tenant=acme"]
    bring_in(*arguments)

    found = bring_in(*arguments, option)

    assert (found["status"], found["created"]) == (1, 0)
    assert found["rejected"] == 3


def test_file_without_a_key_does_not_come_in_twice_unawares(article, tmp_path):
    path = written(tmp_path / "data.csv", [{"article": "a", "text": "good"}])
    arguments = [f"--file={path}", "--type=reviews", "--tenant=acme"]
    bring_in(*arguments)

    found = bring_in(*arguments)
    assert (found["status"], "came in already" in found["sentence"]) == (2, True)
    assert Review.objects.count() == 1

    assert bring_in(*arguments, "--again")["created"] == 1
    assert Review.objects.count() == 2


def test_file_is_known_by_its_bytes_and_for_its_tenant(acme, zenith, tmp_path):
    path = written(tmp_path / "data.csv", articles(2))
    bring_in(f"--file={path}", "--tenant=acme")

    other = path.rename(tmp_path / "other.csv")

    assert "came in before" in said(f"--file={other}", "--tenant=acme", "--on-conflict=skip")
    assert "came in before" not in said(f"--file={other}", "--tenant=zenith")
    assert ImportCheckpoint.objects.count() == 2


def test_checkpoint_says_what_came_of_the_file(acme, tmp_path):
    path = written(tmp_path / "data.csv", [*articles(3), {"slug": "?", "title": "x"}])

    bring_in(f"--file={path}", "--tenant=acme", "--validation=lenient")

    one = ImportCheckpoint.objects.get()
    assert (one.rows_read, one.created, one.rejected, one.is_finished) == (4, 3, 1, True)
    assert (one.file_name, one.type_name, one.tenant) == ("data.csv", "knowledge", str(acme.pk))
    assert str(one) == "data.csv (knowledge)"


def begun(tmp_path, acme):
    """Give a file of which two batches of two rows are in."""
    path = written(tmp_path / "data.csv", articles(6))
    arguments = [f"--file={path}", "--tenant=acme", "--validation=lenient", "--batch-size=2"]
    bring_in(*arguments)
    ImportCheckpoint.objects.update(rows_read=4, created=4, is_finished=False)
    Article.objects.filter(slug__in=["a4", "a5"]).delete()
    return arguments


def test_resume_goes_on_behind_the_last_rows(acme, tmp_path):
    arguments = begun(tmp_path, acme)

    text = said(*arguments, "--resume")

    assert "goes on behind row 4" in text
    assert "6 rows: 6 created" in text
    assert len(slugs()) == 6


def test_resume_of_what_is_finished_does_nothing(acme, tmp_path):
    path = written(tmp_path / "data.csv", [*articles(2), {"slug": "?", "title": "x"}])
    arguments = [f"--file={path}", "--tenant=acme", "--validation=lenient"]
    bring_in(*arguments)

    found = bring_in(*arguments, "--resume")

    assert (found["status"], found["created"], found["rejected"]) == (3, 2, 1)
    assert found["reports"][0]["remarks"] == ["came in already: there was nothing left to do"]


def test_resume_of_what_was_never_begun_begins(acme, tmp_path):
    path = written(tmp_path / "data.csv", articles(2))

    found = bring_in(f"--file={path}", "--tenant=acme", "--validation=lenient", "--resume")

    assert found["created"] == 2


def test_resume_in_another_way_is_refused(acme, tmp_path):
    arguments = begun(tmp_path, acme)

    found = bring_in(*arguments, "--resume", "--on-conflict=update")

    assert found["status"] == 2
    assert "was begun with on_conflict 'error', not 'update'" in found["sentence"]


@pytest.mark.parametrize(
    ("words", "difference"),
    [
        (["--guarded"], "guarded False, not True"),
        (["--format=jsonl"], "format 'csv', not 'jsonl'"),
    ],
)
def test_resume_reads_the_file_as_it_was_begun(acme, tmp_path, words, difference):
    arguments = begun(tmp_path, acme)

    found = bring_in(*arguments, "--resume", *words)

    assert (found["status"], f"was begun with {difference}" in found["sentence"]) == (2, True)


def test_rejects_are_of_one_type_and_tenant_and_go_when_all_rows_are_in(acme, zenith, tmp_path):
    path = written(tmp_path / "data.csv", [{"slug": "a", "title": "A", "topic": "tea"}])
    arguments = [f"--file={path}", "--validation=lenient", "--again"]
    places = {
        owner: Path(bring_in(*arguments, f"--tenant={owner}")["reports"][0]["rejects"])
        for owner in ("acme", "zenith")
    }
    assert len(set(places.values())) == 2

    for owner, level in ((acme, "lenient"), (zenith, "strict")):
        Topic.objects.create(tenant=owner, slug="tea")
        bring_in(*arguments, f"--tenant={owner.name}", f"--validation={level}")
        assert not places[owner.name].exists()
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_begun_needs_resume_or_again(acme, tmp_path):
    arguments = begun(tmp_path, acme)

    found = bring_in(*arguments)
    assert (found["status"], "got to row 4" in found["sentence"]) == (2, True)

    again = bring_in(*arguments, "--again")
    assert (again["created"], again["rejected"]) == (2, 4)
    assert ImportCheckpoint.objects.get().is_finished


@pytest.mark.parametrize("words", [["--validation=strict"], ["--again"], ["--dry-run"]])
def test_resume_does_not_go_with_everything(acme, tmp_path, words):
    path = written(tmp_path / "data.csv", articles(1))
    lenient = [] if words == ["--validation=strict"] else ["--validation=lenient"]

    assert bring_in(f"--file={path}", "--tenant=acme", "--resume", *lenient, *words)["status"] == 2


def test_rejects_lie_elsewhere_when_nothing_may_be_written_beside_the_file(
    acme, tmp_path, monkeypatch
):
    """Root may write anywhere, so the question is answered for it."""
    import os

    folder = tmp_path / "readonly"
    folder.mkdir()
    path = written(folder / "data.csv", [{"slug": "?", "title": "x"}])
    access = os.access
    monkeypatch.setattr(os, "access", lambda place, mode: place != folder and access(place, mode))
    arguments = [f"--file={path}", "--tenant=acme", "--validation=lenient", "--again"]

    bring_in(*arguments)
    bring_in(*arguments, f"--report={tmp_path / 'report'}")

    assert [one.name for one in folder.iterdir()] == ["data.csv"]
    for place in (tmp_path / "imports", tmp_path):
        (line,) = rejects_of(place / "data.csv").read_text().splitlines()
        assert json.loads(line)["line"] == 2


def test_directory_of_another_tenants_files_says_whose_they_are(acme, zenith, tmp_path):
    path = written(tmp_path / "articles.jsonl", articles(1))
    listed = {"name": path.name, "type": "knowledge", "tenant": "zenith"}
    (tmp_path / "manifest.json").write_text(json.dumps({"files": [listed]}))

    found = bring_in(f"--directory={tmp_path}", "--tenant=acme")

    assert found["status"] == 2
    assert "articles.jsonl (its rows are those of zenith)" in found["sentence"]
