"""Many workers, killed at random and started again: exactly once, and in order within a lane."""

import itertools
import os
import random
import signal
import time
from collections import defaultdict

import pytest
from django.db.models import Count

from django_outbox.dispatcher import JobSpec, enqueue_many
from django_outbox.models import Inbox, OutboxJob
from tests.outbox.outbox_handlers import read_log
from tests.outbox.proofs.observing import Observer

pytestmark = pytest.mark.django_db(transaction=True)

# Nobody's lease ends: every worker that dies is seen to be dead.
ENV = {
    "OPSKIT_OUTBOX": '{"LEASE_SECONDS": 3600, "HEARTBEAT_SECONDS": 1, "MAX_ATTEMPTS": 1000,'
    ' "QUEUES": {"lanes": {"LANES": true}}}'
}


class Fleet:
    """Workers of which one after the other is killed, and each time another one started."""

    def __init__(self, spawn, size, *, kills, observer):
        self.random = random.Random(7)
        self.kills = kills
        self.observer = observer
        self.start = lambda: spawn("worker_run", "--concurrency", 2, env=ENV)
        self.workers = [self.start() for _ in range(size)]

    def work(self, jobs, *, seconds):
        """Kill and start workers while they work, until all jobs are done."""
        deadline = time.monotonic() + seconds
        # All are killed in the first four fifths: quick workers do the last ones between two looks.
        share = jobs * 4 // (5 * self.kills)
        killed = 0
        while (statuses := self.observer.look()) != {"COMPLETED": jobs}:
            assert time.monotonic() < deadline, f"not within {seconds} s: {statuses}"
            while killed < self.kills and statuses.get("COMPLETED", 0) >= share * (killed + 1):
                self.kill_one()
                killed += 1
            # A look at many jobs costs more: it must not be all that this machine does.
            time.sleep(0.01 + jobs / 60_000)
        assert killed == self.kills
        self.observer.check()

    def kill_one(self):
        victim = self.workers.pop(self.random.randrange(len(self.workers)))
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait(10)
        self.workers.append(self.start())


@pytest.mark.parametrize(
    ("workers", "jobs", "kills"), [(3, 300, 3), pytest.param(8, 20_000, 40, marks=pytest.mark.soak)]
)
def test_atomic_handlers_have_each_effect_exactly_once(spawn, workers, jobs, kills):
    enqueue_many(JobSpec("COUNT_ONCE", payload={"seconds": 0.005}) for _ in range(jobs))
    fleet = Fleet(spawn, workers, kills=kills, observer=Observer())

    fleet.work(jobs, seconds=60 + jobs / 20)

    effects = Inbox.objects.values_list("message_id").annotate(Count("pk"))
    assert dict(effects) == {
        f"job-{pk}": 1 for pk in OutboxJob.objects.values_list("pk", flat=True)
    }


@pytest.mark.parametrize(
    ("workers", "jobs", "kills"), [(3, 60, 3), pytest.param(8, 4_000, 40, marks=pytest.mark.soak)]
)
def test_order_within_a_lane_is_kept_when_workers_are_killed(
    spawn, settings, tmp_path, workers, jobs, kills
):
    settings.OUTBOX = {"QUEUES": {"lanes": {"LANES": True}}}
    log = tmp_path / "log"
    payload = {"log": str(log), "seconds": 0.02}
    lanes = [f"lane-{number}" for number in range(2 * workers)]
    enqueue_many(
        JobSpec("SLOW_NOTE", payload=payload, queue="lanes", group_key=lanes[number % len(lanes)])
        for number in range(jobs)
    )
    fleet = Fleet(spawn, workers, kills=kills, observer=Observer())

    fleet.work(jobs, seconds=60 + jobs / 20)

    for lane, rows in by_lane(log).items():
        ran = [job for _, job in rows]
        members = OutboxJob.objects.filter(group_key=lane).order_by("pk")
        assert ran == sorted(ran), lane
        assert sorted(set(ran)) == list(members.values_list("pk", flat=True))
        # Whoever begins has seen the one before come to its end.
        for before, after in itertools.pairwise(rows):
            assert before[1] == after[1] or before[0] == "done", lane


def by_lane(log):
    """Return what ran in each lane, as it ran: pairs of what happened and the job."""
    lanes = dict(OutboxJob.objects.values_list("pk", "group_key"))
    rows = defaultdict(list)
    for row in read_log(log):
        rows[lanes[row["job"]]].append((row["word"], row["job"]))
    return rows
