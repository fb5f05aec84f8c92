"""What a synchronisation does not do, and what it leaves behind for whoever looks into it."""

import pytest
from django.db import DatabaseError, connection

from tests.timetracker.sync.factories import TaskFactory
from tests.timetracker.sync.servers import page, raw, task, tombstone
from timetracker.models import SyncRun, TaskCache, TaskSource
from timetracker.sync.exceptions import FetchError, GuardError

pytestmark = pytest.mark.django_db


def counts(report):
    return tuple(report.counters().values())


def active():
    return set(TaskCache.objects.filter(is_active=True).values_list("external_id", flat=True))


def test_an_empty_list_does_not_deactivate_everything(server, sync, source):
    TaskFactory.create_batch(3, source=source)
    server.script += [page()]

    with pytest.raises(GuardError, match=r"3 of 3 .* --max-deactivate-percent 100"):
        sync(mode="full")

    assert len(active()) == 3
    assert SyncRun.objects.get().error.startswith("3 of 3 active tasks would be deactivated")


def test_the_guard_counts_tombstones_and_closed_tasks_too(server, sync, source):
    TaskFactory.create_batch(1, source=source, external_id="T-1")
    TaskFactory.create_batch(1, source=source, external_id="T-2")
    TaskFactory.create_batch(1, source=source, external_id="T-3")
    server.script += [page(tombstone("T-1"), task("T-2", is_active=False))]

    with pytest.raises(GuardError, match=r"2 of 3 active tasks .* --max-deactivate-percent 67"):
        sync()


def test_the_guard_can_be_lifted(server, sync, source):
    TaskFactory.create_batch(3, source=source)
    server.script += [page()]

    report = sync(mode="full", max_deactivate_percent=100)

    assert (report.deactivated, active()) == (3, set())


def test_the_guard_counts_tasks_that_are_taken_over(server, sync, source):
    TaskFactory(source=None, external_id="T-1")
    server.script += [page(tombstone("T-1"))]

    with pytest.raises(GuardError, match="1 of 1"):
        sync()


def test_the_guards_limit_is_a_setting(server, sync, source, make_client):
    TaskFactory.create_batch(10, source=source)
    server.script += [page(*(task(one) for one in sorted(active())[1:]))]

    with pytest.raises(GuardError, match="more than 5 %"):
        sync(make_client(MAX_DEACTIVATE_PERCENT=5), mode="full")


def test_a_list_that_ends_early_changes_nothing(server, sync, source):
    TaskFactory.create_batch(2, source=source)
    server.script += [page(task("T-new"), next="?after=1"), raw(b'{"tasks": [')]

    with pytest.raises(FetchError):
        sync(mode="full")

    assert len(active()) == 2
    source.refresh_from_db()
    assert (source.cursor, source.lease_token) == ("2026-03-02T08:00:00Z", None)
    run = SyncRun.objects.get()
    assert (run.outcome, run.added) == ("failed", 0)
    assert "broken JSON" in run.error


@pytest.mark.django_db(transaction=True)
def test_a_database_error_in_the_middle_leaves_nothing_half_written(server, sync):
    server.script += [page(task("T-1"), task("T-2", name="Old"))]
    sync()
    server.script += [page(task("T-2", name="New", updated_at="2026-03-02T08:00:00Z"), task("T-3"))]
    before = TaskSource.objects.values("cursor", "synced_at").get()

    def fail_on_history(execute, sql, params, many, context):
        if sql.startswith("INSERT") and "historicaltask" in sql and "New" in str(params):
            raise DatabaseError("disk full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail_on_history), pytest.raises(DatabaseError):
        sync()

    assert set(TaskCache.objects.values_list("external_id", "display_name")) == {
        ("T-1", "Task T-1"),
        ("T-2", "Old"),
    }
    assert TaskCache.history.count() == 2
    assert TaskSource.objects.values("cursor", "synced_at").get() == before
    run = SyncRun.objects.latest("started_at")
    assert (run.outcome, run.error) == ("failed", "DatabaseError: disk full")


def test_a_dry_run_tells_all_and_writes_nothing(server, sync, source):
    TaskFactory(source=source, external_id="T-1")
    TaskFactory(source=source, external_id="T-2")
    server.script += [page(task("T-1", name="Cabling"), task("T-3"))]
    before = (
        list(TaskCache.objects.values()),
        list(TaskSource.objects.values()),
        TaskCache.history.count(),
    )

    report = sync(mode="full", dry_run=True)

    assert (report.dry_run, report.run_id, counts(report)) == (True, None, (1, 1, 1, 0, 0))
    assert [(one.action, one.external_id) for one in report.changes] == [
        ("updated", "T-1"),
        ("added", "T-3"),
        ("deactivated", "T-2"),
    ]
    assert before == (
        list(TaskCache.objects.values()),
        list(TaskSource.objects.values()),
        TaskCache.history.count(),
    )
    assert not SyncRun.objects.exists()


def test_a_dry_run_of_a_new_source_leaves_no_trace_of_it(server, sync):
    TaskFactory(source=None, external_id="T-1")
    server.script += [page(task("T-1"), task("T-2"))]

    report = sync(dry_run=True)

    assert counts(report) == (1, 1, 0, 0, 0)
    assert not TaskSource.objects.exists()


def test_a_dry_run_is_guarded_too(server, sync, source):
    TaskFactory.create_batch(3, source=source)
    server.script += [page()]

    with pytest.raises(GuardError):
        sync(mode="full", dry_run=True)


def test_changes_and_sums_are_logged_as_facts(server, sync, caplog):
    caplog.set_level("INFO", logger="timetracker.sync")
    server.script += [page(task("T-1"), task("T-2", name=""))]

    report = sync()

    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith(f"run={report.run_id} task='T-1' action=added fields=display_name,")
    assert lines[1].startswith(f"run={report.run_id} rejected=\"task 'T-2'\" reason='name: ")
    assert lines[2] == (
        f"run={report.run_id} source={server.url} mode=full "
        "added=1 updated=0 deactivated=0 unchanged=0 rejected=1"
    )


def bulk(prefix, count, **keys):
    return [task(f"{prefix}-{number}", **keys) for number in range(count)]


@pytest.mark.parametrize("count", [2, 20])
def test_the_number_of_queries_does_not_grow_with_the_number_of_tasks(
    server, sync, django_assert_num_queries, count
):
    newer = {"updated_at": "2026-03-02T08:00:00Z"}
    changed = page(*bulk("old", count, name="New", **newer), *bulk("new", count))
    server.script += [page(*bulk("old", count), *bulk("gone", count)), changed, changed]
    sync()

    # Begin and end of two transactions 4, to take the lease and open the run 5, to confirm the
    # lease, to give it back and to close the run 3; the rest is for tasks and their history.
    with django_assert_num_queries(4 + 5 + 3 + 8):
        report = sync(mode="full")
    with django_assert_num_queries(4 + 5 + 3 + 1):
        sync()

    assert counts(report) == (count, count, count, 0, 0)
