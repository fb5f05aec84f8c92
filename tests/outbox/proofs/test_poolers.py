"""Workers behind PgBouncer, in both modes that sites use, and on Django's own pool."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from subprocess import Popen
from urllib.request import urlopen

import pytest
from django.db import connection

from django_outbox.dispatcher import JobSpec, enqueue_many
from django_outbox.models import OutboxAttempt, OutboxJob
from tests.outbox.proofs.observing import Observer, began, done, held_at_death
from tests.outbox.running import wait_for
from tests.pooler import PgBouncer
from tests.processes import read_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

HOUR = '{"LEASE_SECONDS": 3600, "HEARTBEAT_SECONDS": 0.2}'
# What the manual tells behind a pooler that gives each transaction another session.
SESSIONLESS = {
    "LIVENESS_LOCKS": False,
    "WAKE_UP": False,
    "LEASE_SECONDS": 2,
    "HEARTBEAT_SECONDS": 0.2,
    "QUEUES": {"default": {"LANES": True}},
}

Start = Callable[..., "Popen[str]"]


@pytest.fixture
def behind(spawn: Start) -> Iterator[Callable[[str, str], Start]]:
    """Starts a pooler in some mode, and returns what starts workers behind it."""
    PgBouncer.require()
    with ExitStack() as stack:

        def start_pooler(mode: str, outbox: str) -> Start:
            pooler = PgBouncer(mode, connection.settings_dict)
            stack.callback(pooler.end)
            environment = {**pooler.start().environment(), "OPSKIT_OUTBOX": outbox}

            def start_worker(*options: object) -> "Popen[str]":
                worker = spawn("worker_run", "--poll-seconds", "0.1", *options, env=environment)
                read_until(worker, "started")
                return worker

            return start_worker

        yield start_pooler


def kill(worker: "Popen[str]") -> None:
    worker.kill()
    worker.wait(10)


def was_taken_from(worker: "Popen[str]") -> bool:
    return bool(held_at_death([worker.pid]))


def test_session_mode_keeps_the_lock_that_tells_of_a_death(behind, tmp_path):
    log, jobs = tmp_path / "log", 30
    worker = behind("session", HOUR)
    victim, heir = worker("--concurrency", 4), worker("--concurrency", 4)
    observer = Observer()

    payload = {"log": str(log), "seconds": 0.2}
    enqueue_many(JobSpec("SLOW_NOTE", payload=payload) for _ in range(jobs))
    wait_for(lambda: began(log, pids=[victim.pid]))
    kill(victim)

    # By its lease alone nothing would come back within the hour.
    observer.wait_until_done(jobs)
    observer.check()
    assert done(log, pids=[heir.pid])
    assert was_taken_from(victim)
    assert max(Counter(began(log)).values()) <= 2


def test_transaction_mode_without_sessions_loses_nothing(behind, settings, tmp_path):
    settings.OUTBOX = SESSIONLESS
    log = tmp_path / "log"
    worker = behind("transaction", json.dumps(SESSIONLESS))
    victim = worker("--concurrency", 2)
    observer = Observer()

    slow = {"log": str(log), "seconds": 0.1}
    specs = [JobSpec("SLOW_NOTE", payload=slow) for _ in range(20)]
    lane = [JobSpec("SLOW_NOTE", payload=slow, group_key="lane") for _ in range(10)]
    enqueue_many([*specs, *lane])
    wait_for(lambda: began(log, pids=[victim.pid]))
    kill(victim)
    worker("--concurrency", 2)

    observer.wait_until_done(len(specs) + len(lane))
    observer.check()
    assert was_taken_from(victim)
    in_lane = list(
        OutboxJob.objects.filter(group_key="lane").order_by("pk").values_list("pk", flat=True)
    )
    ends = list(dict.fromkeys(done(log)))
    assert [pk for pk in ends if pk in in_lane] == in_lane


@pytest.mark.parametrize("more", [(), ("--metrics-port", 0)], ids=["plain", "metrics"])
def test_pool_of_the_size_that_the_manual_names_is_just_enough(spawn, more):
    pytest.importorskip("psycopg_pool")
    if more:
        pytest.importorskip("prometheus_client")
    concurrency = 3
    size = concurrency + 3 + bool(more)
    pool = {"min_size": 0, "max_size": size, "timeout": 0.5}
    worker = spawn(
        "worker_run",
        *("--concurrency", concurrency, "--poll-seconds", "0.1", *more),
        env={"OPSKIT_DB_OPTIONS": json.dumps({"pool": pool}), "OPSKIT_OUTBOX": HOUR},
    )
    started = read_until(worker, "Metrics at" if more else "started")
    observer = Observer()

    enqueue_many(JobSpec("COUNT_ONCE", payload={"seconds": 0.1}) for _ in range(60))
    if more:
        url = started.rsplit("Metrics at ", 1)[1].split(".\n")[0]
        with urlopen(url, timeout=30) as page:  # our own worker
            assert b"outbox" in page.read()
    # All of the pool, and the lock's connection beside it; the page's is closed again.
    wait_for(lambda: sessions_of_others() == concurrency + 3 + 1)
    observer.wait_until_done(60)

    observer.check()
    assert not OutboxAttempt.objects.exists()
    worker.terminate()
    output, _ = worker.communicate(timeout=120)
    assert "couldn't get a connection" not in output


def sessions_of_others() -> int:
    """Return how many sessions this test's database has beside ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])
