"""One run per source at a time, however the one before ended."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection

from tests.timetracker.sync.conftest import NOON
from tests.timetracker.sync.factories import TaskSourceFactory
from tests.timetracker.sync.servers import page, status, task
from timetracker.models import SyncRun, TaskCache, TaskSource
from timetracker.sync.exceptions import SyncBusyError, SyncLostError
from timetracker.sync.lease import Lease
from timetracker.sync.service import sync_tasks

pytestmark = pytest.mark.django_db

URL = "https://planner.example.com/tasks"


def take(url=URL, *, at=NOON, seconds=60.0, **options):
    return Lease.take(url, full=False, now=at, seconds=seconds, **options)


def test_a_second_run_is_turned_away_and_leaves_no_row():
    take()

    with pytest.raises(SyncBusyError, match="at work.* silent for 60 s"):
        take(at=NOON + timedelta(seconds=59))

    assert SyncRun.objects.count() == 1


def test_another_source_can_be_read_at_the_same_time():
    take()

    take("https://other.example.com/tasks")

    assert SyncRun.objects.filter(outcome="running").count() == 2


def test_a_run_that_was_killed_keeps_nobody_out_for_long():
    killed = take()

    successor = take(at=NOON + timedelta(seconds=61))

    killed.run.refresh_from_db()
    assert (killed.run.outcome, killed.run.finished_at) == ("failed", NOON + timedelta(seconds=61))
    assert killed.run.error.startswith("The run ended without a word")
    assert SyncRun.objects.get(outcome="running") == successor.run


def test_a_run_that_lost_its_place_can_no_longer_write():
    slow = take()
    take(at=NOON + timedelta(seconds=61))

    for write in (slow.confirm, lambda: slow.succeed({"added": 1})):
        with pytest.raises(SyncLostError, match="another took its place"):
            write()


def test_a_run_that_lost_its_place_does_not_give_away_its_successors():
    slow = take()
    take(at=NOON + timedelta(seconds=61))
    row = TaskSource.objects.values().get()

    slow.fail(SyncLostError("too slow"))

    assert TaskSource.objects.values().get() == row
    slow.run.refresh_from_db()
    assert slow.run.error.startswith("The run ended without a word")


def test_a_sign_of_life_costs_a_query_every_half_a_minute(fake_time, django_assert_num_queries):
    lease = take(monotonic=fake_time.timing.monotonic)
    fake_time.seconds += 29

    with django_assert_num_queries(0):
        lease.renew()
    fake_time.seconds += 1
    with django_assert_num_queries(1):
        lease.renew()
        lease.renew()

    with pytest.raises(SyncBusyError):
        take(at=NOON + timedelta(seconds=30 + 59))


def test_a_run_that_waits_for_its_source_keeps_its_place(server, make_client, fake_time):
    server.script += [status(503, Retry_After="100"), status(503, Retry_After="100"), page()]
    began = fake_time.seconds

    def nobody_else_gets_in(seconds):
        fake_time.seconds += seconds
        with pytest.raises(SyncBusyError):
            take(server.url, at=NOON + timedelta(seconds=fake_time.seconds - began))

    client = make_client(TOTAL_TIMEOUT_SECONDS=1.0, WAIT_CAP_SECONDS=100.0)
    client.timing = replace(client.timing, sleep=nobody_else_gets_in)

    sync_tasks(client, now=NOON)

    assert fake_time.seconds >= began + 200


def test_a_failed_run_gives_its_place_free_and_keeps_the_reason_short():
    lease = take()

    lease.fail(ValueError("\0" + "x" * 5_000))

    lease.run.refresh_from_db()
    assert lease.run.outcome == "failed"
    assert lease.run.error.startswith("ValueError:  xxx")
    assert len(lease.run.error) == 2_000
    take()


def test_a_run_that_cannot_be_closed_says_so_in_the_log(caplog):
    lease = take()

    def no_database(execute, sql, params, many, context):
        raise DatabaseError("gone")

    with connection.execute_wrapper(no_database):
        lease.fail(ValueError("first"))

    assert f"run={lease.run.pk} could not be closed" in caplog.text


def test_a_run_that_is_overtaken_while_it_reads_writes_nothing(server, make_client):
    server.script += [page(task("T-1"))]

    def overtake(tasks):
        TaskSource.objects.update(lease_token=None)

    with pytest.raises(SyncLostError):
        sync_tasks(make_client(), now=NOON, on_page=overtake)

    assert not TaskCache.objects.exists()


def test_an_interrupted_run_gives_its_place_free(server, make_client):
    server.otherwise = page(task("T-1"))

    def interrupt(tasks):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync_tasks(make_client(), now=NOON, on_page=interrupt)

    assert SyncRun.objects.get().error == "KeyboardInterrupt: "
    assert sync_tasks(make_client(), now=NOON).added == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [True, False], ids=["known source", "new source"])
def test_of_many_that_begin_at_once_the_database_lets_one_run(known):
    if known:
        TaskSourceFactory(url=URL)
    start = threading.Barrier(6)
    outcomes = []

    def begin():
        try:
            start.wait(10)
            take()
            outcomes.append("run")
        except SyncBusyError:
            outcomes.append("busy")
        finally:
            connection.close()

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["busy"] * 5 + ["run"]
    assert SyncRun.objects.count() == 1
