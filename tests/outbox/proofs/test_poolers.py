"""Workers behind PgBouncer, in both modes that sites use, and on Django's own pool."""

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from subprocess import Popen
from urllib.request import urlopen

import pytest
from django.db import connection

from django_outbox.dispatcher import JobSpec, enqueue_many
from django_outbox.models import OutboxAttempt, OutboxJob
from tests.outbox.proofs.observing import Observer, began, done
from tests.outbox.running import wait_for
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
    from tests.pooler import PgBouncer  # needs the driver, which other databases do without

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
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(10)


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
    assert OutboxAttempt.objects.filter(worker__contains=f":{victim.pid}:").exists()
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
    in_lane = list(OutboxJob.objects.filter(group_key="lane").order_by("pk"))
    first_ends = list(dict.fromkeys(done(log)))
    assert [pk for pk in first_ends if pk in {job.pk for job in in_lane}] == [
        job.pk for job in in_lane
    ]


@pytest.mark.parametrize("more", [(), ("--metrics-port", 0)])
def test_pool_of_the_size_that_the_manual_names_is_enough(spawn, tmp_path, more):
    pytest.importorskip("psycopg_pool")
    if more:
        pytest.importorskip("prometheus_client")
    concurrency = 3
    size = concurrency + 3 + bool(more)
    pool = {"min_size": 1, "max_size": size, "timeout": 2}
    worker = spawn(
        "worker_run",
        *("--concurrency", concurrency, "--poll-seconds", "0.1", *more),
        env={"OPSKIT_DB_OPTIONS": json.dumps({"pool": pool}), "OPSKIT_OUTBOX": HOUR},
    )
    started = read_until(worker, "Metrics at" if more else "started")
    observer = Observer()

    payload = {"seconds": 0.05}
    enqueue_many(JobSpec("COUNT_ONCE", payload=payload) for _ in range(40))
    if more:
        url = started.rsplit("Metrics at ", 1)[1].split(".\n")[0]
        wait_for(lambda: observer.look().get("COMPLETED"))
        with urlopen(url, timeout=30) as page:  # our own worker
            assert b"outbox" in page.read()
    observer.wait_until_done(40)

    observer.check()
    assert not OutboxAttempt.objects.exists()
    worker.terminate()
    output, _ = worker.communicate(timeout=30)
    assert not re.search("could not|pool", output, re.IGNORECASE), output
