"""Rows go from version to version: which, how far, how many at once, and what is left."""

import json
import stat
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_system_ops.services.cleanup.archiving import read_archive
from tests.system_ops.knowledge.conftest import (
    NOON,
    articles,
    folders,
    run,
    said,
    state,
    versions,
)
from tests.system_ops.library.models import Article

pytestmark = pytest.mark.django_db(transaction=True)


def test_rows_go_to_the_newest_version_by_all_steps():
    first, _second = articles(2)

    found = run()

    assert (found["status"], found["target"], found["rows"]) == (0, "2.0", 6)
    assert [(one["from"], one["to"], one["rows"]) for one in found["steps"]] == [
        ("1.0", "1.9", 2),
        ("1.9", "1.10", 2),
        ("1.10", "2.0", 2),
    ]
    now = Article.objects.get(pk=first.pk)
    assert (now.version, now.title, now.slug) == ("2.0", "WORDS", f"Some-{first.pk}")
    assert now.data == {"nested": [0, "ü", 1.5, {"id": first.pk, "é": None}], "null": None}
    assert now.price == Decimal(first.pk) / 4
    assert bytes(now.blob) == b"\x00\x00\xff\x00\xff"
    assert now.seen_at == NOON.replace(year=2001)
    assert (now.text, now.tenant_id) == (first.text, first.tenant_id)


@pytest.mark.parametrize("option", ["version", "target_version"])
def test_version_is_how_far_they_go(option):
    articles(2)

    found = run(**{option: "1.9"})

    assert (found["status"], found["target"], versions()) == (0, "1.9", ["1.9", "1.9"])


def test_version_on_a_command_line(manage, ops_env):
    articles(2)

    for argument in (["--version=1.9"], ["--version", "1.10"]):
        found = manage("migrate_knowledge_base", *argument, "--json", env=ops_env)
        assert (found.returncode, found.stderr) == (0, "")

    assert versions() == ["1.10", "1.10"]
    wrong = manage("migrate_knowledge_base", "--version", env=ops_env)
    assert wrong.returncode == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("3.0", "--version '3.0': no step knows it. Known: 1.0, 1.9, 1.10, 2.0."),
        ("newest", "--version: 'newest' is no version"),
        ("", "--version: '' is no version"),
        ("1.0; DROP TABLE", "is no version"),
    ],
)
def test_version_that_is_unknown_is_answered_with_those_that_are_known(text, sentence):
    articles(1)

    found = run(version=text)

    assert found["status"] == 2
    assert sentence in found["sentence"]
    assert versions() == ["1.0"]


def test_version_is_a_number_however_it_is_written():
    articles(1)

    assert run(version="2.0.0")["target"] == "2.0"
    assert run(version=2)["target"] == "2.0"
    assert versions() == ["2.0"]


def test_rows_of_several_versions_meet_on_the_way():
    articles(1)
    articles(1, version="1.9")
    articles(1, version="2.0")

    found = run()

    assert versions() == ["2.0"] * 3
    assert [one["rows"] for one in found["steps"]] == [1, 2, 2]
    assert found["at_target"] == 1


def test_kind_of_a_value_inside_json_is_a_change(steps):
    def text():
        return json.dumps(Article.objects.get().data, sort_keys=True)

    steps("Kinds")
    articles(1)
    Article.objects.update(data={"is_on": 1, "size": 3, "list": [False, {"deep": True}]})
    before = text()

    run()

    assert text() == '{"is_on": true, "list": [0, {"deep": 1}], "size": 3.0}'
    run("--rollback")
    assert text() == before


def test_version_in_other_words_than_the_steps_is_named_with_theirs():
    (row,) = articles(1, version="1")

    for options in ([], ["--validate-only"]):
        found = run(*options)

        assert (found["status"], versions()) == (3, ["1"])
        (left,) = found.get("left") or found["findings"]
        assert left["reason"] == "have a version that no step knows"
        assert left["examples"] == [{"pk": str(row.pk), "reason": "'1', which steps call '1.0'"}]
    assert f"{row.pk} ('1', which steps call '1.0')" in said()


def test_rows_that_are_newer_than_the_target_stay():
    articles(1)
    articles(1, version="2.0")

    found = run(version="1.9")

    assert (found["status"], versions()) == (0, ["1.9", "2.0"])
    assert found["newer"] == {"2.0": 1}
    assert "1 rows are at 2.0, which is newer, and stay there" in said("--version=1.9")


def test_rows_without_a_known_version_are_named_and_left():
    (known,) = articles(1)
    nulls = articles(7, version=None)
    (odd,) = articles(1, version="0.9")

    found = run()

    assert found["status"] == 3
    assert "8 rows are not at 2.0. Known: 1.0 > 1.9, 1.9 > 1.10, 1.10 > 2.0." in found["sentence"]
    unknown, without = found["left"]
    assert (unknown["rows"], unknown["examples"]) == (1, [{"pk": str(odd.pk), "reason": "'0.9'"}])
    assert (without["rows"], len(without["examples"])) == (7, 5)
    assert Article.objects.get(pk=known.pk).version == "2.0"
    text = said()
    assert f"1 rows have a version that no step knows: {odd.pk} ('0.9')" in text
    assert f"7 rows have no version: {nulls[0].pk}," in text


def test_rows_that_no_way_leads_on_from_are_named(steps):
    steps("Split", "Price", "Shout", "Side")
    (row,) = articles(1, version="1.5")
    articles(1)

    found = run()

    assert (found["status"], found["target"]) == (3, "2.0")
    assert found["left"][0]["reason"] == "no steps lead on to 2.0"
    assert found["left"][0]["examples"][0]["pk"] == str(row.pk)
    assert versions() == ["1.5", "2.0"]


def test_newest_version_is_the_newest_that_rows_can_get_to(steps):
    steps("Split", "Shout")
    articles(1)

    found = run()

    assert (found["status"], found["target"]) == (0, "1.9")


def test_empty_table_is_nothing_to_do():
    found = run()

    assert (found["status"], found["rows"], found["before_images"]) == (0, 0, "")
    assert "nothing to do" in said()
    assert folders() == []


def test_second_run_does_nothing():
    articles(3)
    run()
    before = state()

    found = run()

    assert (found["status"], found["rows"], found["at_target"]) == (0, 0, 3)
    assert (state(), len(folders())) == (before, 1)


def test_batch_size_is_how_many_rows_a_transaction_changes():
    articles(5)

    found = run("--batch-size=2", version="1.9")

    assert found["steps"][0]["batches"] == 3
    assert run("--batch-size=0")["status"] == 2


def test_queries_do_not_grow_with_rows():
    counts = []
    for number in (2, 40):
        Article.objects.all().delete()
        articles(number)
        with CaptureQueriesContext(connection) as queries:
            run(version="1.9")
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_columns_that_a_step_leaves_alone_are_not_written(steps):
    steps("Nothing")
    articles(2)
    before = state()

    with CaptureQueriesContext(connection) as queries:
        run()

    (update,) = [one["sql"] for one in queries if one["sql"].startswith("UPDATE")]
    assert "title" not in update
    assert state() == [{**row, "version": "1.9"} for row in before]


def test_tenant_is_whose_rows_go():
    articles(1, tenant="acme")
    articles(1, tenant="zenith")

    found = run(tenant="acme", version="1.9")

    assert (found["rows"], versions()) == (1, ["1.9", "1.0"])
    assert run(tenant="nobody")["status"] == 2
    assert run(tenant="all", version="1.9")["rows"] == 1


def test_filter_of_the_type_holds(configure):
    articles(1, title="Draft words")
    articles(1)
    kind = {"model": "library.Article", "tenant": "tenant", "filter": {"title__startswith": "Some"}}
    configure(data={"types": {"knowledge": kind}})

    run(version="1.9")

    assert versions() == ["1.0", "1.9"]


def test_dry_run_tries_all_of_it_and_changes_nothing():
    articles(3)
    articles(1, version="1.9")
    before = state()

    found = run("--dry-run", "--batch-size=2")

    assert (found["status"], found["rows"]) == (0, 11)
    assert [one["rows"] for one in found["steps"]] == [3, 4, 4]
    assert (state(), folders()) == (before, [])
    assert "3 rows would go from 1.0 to 1.9" in said("--dry-run")


def test_dry_run_finds_the_row_that_would_stop_it(steps):
    steps("Faulty", "Price")
    articles(2)
    (bad,) = articles(1, title="raise it")

    found = run("--dry-run")

    assert found["status"] == 1
    assert f"row {bad.pk}: the step raised KeyError: 'colour'" in found["sentence"]
    assert versions() == ["1.0"] * 3


def test_database_that_is_not_there():
    assert run(database="elsewhere")["status"] == 2


def test_inside_a_transaction_it_refuses():
    articles(1)
    with transaction.atomic(), pytest.raises(CommandError, match="inside a transaction"):
        call_command("migrate_knowledge_base")

    assert versions() == ["1.0"]


def test_rows_are_kept_as_they_were_for_nobody_else_to_read():
    (row,) = articles(1)

    found = run(version="1.9")

    (folder,) = folders()
    assert found["before_images"] == str(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    facts, images = folder / "migration.json", folder / "step-001.jsonl.zst"
    assert sorted(folder.iterdir()) == [facts, images]
    assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o600}
    (image,) = read_archive(images)
    assert image["pk"] == row.pk
    assert image["before"] == {"title": "Some words", "slug": None}
    assert json.loads(facts.read_text())["state"] == "finished"


def test_without_steps_it_says_where_to_name_them(configure):
    configure(knowledge_base={"steps": []})

    found = run()

    assert found["status"] == 1
    assert "MANAGEMENT_COMMANDS['knowledge_base']['steps']" in found["sentence"]


def test_version_field_may_be_a_whole_number(configure):
    configure(
        data={"types": {"knowledge": {"model": "shop.Comment", "shared": True}}},
        knowledge_base={
            "version_field": "object_id",
            "steps": ["tests.system_ops.knowledge.test_migrating.OneToTwo"],
        },
    )
    from django.contrib.contenttypes.models import ContentType

    from tests.system_ops.shop.models import Comment

    row = Comment.objects.create(content_type=ContentType.objects.first(), object_id=1, text="old")

    found = run()

    row.refresh_from_db()
    assert (found["status"], row.object_id, row.text) == (0, 2, "new")


class OneToTwo:
    """From 1 to 2."""

    from_version, to_version = "1", "2"

    def forward(self, rows):
        """Renew it."""
        for row in rows:
            row["text"] = "new"
