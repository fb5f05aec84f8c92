"""Workers as children of a supervisor, all of them real processes."""

import json
import os
import signal
import threading
import time
from typing import Any

import psutil
import pytest
from django.core.management import call_command

from django_outbox.dispatcher import enqueue
from django_outbox.management.commands.worker_run import Command
from django_outbox.models import OutboxJob
from django_outbox.services.supervised import PIPE_VARIABLE, obey_supervisor
from tests.outbox.outbox_handlers import read_log
from tests.outbox.running import needs_prometheus, wait_for
from tests.processes import environment, read_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("measured")]

TWO = ("worker_run", "--processes", "2", "--poll-seconds", "0.1")


def children_of(process: Any) -> list[psutil.Process]:
    return [child for child in psutil.Process(process.pid).children() if child.is_running()]


def read_workers(process: Any, count: int = 2) -> str:
    """Read until so many workers have said that they run."""
    seen = ""
    while seen.count("Worker ") < count:
        seen += read_until(process, "Worker ")
    return seen


def all_completed() -> bool:
    return not OutboxJob.objects.exclude(status="COMPLETED").exists()


def test_children_share_the_jobs_and_a_drain_ends_when_all_have_ended(manage):
    for _ in range(40):
        enqueue("TEST_JOB")

    ended = manage(*TWO, "--drain", "--json")

    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 0, ended.stderr
    assert sum(line["completed"] for line in lines if line["event"] == "stopped") == 40
    assert [line["event"] for line in lines].count("child_ended") == 2
    assert lines[-1] == {"event": "supervisor_stopped", "started": 2, "died": 0, "killed": 0}
    assert all_completed()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_every_child_finish_its_job(spawn, tmp_path, number):
    log = tmp_path / "log"
    for _ in range(2):
        enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 1})
    supervisor = spawn(*TWO, "--max-jobs", "1")
    wait_for(lambda: len(read_log(log)) >= 2)

    # To the whole group, as a terminal and systemd do: each child hears of it twice.
    os.killpg(supervisor.pid, number)
    output, _ = supervisor.communicate(timeout=120)

    assert supervisor.returncode == 0, output
    assert "supervisor: stopped, 2 workers started, 0 died, 0 killed." in output
    assert all_completed()


def test_second_signal_does_not_wait_for_handlers(spawn, tmp_path):
    log = tmp_path / "log"
    enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 60})
    supervisor = spawn(*TWO)
    wait_for(lambda: read_log(log))

    supervisor.terminate()
    read_until(supervisor, "ended with status 0")  # the child that had nothing to do
    supervisor.terminate()
    output, _ = supervisor.communicate(timeout=120)

    assert supervisor.returncode == 0, output
    assert OutboxJob.objects.get().status == "PENDING"


def test_child_that_is_killed_is_started_again(spawn):
    supervisor = spawn(*TWO)
    read_workers(supervisor)
    victim = children_of(supervisor)[0]

    victim.kill()
    output = read_until(supervisor, "ended with status -9")
    output += read_until(supervisor, "started")
    wait_for(lambda: len(children_of(supervisor)) == 2)
    for _ in range(5):
        enqueue("TEST_JOB")
    wait_for(all_completed)
    supervisor.terminate()
    rest, _ = supervisor.communicate(timeout=120)

    assert "again in 0.25 s" in output
    assert supervisor.returncode == 0, rest
    assert "3 workers started, 1 died" in rest


def test_children_of_a_killed_supervisor_stop_by_themselves(spawn, tmp_path):
    log = tmp_path / "log"
    enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 1})
    supervisor = spawn(*TWO)
    read_workers(supervisor)
    wait_for(lambda: read_log(log))
    children = children_of(supervisor)

    supervisor.kill()
    supervisor.wait(10)

    assert len(children) == 2
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    assert all_completed()


def test_child_that_does_not_stop_in_time_is_killed(spawn, monkeypatch):
    """A supervisor in this process, so that it need not be waited for a quarter of a minute."""
    monkeypatch.setattr("django_outbox.services.supervisor._FAREWELL_SECONDS", 0.5)
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    command = Command()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            call_command(command, processes=2, poll_seconds=0.1, grace=0.0, verbosity=0)
        except BaseException as error:  # noqa: BLE001  # shown below
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: len(psutil.Process().children()) == 2)
    victims = psutil.Process().children()
    for victim in victims:
        victim.suspend()
    assert command.supervisor is not None
    command.supervisor.stop()
    thread.join(30)

    assert not thread.is_alive()
    assert command.counters["killed"] == 2
    assert not any(victim.is_running() for victim in victims)
    assert [str(error) for error in errors] == ["2 workers did not stop in time and were killed."]


def test_called_from_python_it_starts_children_with_the_same_options(monkeypatch, tmp_path):
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    log = tmp_path / "log"
    for _ in range(10):
        enqueue("NOTE", None, {"log": str(log)})

    call_command("worker_run", processes=2, drain=True, poll_seconds=0.1, verbosity=0)

    assert all_completed()
    assert os.getpid() not in {row["pid"] for row in read_log(log)}


def test_health_file_stands_for_all_children(spawn, tmp_path):
    path = tmp_path / "health"
    supervisor = spawn(*TWO, "--health-file", path)
    wait_for(path.exists)
    parts = {file.name for file in tmp_path.iterdir() if not file.name.endswith(".new")}

    supervisor.terminate()
    output, _ = supervisor.communicate(timeout=120)

    assert {"health", "health.0", "health.1"} <= parts
    assert supervisor.returncode == 0, output
    assert list(tmp_path.iterdir()) == []


@needs_prometheus
def test_each_child_serves_metrics_on_a_port_of_its_own(spawn):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    supervisor = spawn(*TWO, "--metrics-port", port)
    output = ""
    while output.count("Metrics at") < 2:
        output += read_until(supervisor, "Metrics at")

    supervisor.terminate()
    supervisor.communicate(timeout=120)

    assert f"http://127.0.0.1:{port}/metrics" in output
    assert f"http://127.0.0.1:{port + 1}/metrics" in output


def test_number_that_is_no_pipe_is_not_obeyed(monkeypatch, tmp_path):
    """A program that a handler starts may inherit the variable from an older worker."""
    with (tmp_path / "file").open("w") as file:
        for text in (str(file.fileno()), "987654", "x", ""):
            monkeypatch.setenv(PIPE_VARIABLE, text)
            assert not obey_supervisor(stop=time.sleep, stop_now=time.sleep)
            assert PIPE_VARIABLE not in os.environ
