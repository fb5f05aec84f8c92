"""What a synchronisation makes of the tasks."""

import pytest

from tests.timetracker.sync.factories import TaskFactory, TaskSourceFactory
from tests.timetracker.sync.servers import SERVER_TIME, page, status, task, tombstone
from timetracker.models import SyncRun, TaskCache, TaskSource

pytestmark = pytest.mark.django_db


def counts(report):
    return tuple(report.counters().values())


def active():
    return set(TaskCache.objects.filter(is_active=True).values_list("external_id", flat=True))


def test_the_first_run_adds_every_task(server, sync):
    server.script += [
        page(task("T-1", name="Wiring"), next="?after=1", headers={"ETag": '"v1"'}),
        page(task("T-2", is_active=False)),
    ]

    report = sync()

    assert (report.mode, counts(report)) == ("full", (2, 0, 0, 0, 0))
    wiring = TaskCache.objects.get(external_id="T-1")
    assert (wiring.display_name, wiring.discipline, wiring.is_active) == (
        "Wiring",
        "Electrical",
        True,
    )
    assert wiring.source.url == server.url
    assert wiring.synced_at is not None
    assert active() == {"T-1"}


def test_a_successful_run_is_remembered(server, sync):
    server.script += [page(task("T-1"), headers={"ETag": '"v1"'})]

    report = sync()

    row = TaskSource.objects.get()
    assert (row.cursor, row.etag) == (SERVER_TIME, '"v1"')
    assert row.synced_at == row.full_synced_at is not None
    assert (row.lease_token, row.leased_until) == (None, None)
    run = SyncRun.objects.get()
    assert (run.pk, run.mode, run.outcome, run.added) == (report.run_id, "full", "succeeded", 1)
    assert run.started_at <= run.finished_at


def test_each_change_has_a_history_that_names_the_run(server, sync):
    server.script += [
        page(task("T-1"), task("T-2")),
        page(task("T-1", name="Cabling", updated_at="2026-03-02T10:00:00Z"), tombstone("T-2")),
    ]

    first, second = sync(), sync(max_deactivate_percent=100)

    history = TaskCache.history.order_by("external_id", "history_id").values_list(
        "external_id", "history_type", "history_change_reason", "display_name", "is_active"
    )
    assert list(history) == [
        ("T-1", "+", f"sync_tasks run {first.run_id}", "Task T-1", True),
        ("T-1", "~", f"sync_tasks run {second.run_id}", "Cabling", True),
        ("T-2", "+", f"sync_tasks run {first.run_id}", "Task T-2", True),
        ("T-2", "~", f"sync_tasks run {second.run_id}", "Task T-2", False),
    ]


def test_the_history_shows_a_changed_task_as_the_row_does(server, sync, source):
    TaskFactory(source=None, external_id="T-1")
    server.script += [page(task("T-1", name="Cabling"))]

    sync()

    row, last = TaskCache.objects.get(), TaskCache.history.latest("history_id")
    assert row.synced_at == row.updated_at == last.history_date
    for field in TaskCache._meta.fields:
        assert getattr(last, field.attname) == getattr(row, field.attname), field.name


@pytest.mark.parametrize("mode", [None, "incremental", "full"])
def test_a_second_run_changes_nothing_and_writes_no_history(server, sync, mode):
    server.otherwise = page(task("T-1"), task("T-2", is_active=False))
    sync()
    before = list(TaskCache.objects.values()), TaskCache.history.count()

    report = sync(mode=mode)

    assert counts(report) == (0, 0, 0, 2, 0)
    assert (list(TaskCache.objects.values()), TaskCache.history.count()) == before


def test_an_incremental_run_asks_from_a_little_before_the_servers_time(server, sync, source):
    server.script += [page(task("T-1"))]

    report = sync(mode="incremental")

    assert (report.mode, report.fell_back) == ("incremental", False)
    assert server.asked[0].query["updated_since"] == "2026-03-02T07:59:00Z"
    assert server.asked[0].headers["If-None-Match"] == '"v1"'
    source.refresh_from_db()
    assert (source.cursor, source.etag, source.full_synced_at) == (SERVER_TIME, "", None)


def test_without_an_earlier_run_an_incremental_one_is_full_and_says_so(server, sync):
    server.script += [page(task("T-1"))]

    report = sync(mode="incremental")

    assert (report.mode, report.fell_back) == ("full", True)
    assert "updated_since" not in server.asked[0].query


def test_a_full_run_asks_for_everything_whatever_the_etag(server, sync, source):
    server.script += [page(task("T-1"))]

    report = sync(mode="full")

    assert (report.mode, report.fell_back) == ("full", False)
    assert "updated_since" not in server.asked[0].query
    assert server.asked[0].headers["If-None-Match"] is None


def test_a_list_that_has_not_changed_moves_no_cursor(server, sync, source):
    TaskFactory(source=source)
    server.script += [status(304)]

    report = sync()

    assert (report.not_modified, counts(report)) == (True, (0, 0, 0, 0, 0))
    source.refresh_from_db()
    assert (source.cursor, source.etag) == ("2026-03-02T08:00:00Z", '"v1"')
    assert source.synced_at is not None


def test_an_incremental_run_deactivates_what_has_a_tombstone_only(server, sync, source):
    for external_id in ("T-1", "T-2", "T-3"):
        TaskFactory(source=source, external_id=external_id)
    server.script += [page(tombstone("T-2"), tombstone("T-unknown"))]

    report = sync()

    assert counts(report) == (0, 0, 1, 1, 0)
    assert active() == {"T-1", "T-3"}


def test_a_full_run_deactivates_what_the_list_no_longer_holds(server, sync, source):
    for external_id in ("T-1", "T-2", "T-3"):
        TaskFactory(source=source, external_id=external_id)
    server.script += [page(task("T-1"), task("T-3"))]

    report = sync(mode="full")

    assert counts(report) == (0, 0, 1, 2, 0)
    assert active() == {"T-1", "T-3"}


def test_a_task_that_comes_back_is_active_again(server, sync, source):
    TaskFactory(source=source, external_id="T-1", is_active=False)
    server.script += [page(task("T-1"))]

    report = sync()

    assert counts(report) == (0, 1, 0, 0, 0)
    assert active() == {"T-1"}


def test_tasks_of_other_sources_and_of_none_are_not_missed(server, sync, source):
    TaskFactory(source=TaskSourceFactory(), external_id="theirs")
    TaskFactory(source=None, external_id="seed")
    server.script += [page(task("T-1"))]

    report = sync(mode="full")

    assert report.deactivated == 0
    assert active() == {"T-1", "theirs", "seed"}


def test_a_task_of_another_source_is_rejected_and_left_alone(server, sync, source):
    TaskFactory(source=TaskSourceFactory(), external_id="T-1", display_name="Theirs")
    server.script += [page(task("T-1"), task("T-2"))]

    report = sync(mode="full")

    assert counts(report) == (1, 0, 0, 0, 1)
    assert TaskCache.objects.get(external_id="T-1").display_name == "Theirs"


def test_a_task_of_no_source_is_taken_over_when_it_is_delivered(server, sync, source):
    TaskFactory(source=None, external_id="T-1")
    server.script += [page(task("T-1"))]

    report = sync(mode="full")

    assert counts(report) == (0, 1, 0, 0, 0)
    assert TaskCache.objects.get().source == source


def test_ids_that_differ_in_case_are_two_tasks(server, sync):
    server.script += [page(task("a"), task("A"))]

    assert sync().added == 2


def test_a_wrong_record_does_not_stop_the_others_and_is_not_missed(server, sync, source):
    TaskFactory(source=source, external_id="T-2")
    server.script += [page(task("T-1"), task("T-2", name=None), task("T-3"))]

    report = sync(mode="full")

    assert counts(report) == (2, 0, 0, 0, 1)
    assert [(one.record, one.reason) for one in report.rejections] == [
        ("task 'T-2'", "name: should be a valid string")
    ]
    assert active() == {"T-1", "T-2", "T-3"}
    assert SyncRun.objects.get().rejected == 1


def test_nothing_is_missed_while_a_record_tells_no_id(server, sync, source):
    TaskFactory(source=source, external_id="T-1")
    TaskFactory(source=source, external_id="T-2")
    server.script += [page(task("T-1"), {"name": "T-2?"})]

    report = sync(mode="full")

    assert (report.deactivated, report.left_active, report.rejected) == (0, 1, 1)
    assert active() == {"T-1", "T-2"}


def test_of_several_deliveries_of_a_task_the_newest_is_taken(server, sync):
    server.script += [
        page(
            task("T-1", name="new", updated_at="2026-03-02T08:00:00Z"),
            task("T-1", name="old", updated_at="2026-03-01T08:00:00Z"),
        )
    ]

    report = sync()

    assert counts(report) == (1, 0, 0, 0, 0)
    assert TaskCache.objects.get().display_name == "new"
