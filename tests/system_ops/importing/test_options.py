"""Each option of the command, and what it changes."""

import json
import os

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
from tests.system_ops.shop.models import Article, Tag, Topic

pytestmark = pytest.mark.django_db

FORMATS = ("csv", "json", "jsonl", "xml")


@pytest.mark.parametrize("format", FORMATS)
def test_file_brings_its_rows_in(acme, tmp_path, format):
    path = written(tmp_path / f"data.{format}", articles(3, content="Hello, “world”\n"))

    found = bring_in(f"--file={path}", "--tenant=acme")

    assert (found["status"], found["created"], found["kept"]) == (0, 3, True)
    assert slugs(acme) == ["a0", "a1", "a2"]
    first = Article.objects.get(slug="a0")
    assert (first.title, first.content) == ("Title 0", "Hello, “world”\n")
    assert (first.language, first.origin, first.double_rating) == ("en", "here", 0)
    assert first.made_at == first.changed_at
    assert first.made_at is not None


def test_file_that_is_not_there_is_refused(acme, tmp_path):
    found = bring_in(f"--file={tmp_path / 'nothing.csv'}", "--tenant=acme")

    assert (found["status"], "there is no such file" in found["sentence"]) == (2, True)


def test_file_that_is_a_pipe_is_refused(acme, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")

    found = bring_in(f"--file={tmp_path / 'pipe.csv'}", "--tenant=acme")

    assert (found["status"], "is no plain file" in found["sentence"]) == (2, True)


def test_file_or_directory_and_not_both(tmp_path):
    assert bring_in()["status"] == 2
    assert bring_in(f"--file={tmp_path}/x.csv", f"--directory={tmp_path}")["status"] == 2


def test_empty_file_is_fine_where_it_is_whole(acme, tmp_path):
    path = written(tmp_path / "data.json", [])

    assert bring_in(f"--file={path}", "--tenant=acme")["rows"] == 0


def test_directory_brings_in_all_of_its_files_in_the_order_of_names(acme, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    written(folder / "b.json", [{"slug": "b", "title": "B"}])
    written(folder / "a.csv", [{"slug": "a", "title": "A"}])
    written(folder / ".hidden.csv", [{"slug": "hidden", "title": "H"}])
    (folder / "notes.txt").write_text("no data")
    (folder / "link.csv").symlink_to(folder / "a.csv")

    found = bring_in(f"--directory={folder}", "--tenant=acme")

    assert [one["file"].rpartition("/")[2] for one in found["reports"]] == ["a.csv", "b.json"]
    assert slugs() == ["a", "b"]
    assert found["left_alone"] == {
        "link.csv": "it is a symbolic link",
        "notes.txt": "no data by its name",
    }


def test_directory_comes_in_as_a_whole_or_not_at_all(acme, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    written(folder / "a.csv", articles(2))
    written(folder / "b.jsonl", [{"slug": "b", "title": "B" * 50}])

    found = bring_in(f"--directory={folder}", "--tenant=acme")

    assert (found["status"], found["kept"], slugs()) == (1, False, [])
    lenient = bring_in(f"--directory={folder}", "--tenant=acme", "--validation=lenient")
    assert (lenient["status"], slugs()) == (3, ["a0", "a1"])


def test_directory_without_data_is_refused(tmp_path):
    assert bring_in(f"--directory={tmp_path}")["status"] == 2
    assert bring_in(f"--directory={tmp_path / 'nothing'}")["status"] == 2


def test_tenant_owns_the_rows(acme, zenith, tmp_path):
    path = written(tmp_path / "data.csv", articles(2))

    bring_in(f"--file={path}", "--tenant=zenith")

    assert (slugs(acme), slugs(zenith)) == ([], ["a0", "a1"])


def test_tenant_is_one(acme, zenith, tmp_path):
    path = written(tmp_path / "data.csv", articles(2))

    found = bring_in(f"--file={path}", "--tenant=acme,zenith")

    assert (found["status"], "for one tenant" in found["sentence"]) == (2, True)


def test_tenant_is_refused_for_what_is_shared(acme, tmp_path):
    path = written(tmp_path / "data.csv", [{"name": "x"}])

    assert bring_in(f"--file={path}", "--tenant=acme", "--type=tags")["status"] == 2


def test_without_tenant_each_row_says_whose_it_is_by_key_or_name(acme, zenith, tmp_path):
    rows = [
        {"slug": "a", "title": "A", "tenant": str(acme.pk)},
        {"slug": "b", "title": "B", "tenant": "zenith"},
    ]
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(f"--file={path}")

    assert found["created"] == 2
    assert (slugs(acme), slugs(zenith)) == (["a"], ["b"])


def test_without_tenant_a_file_has_to_have_the_column(acme, tmp_path):
    path = written(tmp_path / "data.csv", articles(1))

    found = bring_in(f"--file={path}")

    assert (found["status"], "has no column for tenant" in found["sentence"]) == (2, True)


def test_type_says_what_the_rows_are(tmp_path):
    path = written(tmp_path / "data.csv", [{"name": "green"}, {"name": "black"}])

    bring_in(f"--file={path}", "--type=tags")

    assert set(Tag.objects.values_list("name", flat=True)) == {"green", "black"}


def test_type_that_is_not_known_is_refused(tmp_path):
    path = written(tmp_path / "data.csv", articles(1))

    found = bring_in(f"--file={path}", "--type=knowlege")

    assert (found["status"], "Did you mean knowledge?" in found["sentence"]) == (2, True)


def test_type_whose_rows_are_in_two_tables_is_refused(types, tmp_path):
    types(depots={"model": "shop.Depot", "shared": True})
    path = written(tmp_path / "data.csv", [{"name": "x", "code": "y"}])

    found = bring_in(f"--file={path}", "--type=depots")

    assert (found["status"], "inherits from shop.Place" in found["sentence"]) == (2, True)


def test_format_goes_before_the_name(acme, tmp_path):
    path = written(tmp_path / "data.jsonl", articles(2)).rename(tmp_path / "data.txt")

    assert bring_in(f"--file={path}", "--tenant=acme")["status"] == 2
    assert bring_in(f"--file={path}", "--tenant=acme", "--format=jsonl")["created"] == 2


def test_mapping_names_columns_and_leaves_some_out(acme, tmp_path):
    rows = [{"Slug": "a", "Título": "A", "Internal": "x", "content": "c"}]
    path = written(tmp_path / "data.csv", rows)
    file = f"--file={path}"

    refused = bring_in(file, "--tenant=acme")
    bring_in(file, "--tenant=acme", "--mapping=Slug=slug,Título=title", "--mapping=Internal=")

    assert (refused["status"], "'Slug' cannot be read" in refused["sentence"]) == (2, True)
    article = Article.objects.get()
    assert (article.slug, article.title, article.content) == ("a", "A", "c")


@pytest.mark.parametrize("mapping", ["title", "=title", "a=title,a=slug", "a=title,b=title"])
def test_mapping_that_is_none_is_refused(acme, tmp_path, mapping):
    path = written(tmp_path / "data.csv", articles(1))

    assert bring_in(f"--file={path}", "--tenant=acme", f"--mapping={mapping}")["status"] == 2


def test_mapping_finds_rows_by_a_field_of_theirs(acme, topic, tmp_path):
    rows = [{"slug": "a", "title": "A", "about": "tea"}]
    path = written(tmp_path / "data.csv", rows)

    bring_in(f"--file={path}", "--tenant=acme", "--mapping=about=topic__slug")

    assert Article.objects.get().topic == topic


def test_key_that_is_no_field_is_refused(acme, tmp_path):
    path = written(tmp_path / "data.csv", articles(1))

    for key in ("nothing", "extra", "blob", "slug,"):
        found = bring_in(f"--file={path}", "--tenant=acme", f"--key={key}")
        assert found["status"] == 2


def test_key_is_needed_to_skip_and_update(types, acme, tmp_path):
    types(knowledge={"key": []})
    path = written(tmp_path / "data.csv", articles(1))
    arguments = [f"--file={path}", "--tenant=acme", "--on-conflict=skip"]

    assert bring_in(*arguments)["status"] == 2
    assert bring_in(*arguments, "--key=slug")["created"] == 1


def test_on_conflict_error_changes_nothing(acme, tmp_path):
    Article.objects.create(tenant=acme, slug="a1", title="Before")
    path = written(tmp_path / "data.csv", articles(3))

    found = bring_in(f"--file={path}", "--tenant=acme")

    assert (found["status"], slugs()) == (1, ["a1"])
    assert problems(found) == [(3, "slug", "another row has it already.")]


def test_on_conflict_skip_leaves_what_is_there(acme, tmp_path):
    Article.objects.create(tenant=acme, slug="a1", title="Before")
    path = written(tmp_path / "data.csv", articles(3))

    found = bring_in(f"--file={path}", "--tenant=acme", "--on-conflict=skip")

    assert (found["status"], found["created"], found["skipped"]) == (0, 2, 1)
    assert Article.objects.get(slug="a1").title == "Before"


def test_on_conflict_update_changes_what_the_file_has_and_nothing_else(acme, tmp_path):
    before = Article.objects.create(tenant=acme, slug="a1", title="Before", content="stays")
    path = written(tmp_path / "data.csv", articles(3, language="es"))

    found = bring_in(f"--file={path}", "--tenant=acme", "--on-conflict=update")

    after = Article.objects.get(slug="a1")
    assert (found["created"], found["updated"]) == (2, 1)
    assert (after.pk, after.title, after.language) == (before.pk, "Title 1", "es")
    assert (after.content, after.token, after.made_at) == ("stays", before.token, before.made_at)
    assert after.changed_at > before.changed_at


@pytest.mark.parametrize("mode", ["skip", "update"])
def test_on_conflict_counts_within_the_file_too(acme, tmp_path, mode):
    rows = [{"slug": "a", "title": str(n)} for n in range(5)]
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(f"--file={path}", "--tenant=acme", f"--on-conflict={mode}")

    assert (found["status"], found["created"]) == (0, 1)
    assert Article.objects.get().title == {"skip": "0", "update": "4"}[mode]


def test_on_conflict_never_touches_another_tenants_row(acme, zenith, tmp_path):
    Article.objects.create(tenant=zenith, slug="a0", title="Theirs")
    path = written(tmp_path / "data.csv", articles(1))

    bring_in(f"--file={path}", "--tenant=acme", "--on-conflict=update")

    assert Article.objects.get(tenant=zenith).title == "Theirs"
    assert Article.objects.get(tenant=acme).title == "Title 0"


def test_validation_strict_is_all_or_nothing(acme, tmp_path):
    path = written(tmp_path / "data.csv", [*articles(600), {"slug": "no slug!", "title": "x"}])

    text = said(f"--file={path}", "--tenant=acme", "--validation=strict", status=1)

    assert "1 row is wrong, so that nothing was changed" in text
    assert "line 602: slug 'no slug!':" in text
    assert slugs() == []
    assert list(tmp_path.glob("*.rejects*")) == []


def test_validation_lenient_brings_in_what_is_good_and_writes_down_the_rest(acme, tmp_path):
    rows = [*articles(3), {"slug": "no slug!", "title": "x"}, {"slug": "b", "title": ""}]
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(f"--file={path}", "--tenant=acme", "--validation=lenient")

    assert (found["status"], slugs()) == (3, ["a0", "a1", "a2"])
    rejects = rejects_of(path)
    assert found["reports"][0]["rejects"] == str(rejects)
    lines = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [one["line"] for one in lines] == [5, 6]
    assert lines[0]["row"] == {"slug": "no slug!", "title": "x"}
    assert lines[1]["problems"][0]["reason"] == "This field cannot be blank."
    assert rejects.stat().st_mode & 0o777 == 0o600


def test_validation_comes_from_the_environment(acme, tmp_path, monkeypatch):
    monkeypatch.setenv("IMPORT_VALIDATION_LEVEL", "lenient")
    path = written(tmp_path / "data.csv", [*articles(1), {"slug": "b", "title": ""}])

    assert bring_in(f"--file={path}", "--tenant=acme")["status"] == 3
    assert slugs() == ["a0"]


@pytest.mark.parametrize("level", ["strict", "lenient"])
def test_dry_run_changes_nothing_and_counts_the_same(acme, tmp_path, level):
    path = written(tmp_path / "data.csv", [*articles(3), {"slug": "b", "title": ""}])
    arguments = [f"--file={path}", "--tenant=acme", f"--validation={level}"]

    dry = bring_in(*arguments, "--dry-run")

    assert (slugs(), list(tmp_path.glob("*.rejects*"))) == ([], [])
    wet = bring_in(*arguments)
    for one in (dry, wet):
        assert (one["rejected"], one["reports"][0]["created"]) == (1, 3)
    assert dry["status"] == wet["status"]


def test_report_is_json_and_html(acme, tmp_path):
    path = written(tmp_path / "data.csv", [*articles(1), {"slug": "b", "title": "<b>" * 20}])
    arguments = [f"--file={path}", "--tenant=acme", "--validation=lenient"]

    found = bring_in(*arguments, f"--report={tmp_path / 'report'}")

    document = json.loads((tmp_path / "report.json").read_text())
    page = (tmp_path / "report.html").read_text()
    assert document["rejected"] == 1
    assert found["report_files"] == [str(tmp_path / f"report.{end}") for end in ("json", "html")]
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "<script" not in page
    assert "color-scheme: light dark" in page
    assert (tmp_path / "report.html").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["report.json", "report.html"])
def test_report_is_one_of_them_where_its_name_says_so(acme, tmp_path, name):
    path = written(tmp_path / "data.csv", articles(1))

    bring_in(f"--file={path}", "--tenant=acme", f"--report={tmp_path / name}")

    assert [one.name for one in tmp_path.glob("report*")] == [name]


def test_report_needs_a_directory_before_anything_is_done(acme, tmp_path):
    path = written(tmp_path / "data.csv", articles(1))

    found = bring_in(f"--file={path}", "--tenant=acme", f"--report={tmp_path / 'no' / 'report'}")

    assert (found["status"], slugs()) == (2, [])


@pytest.mark.parametrize("size", [1, 2, 100])
def test_batch_size_changes_nothing_in_the_result(acme, tmp_path, size):
    rows = [*articles(5), {"slug": "b", "title": ""}, {"slug": "a0", "title": "again"}]
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(
        f"--file={path}", "--tenant=acme", "--validation=lenient", f"--batch-size={size}"
    )

    assert (found["created"], found["rejected"]) == (5, 2)


def test_batch_size_must_be_one_or_more(acme, tmp_path):
    path = written(tmp_path / "data.csv", articles(1))

    assert bring_in(f"--file={path}", "--tenant=acme", "--batch-size=0")["status"] == 2


def test_guarded_takes_the_sign_away(acme, tmp_path):
    path = written(tmp_path / "data.csv", articles(1, content="=1+1"), guard=True)

    bring_in(f"--file={path}", "--tenant=acme", "--guarded")

    assert Article.objects.get().content == "=1+1"


def test_database_is_one_of_the_sites(tmp_path):
    path = written(tmp_path / "data.csv", articles(1))

    assert bring_in(f"--file={path}", "--database=elsewhere")["status"] == 2


def test_from_python_wrong_words_are_refused_as_on_the_command_line(acme, tmp_path):
    path = written(tmp_path / "data.csv", articles(1))

    for options in ({"on_conflict": "ignore"}, {"validation": "none"}):
        assert bring_in(file=str(path), tenant="acme", **options)["status"] == 2


def test_foreign_keys_are_found_by_key_and_by_the_types_own(acme, topic, tmp_path):
    rows = [
        {"slug": "a", "title": "A", "topic": str(topic.pk)},
        {"slug": "b", "title": "B", "topic": "tea"},
        {"slug": "c", "title": "C", "topic": None},
        {"slug": "d", "title": "D", "topic": "coffee"},
    ]
    path = written(tmp_path / "data.csv", rows)

    found = bring_in(f"--file={path}", "--tenant=acme", "--validation=lenient")

    assert dict(Article.objects.values_list("slug", "topic")) == {
        "a": topic.pk,
        "b": topic.pk,
        "c": None,
    }
    assert problems(found) == [(5, "topic", "there is no topic of this slug.")]
    assert Topic.objects.count() == 1
