"""Celery: a real worker on a real Redis, no worker, no broker."""

import os
import subprocess
import sys

import pytest

from django_system_ops.services.health import State
from tests.processes import ROOT, environment, read_until
from tests.services import REDIS

pytest.importorskip("celery", reason="an extra")

APP = "tests.system_ops.health.celery_app.app"


@pytest.fixture
def own_names(monkeypatch):
    """Names in Redis that only this test's process and its worker use."""
    from tests.system_ops.health.celery_app import app

    if not REDIS.answers():
        pytest.fail(REDIS.how_to_reach())
    prefix = f"opskit-{os.getpid()}-"
    monkeypatch.setitem(app.conf.broker_transport_options, "global_keyprefix", prefix)
    yield prefix
    from redis import Redis

    with Redis(host=REDIS.host, port=REDIS.port) as client:
        for key in client.scan_iter(f"{prefix}*"):
            client.delete(key)


@pytest.fixture
def worker(own_names):
    """A worker; what it says when it is ready has been read."""
    command = [sys.executable, "-m", "celery", "-A", "tests.system_ops.health.celery_app"]
    command += ["worker", "--pool=solo", "--loglevel=info", "--without-gossip", "--without-mingle"]
    process = subprocess.Popen(
        [*command, f"--hostname=opskit{os.getpid()}@here"],
        cwd=ROOT,
        env={**environment(), "OPSKIT_CELERY": own_names},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    read_until(process, " ready.", seconds=60)
    yield process
    process.kill()
    with process:
        pass


# One worker for both: it takes long to start.
@pytest.mark.processes
@pytest.mark.django_db
def test_worker_that_answers_is_well_and_warns_where_two_should_be(asked, worker):
    one = asked("celery", celery_app=APP)
    two = asked("celery", celery_app=APP, celery_workers=2, timeout_seconds=30)

    assert (one.state, one.finding.sentence) == (State.OK, "1 of 1 workers answer")
    assert one.finding.details == (f"opskit{os.getpid()}@here",)
    assert (two.state, two.finding.sentence) == (State.WARN, "1 of 2 workers answer")


def test_broker_without_a_worker_fails(asked, own_names):
    result = asked("celery", celery_app=APP, timeout_seconds=3)

    assert (result.state, result.finding.sentence) == (
        State.FAIL,
        "its broker answers, and no worker does",
    )


def test_broker_that_is_away_fails_without_its_password(asked):
    result = asked("celery", celery_app="tests.system_ops.health.celery_app:unreachable")

    assert result.state is State.FAIL
    assert result.finding.sentence.startswith("its broker cannot be reached: ")
    assert "hunter22" not in result.finding.sentence


@pytest.mark.parametrize("path", ["tests.system_ops.health.callables.nothing", "nowhere.app"])
def test_app_that_cannot_be_imported_fails(asked, path):
    assert asked("celery", celery_app=path).state is State.FAIL


def test_app_that_is_none_fails(asked):
    result = asked("celery", celery_app="tests.system_ops.health.callables.well")

    assert result.finding.sentence.endswith("is no Celery app, but a function")


def test_missing_library_is_named(asked, monkeypatch):
    from django_system_ops.services.health import celery_workers

    # Celery is installed wherever the tests run.
    monkeypatch.setattr(celery_workers, "find_spec", lambda _name: None)

    result = asked("celery", celery_app=APP)

    assert (result.state, "django-opskit[celery]" in result.finding.sentence) == (State.FAIL, True)


def test_celery_that_nobody_set_up_is_skipped(asked):
    assert asked("celery").state is State.SKIP
