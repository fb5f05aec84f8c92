"""The database server crashes in the midst of the work, again and again."""

import time

import pytest
from django.db import DatabaseError, InterfaceError, connections

from django_outbox.dispatcher import JobSpec, enqueue_many
from django_outbox.models import OutboxJob
from tests.outbox.proofs.conftest import ALIAS
from tests.outbox.proofs.observing import Observer, done
from tests.outbox.running import wait_for

ENV = {"OPSKIT_OUTBOX": '{"LEASE_SECONDS": 2, "HEARTBEAT_SECONDS": 0.5}'}


class Outsider(Observer):
    """Looks at the table as long as there is a server."""

    def look(self):
        try:
            return super().look()
        except (DatabaseError, InterfaceError):
            connections[self.using].close()
            return {}


@pytest.mark.parametrize(
    ("jobs", "crashes"), [(100, 2), pytest.param(3000, 20, marks=pytest.mark.soak)]
)
def test_crashes_under_load_lose_nothing_and_repeat_nothing_that_was_acknowledged(
    server, spawn_there, tmp_path, jobs, crashes
):
    log = tmp_path / "log"
    observer = Outsider(using=ALIAS)
    payload = {"log": str(log), "seconds": 0.05}
    enqueue_many((JobSpec("SLOW_NOTE", payload=payload) for _ in range(jobs)), using=ALIAS)
    workers = [
        spawn_there("worker_run", "--concurrency", 2, "--poll-seconds", "0.2", env=ENV)
        for _ in range(2)
    ]

    for crash in range(1, crashes + 1):
        share = jobs * crash // (crashes + 1)
        wait_for(lambda share=share: observer.look().get("COMPLETED", 0) >= share, seconds=60)
        acknowledged = set(observer.seen)
        connections[ALIAS].close()
        server.stop()
        before = done(log)
        # What runs may come to its end without a server.
        time.sleep(0.3)
        server.start()
        wait_for(observer.look)
        # Nothing that was acknowledged has been forgotten by the crash.
        survived = OutboxJob.objects.using(ALIAS).filter(status="COMPLETED")
        assert acknowledged <= set(survived.values_list("pk", flat=True))
        assert not acknowledged & set(done(log)[len(before) :])

    observer.wait_until_done(jobs, seconds=120)
    observer.check()
    assert set(done(log)) == set(OutboxJob.objects.using(ALIAS).values_list("pk", flat=True))
    assert [worker.poll() for worker in workers] == [None, None]
