"""What watches a worker: the health file, the metrics, the lease's option."""

import json
import socket
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob
from django_outbox.services import metrics as metrics_module
from django_outbox.services.execution import Result
from django_outbox.services.health import HealthFile
from django_outbox.services.metrics import MetricsServer, WorkerMetrics
from django_outbox.services.settlement import Settled
from django_outbox.services.setup import worker_options
from tests.outbox.running import RunningWorker, needs_prometheus, wait_for
from tests.processes import read_until

pytestmark = pytest.mark.django_db(transaction=True)


def scrape(port: int) -> dict[str, float]:
    """Return each sample with its labels, as the text format has it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


# --health-file


def test_health_file_is_fresh_while_the_worker_works_and_gone_after_it(spawn, tmp_path):
    path = tmp_path / "health"
    worker = spawn("worker_run", "--poll-seconds", "0.1", "--health-file", path)
    wait_for(path.exists)
    first = path.stat().st_mtime_ns
    wait_for(lambda: path.stat().st_mtime_ns > first)

    worker.terminate()
    worker.communicate(timeout=120)

    assert worker.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_probe_of_the_documentation_tells_a_fresh_file_from_an_old_one(tmp_path):
    import os

    page = Path(__file__).parents[2] / "docs" / "howto" / "run-the-worker.md"
    (line,) = [
        line for line in page.read_text("utf-8").splitlines() if line.startswith("find /run")
    ]
    path = tmp_path / "health"
    path.write_text("")
    probe = line.replace("/run/worker.health", str(path))

    fresh = subprocess.run(["sh", "-c", probe], check=False, stdout=subprocess.DEVNULL)
    os.utime(path, (1, 1))
    old = subprocess.run(["sh", "-c", probe], check=False, stdout=subprocess.DEVNULL)
    path.unlink()
    none = subprocess.run(["sh", "-c", probe], check=False, capture_output=True)

    assert fresh.returncode == 0
    assert old.returncode != 0
    assert none.returncode != 0


def test_killed_worker_leaves_an_old_file_which_the_next_one_removes(spawn, tmp_path):
    path = tmp_path / "health"
    worker = spawn("worker_run", "--poll-seconds", "0.1", "--health-file", path)
    wait_for(path.exists)
    worker.kill()
    worker.wait(10)

    assert path.exists()
    HealthFile(path).prepare()
    assert not path.exists()


def test_health_file_is_not_written_while_the_database_does_not_answer(monkeypatch, tmp_path):
    health = HealthFile(tmp_path / "health")
    running = RunningWorker()
    running.worker._on_look = health.touch
    wait_for(health.path.exists)

    def refuse(*args: Any) -> None:
        raise OperationalError("the server is gone")

    monkeypatch.setattr(running.worker._supply._rota, "claim", refuse)
    wait_for(lambda: running.worker._outages >= 2)
    health.remove()
    outages = running.worker._outages
    wait_for(lambda: running.worker._outages > outages)

    assert not health.path.exists()
    monkeypatch.undo()
    wait_for(health.path.exists)
    running.stop()


def test_full_disk_does_not_stop_the_worker(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    health = HealthFile(folder / "health")
    folder.rmdir()

    health.touch()

    assert health.age_seconds() is None
    health.remove()


@pytest.mark.parametrize("path", ["missing/health", ".", "health\0"])
def test_health_file_that_cannot_be_written_is_refused_at_the_start(tmp_path, path):
    with pytest.raises(ValueError, match="health-file"):
        HealthFile(tmp_path / path).prepare()


# --metrics-port


@needs_prometheus
def test_metrics_tell_what_the_worker_did_and_what_waits(spawn):
    worker = spawn("worker_run", "--poll-seconds", "0.1", "--metrics-port", "0", "--json")
    started = json.loads(read_until(worker, "started").splitlines()[-1])
    port = int(started["metrics"].rpartition(":")[2].partition("/")[0])
    for _ in range(3):
        enqueue("TEST_JOB")
    enqueue("FAIL", max_attempts=1)
    wait_for(lambda: OutboxJob.objects.filter(status__in=["COMPLETED", "FAILED"]).count() == 4)

    wait_for(lambda: scrape(port).get('outbox_jobs_total{outcome="failed"}') == 1)
    wait_for(lambda: scrape(port).get('outbox_jobs_failed{queue="default"}') == 1)
    seen = scrape(port)

    assert seen['outbox_jobs_total{outcome="completed"}'] == 3
    assert seen['outbox_job_run_seconds_count{job_type="TEST_JOB"}'] == 3
    assert seen['outbox_job_run_seconds_bucket{job_type="FAIL",le="+Inf"}'] == 1
    assert seen["outbox_up"] == 1
    assert seen['outbox_jobs_due{queue="default"}'] == 0
    assert any(
        name.startswith("outbox_worker_info{") and started["worker"] in name for name in seen
    )
    worker.terminate()
    worker.communicate(timeout=120)
    assert worker.returncode == 0


@pytest.fixture
def served() -> Any:
    """A collector of its own, and the server that serves it."""
    collector = WorkerMetrics({"worker": "w"}, using="default")
    server = MetricsServer(collector, port=0, address="127.0.0.1")
    yield collector, server
    server.stop()


@needs_prometheus
def test_scrape_works_while_the_database_does_not(served, monkeypatch):
    collector, server = served
    collector.note_settled(Settled(completed=2))

    def refuse(**options: Any) -> None:
        raise OperationalError("the server is gone")

    monkeypatch.setattr(metrics_module, "outbox_status", refuse)
    seen = scrape(server.port)

    assert seen["outbox_up"] == 0
    assert seen['outbox_jobs_total{outcome="completed"}'] == 2
    assert not any(name.startswith("outbox_jobs_due") for name in seen)


@needs_prometheus
def test_scrape_does_not_wait_for_a_database_that_hangs(served, monkeypatch):
    import threading

    _, server = served
    answer = threading.Event()
    monkeypatch.setattr(metrics_module, "_PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(metrics_module, "outbox_status", lambda **options: answer.wait(60))

    first, second = scrape(server.port), scrape(server.port)
    answer.set()

    assert (first["outbox_up"], second["outbox_up"]) == (0, 0)


@needs_prometheus
def test_run_times_fall_into_their_buckets_and_names_are_bounded(served):
    collector, server = served
    for n in range(150):
        job = OutboxJob(job_type=f"TYPE_{n}")
        collector.note_results([Result(job, 0.02), Result(job, 400.0)])

    seen = scrape(server.port)

    types = {name for name in seen if name.startswith("outbox_job_run_seconds_count")}
    assert len(types) == 101
    assert seen['outbox_job_run_seconds_count{job_type="(other)"}'] == 100
    assert seen['outbox_job_run_seconds_bucket{job_type="TYPE_1",le="0.05"}'] == 1
    assert seen['outbox_job_run_seconds_bucket{job_type="TYPE_1",le="300.0"}'] == 1
    assert seen['outbox_job_run_seconds_bucket{job_type="TYPE_1",le="+Inf"}'] == 2


def test_metrics_without_the_library_say_what_to_install(manage, tmp_path):
    (tmp_path / "prometheus_client.py").write_text("raise ImportError('not here')")
    path = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}:example_project"}

    one = manage("worker_run", "--metrics-port", "0", env=path)
    two = manage("worker_run", "--metrics-port", "0", "--processes", "2", env=path)

    assert (one.returncode, two.returncode) == (2, 2)
    assert "pip install 'django-opskit[metrics]'" in one.stderr
    assert "pip install 'django-opskit[metrics]'" in two.stderr


# Options


def test_lease_of_the_command_line_brings_a_heartbeat_that_fits(settings):
    assert worker_options(lease_seconds=10).heartbeat_seconds == 2.5
    assert worker_options(lease_seconds=600).heartbeat_seconds == 15
    assert worker_options().lease_seconds == 60
    settings.OUTBOX = {"LEASE_SECONDS": 20, "HEARTBEAT_SECONDS": 10}
    assert worker_options().heartbeat_seconds == 10


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--lease-seconds", "0.5"], "lease-seconds must be 1 to 86400, got 0.5"),
        (["--lease-seconds", "nan"], "lease-seconds must be 1 to 86400, got nan"),
        (["--processes", "0"], "processes must be 1 to 256, got 0"),
        (["--metrics-port", "65536"], "metrics-port must be 0 to 65535, got 65536"),
        (["--processes", "3", "--metrics-port", "65535"], "metrics-port must be 0 to 65533"),
        (["--health-file", "/nowhere/at/all"], "cannot be written: No such file or directory"),
        (["--processes", "2", "--health-file", "/"], "is a folder; name a file in it"),
    ],
)
def test_wrong_option_exits_with_two_and_a_sentence(manage, arguments, sentence):
    ended = manage("worker_run", *arguments)

    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


@needs_prometheus
def test_port_that_is_taken_is_refused_at_the_start(manage: Callable[..., Any]):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = manage("worker_run", "--metrics-port", port)

    assert ended.returncode == 2
    assert f"metrics cannot be served at 127.0.0.1:{port}" in ended.stderr
