"""The command as a program: exit status, signals, and an end although something hangs."""

import json
import signal

import pytest

from tests.private_servers import PrivateMariaDB, PrivatePostgreSQL
from tests.processes import read_until

HERE = "tests.system_ops.health.callables"


def own(**health):
    """Return the environment of a process with these settings."""
    section = {"history": {"enabled": False}, "health": health}
    return {"OPSKIT_SYSTEM_OPS": json.dumps(section)}


def test_exit_status_is_0_when_all_is_well(spawn):
    process = spawn("ops_health_check", "--service=database,cache", env=own())

    out, _ = process.communicate(timeout=60)

    assert (process.returncode, [line.split()[0] for line in out.splitlines()]) == (0, ["ok"] * 2)


def test_exit_status_is_1_when_something_is_not(spawn):
    services = {"broken": f"{HERE}.broken"}
    process = spawn("ops_health_check", "--service=broken", env=own(services=services))

    out, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert out.splitlines()[-1] == "CommandError: Not healthy: broken."


def test_exit_status_is_2_for_a_service_that_is_not_there(spawn):
    process = spawn("ops_health_check", "--service=nothing", "--json", env=own())

    out, _ = process.communicate(timeout=60)

    assert process.returncode == 2
    assert json.loads(out.splitlines()[0])["exit_status"] == 2


@pytest.mark.parametrize("name", ["hang", "hang_the_interpreter"])
def test_process_ends_although_a_service_hangs(spawn, name):
    services = {"hung": f"{HERE}.{name}", "well": f"{HERE}.well"}
    command = ("ops_health_check", "--service=hung,well", "--timeout=0.5")
    process = spawn(*command, env=own(services=services))

    out, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "no answer within 0.5 s" in out
    assert "ok    well" in out
    assert out.splitlines()[-1] == "CommandError: Not healthy: hung."


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_wait_for_a_service_that_hangs(spawn, number):
    services = {"hung": f"{HERE}.hang_the_interpreter_and_say_so"}
    command = ("ops_health_check", "--service=hung", "--timeout=600")
    process = spawn(*command, env=own(services=services))
    read_until(process, "hanging")

    process.send_signal(number)
    out, _ = process.communicate(timeout=60)

    assert (process.returncode, out) == (
        1,
        "CommandError: Interrupted before it was finished.\n",
    )


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_stopped_database_is_a_failure_in_a_sentence(spawn, settings):
    kind = {"postgresql": PrivatePostgreSQL, "mariadb": PrivateMariaDB}[settings.DATABASE]
    kind.require()
    server = kind()
    try:
        process = spawn(
            "ops_health_check", "--service=database", env={**own(), **server.environment()}
        )
        out, _ = process.communicate(timeout=60)
    finally:
        server.end()

    assert process.returncode == 1
    assert out.startswith("fail  database:default")
    assert "Traceback" not in out
