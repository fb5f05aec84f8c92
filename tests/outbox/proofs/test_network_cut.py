"""A worker that is cut off for longer than its lease: fenced when it comes back, and useful."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from subprocess import Popen

import pytest
from django.db import connection

from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob
from tests.outbox.outbox_handlers import read_log
from tests.outbox.proofs.proxy import Proxy
from tests.outbox.running import wait_for
from tests.processes import read_until

pytestmark = pytest.mark.django_db(transaction=True)

SHORT_LEASE = {"OPSKIT_OUTBOX": '{"LEASE_SECONDS": 1, "HEARTBEAT_SECONDS": 0.2}'}
LATE = "came after the lease was lost"

servers = pytest.mark.parametrize(
    "comes_back",
    [
        pytest.param("thaw", marks=[pytest.mark.postgresql, pytest.mark.mariadb]),
        pytest.param("break_connections", marks=[pytest.mark.postgresql, pytest.mark.mariadb]),
        "SIGCONT",
    ],
)


class CutOff:
    """A worker process, and the ways to cut it off and to let it come back."""

    def __init__(
        self, worker: "Popen[str]", cut: Callable[[], None], come_back: Callable[[], None]
    ) -> None:
        self.worker = worker
        self.cut = cut
        self.come_back = come_back


@pytest.fixture
def isolated(spawn: Callable[..., "Popen[str]"]) -> Iterator[Callable[[str], CutOff]]:
    """Starts a worker that can be cut off: from the network, or by being stopped as a whole."""
    proxies = []

    def start(comes_back: str) -> CutOff:
        arguments = ("worker_run", "--poll-seconds", "0.1")
        if comes_back == "SIGCONT":
            worker = spawn(*arguments, env=SHORT_LEASE)
            return CutOff(
                worker,
                lambda: os.kill(worker.pid, signal.SIGSTOP),
                lambda: os.kill(worker.pid, signal.SIGCONT),
            )
        place = connection.settings_dict
        proxies.append(proxy := Proxy(str(place["HOST"]), int(place["PORT"])))
        name = f"OPSKIT_{'POSTGRESQL' if connection.vendor == 'postgresql' else 'MARIADB'}"
        through = {f"{name}_HOST": "127.0.0.1", f"{name}_PORT": str(proxy.port)}
        worker = spawn(*arguments, env={**SHORT_LEASE, **through})
        return CutOff(worker, proxy.freeze, getattr(proxy, comes_back))

    yield start
    for proxy in proxies:
        with proxy:
            pass


def words(log):
    return [(row["word"], row["attempt"]) for row in read_log(log)]


@contextmanager
def taken_over(cut_off: CutOff, spawn, log, tmp_path, **payload) -> Iterator["Popen[str]"]:
    """Let the worker lose its job to another one, which runs it in the block."""
    enqueue("WAIT_FOR_FILE", None, {"log": str(log), "until": str(tmp_path / "end"), **payload})
    wait_for(lambda: words(log) == [("began", 1)])
    other = spawn("worker_run", "--poll-seconds", "0.1", env=SHORT_LEASE)
    read_until(other, "started")
    cut_off.cut()
    if not payload["asks"]:
        (tmp_path / "end.1").touch()
    wait_for(lambda: ("began", 2) in words(log))
    yield other
    other.terminate()
    other.wait(20)


def check_it_still_works(cut_off, log):
    enqueue("NOTE", None, {"log": str(log)})
    wait_for(lambda: words(log)[-1] == ("done", 1) and read_log(log)[-1]["job"] != first_job())
    assert read_log(log)[-1]["pid"] == cut_off.worker.pid
    wait_for(lambda: not OutboxJob.objects.exclude(status="COMPLETED").exists())


def first_job():
    return OutboxJob.objects.earliest("pk").pk


@servers
def test_report_of_a_job_that_finished_while_its_worker_was_cut_off_is_fenced(
    isolated, spawn, tmp_path, comes_back
):
    log = tmp_path / "log"
    cut_off = isolated(comes_back)

    with taken_over(cut_off, spawn, log, tmp_path, asks=False) as other:
        held = OutboxJob.objects.values().get()
        cut_off.come_back()
        read_until(cut_off.worker, LATE)
        assert OutboxJob.objects.values("status", "claim_no", "worker", "finished_at").get() == {
            "status": "IN_PROGRESS",
            "claim_no": 2,
            "worker": held["worker"],
            "finished_at": None,
        }
        (tmp_path / "end.2").touch()
        wait_for(lambda: OutboxJob.objects.get().status == "COMPLETED")

    finished = OutboxJob.objects.get()
    assert f":{other.pid}:" in finished.worker
    assert (finished.claim_no, finished.attempts) == (2, 2)
    check_it_still_works(cut_off, log)


@servers
def test_handler_hears_that_its_worker_was_cut_off_for_too_long(
    isolated, spawn, tmp_path, comes_back
):
    log = tmp_path / "log"
    cut_off = isolated(comes_back)

    with taken_over(cut_off, spawn, log, tmp_path, asks=True) as other:
        cut_off.come_back()
        wait_for(lambda: ("lost", 1) in words(log))
        assert OutboxJob.objects.get().claim_no == 2
        (tmp_path / "end.2").touch()
        wait_for(lambda: OutboxJob.objects.get().status == "COMPLETED")

    finished = OutboxJob.objects.get()
    assert f":{other.pid}:" in finished.worker
    assert (finished.claim_no, finished.attempts) == (2, 2)
    assert ("done", 1) not in words(log)
    check_it_still_works(cut_off, log)
