"""Hosts whose clocks are ten minutes wrong: the database server's clock is the one that counts."""

import json
import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from django_opskit.clock import ServerTime
from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxAttempt, OutboxJob
from tests.outbox.proofs.observing import began
from tests.outbox.running import statuses, wait_for
from tests.processes import environment

pytestmark = pytest.mark.django_db(transaction=True)

TEN_MINUTES = 600
SKEWS = [TEN_MINUTES, -TEN_MINUTES]
# There is a worker ahead and one behind, or a site ahead and a worker behind, in either of them.
both_in_a_long_run = pytest.mark.parametrize(
    "skew", [TEN_MINUTES, pytest.param(-TEN_MINUTES, marks=pytest.mark.soak)]
)
SHORT_LEASE = {
    "OPSKIT_OUTBOX": '{"LEASE_SECONDS": 1, "HEARTBEAT_SECONDS": 0.2, "LIVENESS_LOCKS": false}'
}


def skewed(seconds):
    """Return the environment of a host whose clock is so wrong; ahead when it is positive."""
    folder = Path(__file__).parent / "skewed_clock"
    paths = os.pathsep.join([str(folder), environment()["PYTHONPATH"]])
    return {"PYTHONPATH": paths, "OPSKIT_CLOCK_SKEW_SECONDS": str(seconds)}


@pytest.fixture
def shell(manage):
    """Run Python code on a skewed host; return what it prints."""

    def run(code, *, skew):
        ended = manage("shell", "--verbosity", "0", "-c", code, env=skewed(skew))
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    return run


@pytest.mark.parametrize("skew", SKEWS)
def test_skew_is_real_to_python_code(shell, skew):
    """Else the other tests here would prove nothing."""
    read = shell(
        "import time; from datetime import datetime, UTC; from django.utils import timezone;"
        "print(time.time(), datetime.now(UTC).timestamp(), timezone.now().timestamp())",
        skew=skew,
    )

    here = timezone.now().timestamp()
    for moment in map(float, read.split()):
        assert moment - here == pytest.approx(skew, abs=60)


def test_workers_with_different_clocks_leave_each_other_the_leases_that_run(spawn, tmp_path):
    """Each has the other one's lease before its eyes, which its own clock would call over."""
    log, until = tmp_path / "log", tmp_path / "end"
    payload = {"log": str(log), "until": str(until), "asks": True}
    workers = [spawn("worker_run", env={**SHORT_LEASE, **skewed(skew)}) for skew in SKEWS]
    for _ in workers:
        enqueue("WAIT_FOR_FILE", None, payload)
    wait_for(lambda: len(began(log)) == 2)
    first = leases()

    # Each lease has been extended often enough to be another one altogether.
    wait_for(
        lambda: all(lease > first[pk] + timedelta(seconds=3) for pk, lease in leases().items())
    )
    Path(f"{until}.1").touch()
    wait_for(lambda: statuses() == {"COMPLETED": 2})

    assert len(began(log)) == 2
    assert [worker.poll() for worker in workers] == [None, None]


def leases():
    return dict(OutboxJob.objects.values_list("pk", "lease_until"))


@both_in_a_long_run
def test_lease_of_a_dead_worker_ends_when_it_ends_for_the_server(spawn, tmp_path, skew):
    log, until = tmp_path / "log", tmp_path / "end"
    enqueue("WAIT_FOR_FILE", None, {"log": str(log), "until": str(until), "asks": True})
    dead = spawn("worker_run", env={**SHORT_LEASE, **skewed(skew)})
    wait_for(lambda: began(log))
    dead.send_signal(signal.SIGSTOP)
    held = OutboxJob.objects.get()
    spawn("worker_run", env={**SHORT_LEASE, **skewed(-skew)})

    Path(f"{until}.2").touch()
    wait_for(lambda: statuses() == {"COMPLETED": 1}, seconds=30)

    assert OutboxJob.objects.get().started_at >= held.lease_until


@both_in_a_long_run
def test_due_times_and_retries_are_those_of_the_server(spawn, shell, tmp_path, skew):
    log = tmp_path / "log"
    payload = repr({"log": str(log)})
    before = server_now()
    shell(
        "from datetime import timedelta; from django_outbox.dispatcher import enqueue\n"
        f"enqueue('FAIL_FIRST', 'now', {payload})\n"
        f"enqueue('NOTE', 'soon', {payload}, run_after=timedelta(seconds=2))\n"
        f"enqueue('NOTE', 'later', {payload}, run_after=timedelta(seconds=300))",
        skew=skew,
    )
    now, soon, later = (job(key) for key in ("now", "soon", "later"))
    assert before <= now.run_after == now.created_at <= server_now()
    assert (soon.run_after - soon.created_at).total_seconds() == pytest.approx(2, abs=0.1)
    assert (later.run_after - later.created_at).total_seconds() == pytest.approx(300, abs=0.1)
    worker = spawn("worker_run", "--poll-seconds", "60", env=skewed(-skew))

    # A worker that trusted its own clock would sleep for ten minutes, or not at all.
    wait_for(lambda: job("now").finished_at and job("soon").finished_at, seconds=30)

    failure = OutboxAttempt.objects.get()
    assert job("soon").started_at >= soon.run_after
    assert job("now").started_at - failure.ended_at >= timedelta(seconds=2)
    assert (job("now").attempts, job("later").status) == (2, "PENDING")
    assert worker.poll() is None


def job(key):
    return OutboxJob.objects.get(dedup_key=key)


def server_now():
    OutboxAttempt.objects.create(job_id=0, claim_no=0, attempt=0, ended_at=ServerTime())
    now = OutboxAttempt.objects.get(job_id=0).ended_at
    OutboxAttempt.objects.all().delete()
    return now


@pytest.mark.parametrize("skew", SKEWS)
def test_prune_counts_the_days_of_the_server(manage, skew):
    for key, minutes in (("older", -5), ("younger", 5)):
        made = enqueue("TEST_JOB", key)
        moment = ServerTime(-timedelta(days=30, minutes=-minutes).total_seconds())
        OutboxJob.objects.filter(pk=made.pk).update(
            status="COMPLETED", created_at=moment, finished_at=moment
        )

    ended = manage("outbox_prune", "--days", "30", env=skewed(skew))

    assert ended.returncode == 0, ended.stderr
    assert [job.dedup_key for job in OutboxJob.objects.all()] == ["younger"]


@pytest.mark.parametrize("skew", SKEWS)
def test_status_shows_the_age_that_jobs_have_for_the_server(manage, skew):
    made = enqueue("TEST_JOB")
    OutboxJob.objects.filter(pk=made.pk).update(run_after=ServerTime(-100))

    ended = manage("outbox_status", "--json", env=skewed(skew))

    assert ended.returncode == 0, ended.stderr
    [queue] = json.loads(ended.stdout)["queues"]
    assert 100 <= queue["oldest_due_seconds"] < 160
