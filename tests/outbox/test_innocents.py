"""Jobs that merely waited beside one that kills, or hangs: they do not pay for it."""

import pytest
from django.utils import timezone

from django_outbox.dispatcher import JobSpec, enqueue_many, run_once
from django_outbox.models import OutboxJob
from django_outbox.services.caution import DIED, SILENT, is_delicate
from tests.outbox.outbox_handlers import read_log
from tests.outbox.running import statuses, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

SHORT_LEASE = {"OPSKIT_OUTBOX": '{"LEASE_SECONDS": 1, "HEARTBEAT_SECONDS": 0.3}'}


def quick(log, count, **facts):
    return [JobSpec("NOTE", payload={"log": str(log)}, **facts) for _ in range(count)]


@pytest.mark.parametrize("attempts", [1, 2, 4])
def test_payload_that_kills_takes_no_other_job_with_it(spawn, tmp_path, attempts):
    log, deaths = tmp_path / "log", tmp_path / "deaths"
    killer = JobSpec("KILL_WORKER", payload={"log": str(deaths)}, max_attempts=attempts)
    quick_ones = quick(log, 60, max_attempts=attempts)
    enqueue_many([*quick_ones[:30], killer, *quick_ones[30:]])

    for _ in range(attempts + 1):
        worker = spawn("worker_run", "--poll-seconds", "0.1", "--drain", env=SHORT_LEASE)
        worker.wait(60)
        OutboxJob.objects.filter(status="IN_PROGRESS").update(lease_until=timezone.now())

    assert OutboxJob.objects.get(job_type="KILL_WORKER").status == "FAILED"
    assert len(read_log(deaths)) == attempts
    assert statuses() == {"COMPLETED": 60, "FAILED": 1}
    assert len({row["job"] for row in read_log(log)}) == 60


def test_pass_in_this_process_holds_no_other_job_on_its_last_attempt(handle):
    held = []
    handle("LOOK", lambda job: held.append(OutboxJob.objects.exclude(lease_until=None).count()))
    enqueue_many([JobSpec("LOOK", f"{n}", max_attempts=1) for n in range(4)])

    assert run_once() == 4

    assert held == [1, 1, 1, 1]
    assert statuses() == {"COMPLETED": 4}
    assert set(OutboxJob.objects.values_list("attempts", flat=True)) == {1}


def test_jobs_behind_a_handler_that_hangs_are_done_by_another_worker(spawn, start, tmp_path):
    log = tmp_path / "log"
    victim = spawn("worker_run", "--poll-seconds", "0.1", env=SHORT_LEASE)
    enqueue_many(quick(log, 100))
    wait_for(lambda: len(read_log(log)) == 100)
    enqueue_many(
        [
            *quick(log, 30),
            JobSpec("SLOW_NOTE", payload={"log": str(tmp_path / "slow"), "seconds": 600}),
            *quick(log, 200),
        ]
    )

    wait_for(lambda: OutboxJob.objects.filter(job_type="SLOW_NOTE", status="IN_PROGRESS").exists())
    start()
    wait_for(lambda: len(read_log(log)) == 330)

    assert victim.poll() is None
    jobs = OutboxJob.objects.filter(job_type="NOTE")
    wait_for(lambda: jobs.filter(status="COMPLETED").count() == 330)
    assert set(jobs.values_list("attempts", flat=True)) == {1}


@pytest.mark.parametrize("reason", [DIED, SILENT])
def test_job_that_came_back_from_a_dead_worker_is_known(reason):
    error = reason.format(worker="host:1:abc")

    assert is_delicate(OutboxJob(attempts=2, max_attempts=10, last_error=error))
    assert not is_delicate(OutboxJob(attempts=2, max_attempts=10, last_error="ValueError"))
    assert not is_delicate(OutboxJob(attempts=1, max_attempts=10))
    assert is_delicate(OutboxJob(attempts=3, max_attempts=3, last_error="ValueError"))
