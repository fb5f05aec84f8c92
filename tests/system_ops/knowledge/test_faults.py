"""Steps, rows and disks that are not as they should be: what is said, and what stays."""

import errno
import os

import pytest

from django_system_ops.services.knowledge import stepping
from tests.system_ops.knowledge.conftest import articles, folders, run, state, versions
from tests.system_ops.library.models import Article

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("raise", "the step raised KeyError: 'colour'"),
        ("return", "the step returned something"),
        ("drop", "the step was given 1 rows, and left 0"),
        ("key", "the step changed its key"),
        ("add", "the step may not add or remove columns: 'colour'"),
        ("long", "title: Ensure this value has at most 40 characters (it has 41)"),
        ("null", "title may not be empty"),
        ("decimal", "price: “cheap” value must be a decimal number"),
        ("json", "a new value raised TypeError: Object of type set is not JSON serializable"),
        ("tenant", "tenant: “nobody” value must be an integer"),
        ("refused", "the validator says: is refused"),
        ("odd", "it has to yield pairs of a row and a reason"),
        ("broken", "raised RuntimeError: the validator fails"),
    ],
)
def test_row_that_cannot_go_stops_it_and_is_named(steps, fault, reason):
    steps("Faulty")
    articles(4)
    (bad,) = articles(1, title=f"{fault} it")
    articles(2)

    found = run("--batch-size=2")

    assert found["status"] == 1
    assert (
        f"1.0 -> 1.9 (tests.system_ops.knowledge.steps.Faulty) stopped at row {bad.pk}: "
        in (found["sentence"])
    )
    assert reason in found["sentence"]
    assert "Traceback" not in found["sentence"]
    assert versions() == ["1.9"] * 4 + ["1.0"] * 3
    assert found["steps"][0]["rows"] == 4


def test_row_is_mended_and_the_next_run_goes_on(steps):
    steps("Faulty")
    articles(2)
    (bad,) = articles(1, title="raise it")
    articles(1)
    run("--batch-size=1")

    Article.objects.filter(pk=bad.pk).update(title="fine now")
    found = run()

    assert (found["status"], found["rows"], versions()) == (0, 2, ["1.9"] * 4)
    # Both took part in this migration, and both go back.
    assert run("--rollback")["rows"] == 4
    assert versions() == ["1.0"] * 4


def test_rows_that_fail_together_are_named_as_a_batch(steps):
    steps("Faulty")
    first, last = articles(2, title="twice the same")

    found = run()

    assert found["status"] == 1
    assert (
        f"one of the 2 rows from {first.pk} to {last.pk}: the database said: "
        in (found["sentence"])
    )
    assert versions() == ["1.0", "1.0"]


def test_step_that_changes_the_order_of_rows_is_refused(steps):
    steps("Faulty")
    articles(3, title="swap them")

    assert "changed its key, or its place" in run()["sentence"]


def test_value_of_another_type_becomes_that_of_the_column(steps):
    steps("Text")
    (row,) = articles(1)

    assert run()["status"] == 0

    row.refresh_from_db()
    assert (str(row.price), row.seen_at.year, row.slug) == ("7.50", 2020, "12")
    assert run("--rollback")["by_image"] == 1


def test_null_of_json_is_told_from_no_value(steps):
    steps("Empty")
    (row,) = articles(1)

    assert run()["status"] == 0

    row.refresh_from_db()
    assert (row.data, row.slug) == (None, None)
    before = row.data
    assert run("--rollback")["status"] == 0
    row.refresh_from_db()
    assert row.data != before


def test_full_disk_changes_nothing(monkeypatch):
    articles(4)
    before = state()
    fsync, calls = os.fsync, []

    def fail(descriptor):
        calls.append(descriptor)
        # The first are those of the directory and migration.json.
        if len(calls) > 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    found = run("--batch-size=1", version="1.9")
    monkeypatch.undo()

    assert found["status"] == 1
    assert "cannot be written" in found["sentence"]
    assert "No space left on device" in found["sentence"]
    done = found["rows"]
    assert [row["version"] for row in state()] == ["1.9"] * done + ["1.0"] * (4 - done)
    assert state()[done:] == before[done:]
    assert run(version="1.9")["rows"] == 4 - done
    assert run("--rollback")["rows"] == 4
    assert state() == before


def test_directory_that_cannot_be_made_is_one_sentence(configure, tmp_path):
    (tmp_path / "taken").write_text("")
    configure(state_directory=str(tmp_path / "taken"))
    articles(1)

    found = run()

    assert (found["status"], versions()) == (1, ["1.0"])
    assert "MANAGEMENT_COMMANDS['state_directory']" in found["sentence"]


def test_missing_library_is_one_sentence(monkeypatch):
    from django_system_ops.services.knowledge import journal

    articles(1)
    monkeypatch.setattr(journal, "find_spec", lambda _name: None)

    found = run()

    assert (found["status"], versions(), folders()) == (1, ["1.0"], [])
    assert "install django-opskit[system-ops]" in found["sentence"]


def test_row_that_is_changed_between_key_and_lock_is_left_alone(monkeypatch):
    first, second = articles(2)
    apply = stepping.apply

    def meanwhile(table, work, rows, **more):
        assert [row["id"] for row in rows] == [second.pk]
        return apply(table, work, rows, **more)

    from django_system_ops.services.knowledge.table import Table

    keys = Table.keys

    def changed(self, *args):
        found = keys(self, *args)
        Article.objects.filter(pk=first.pk).update(version="7.0")
        return found

    monkeypatch.setattr(Table, "keys", changed)
    monkeypatch.setattr("django_system_ops.services.knowledge.migrating.apply", meanwhile)

    found = run(version="1.9")

    assert (found["status"], versions()) == (3, ["7.0", "1.9"])


def test_values_too_large_for_one_statement_go_in_several(monkeypatch, steps):
    from django_system_ops.services.knowledge import table

    monkeypatch.setattr(table, "_MOST_BYTES", 30)
    steps("Split")
    articles(5)

    assert run()["rows"] == 5
    assert versions() == ["1.9"] * 5
