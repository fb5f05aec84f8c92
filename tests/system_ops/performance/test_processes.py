"""The command as a program: signals, and an end although something hangs."""

import json
import signal
import subprocess

import pytest

from tests.private_servers import PrivateMariaDB, PrivatePostgreSQL
from tests.processes import read_until
from tests.system_ops.health.servers import api_server

FOR_EVER = ("monitor_performance", "--duration=0", "--interval=0.1", "--json-lines")


def own(**performance):
    """Return the environment of a process with these settings."""
    section = {"history": {"enabled": False}, "performance": performance}
    return {"OPSKIT_SYSTEM_OPS": json.dumps(section)}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("consecutive", "status"), [(10_000, 0), (1, 3)])
def test_signal_ends_it_with_a_summary(spawn, number, consecutive, status):
    env = own(database_latency_ms=1e-6, consecutive=consecutive)
    process = spawn(*FOR_EVER, env=env, stderr=subprocess.PIPE)
    read_until(process, '"kind": "sample"')

    process.send_signal(number)
    out, _ = process.communicate(timeout=60)

    summary = json.loads(out.splitlines()[-1])
    assert (process.returncode, summary["kind"]) == (status, "summary")
    assert bool(summary["alerts"]) is bool(status)


def test_signal_ends_it_although_the_url_hangs(spawn):
    with api_server() as server:
        process = spawn(*FOR_EVER, f"--url={server.url}/hang", env=own(probe_timeout_seconds=1))
        read_until(process, "no answer for 1 s")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)

    assert process.returncode in (0, 3)


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_stopped_database_is_reported_and_the_loop_goes_on(spawn, settings):
    kind = {"postgresql": PrivatePostgreSQL, "mariadb": PrivateMariaDB}[settings.DATABASE]
    kind.require()
    server = kind().start()
    try:
        env = {**own(), **server.environment()}
        process = spawn(*FOR_EVER, "--consecutive=2", env=env, stderr=subprocess.PIPE)
        read_until(process, '"database latency"')
        server.stop()
        read_until(process, '"name": "database", "change": "alert"')
        server.start()
        read_until(process, '"name": "database", "change": "recovered"')
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    finally:
        server.end()

    assert process.returncode == 3
    assert json.loads(out.splitlines()[-1])["alerts"]["database"] == 1


def test_exit_status_is_2_for_wrong_usage(spawn):
    process = spawn("monitor_performance", "--alert-threshold=0")

    process.communicate(timeout=60)

    assert process.returncode == 2
