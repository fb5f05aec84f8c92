"""The history while its server is down: a real one, which the test stops and starts."""

import json

import pytest
from django.conf import settings as django_settings

from tests.private_servers import PrivatePostgreSQL
from tests.processes import Processes, environment, read_until

pytestmark = pytest.mark.postgresql


@pytest.fixture
def server():
    PrivatePostgreSQL.require()
    server = PrivatePostgreSQL()
    try:
        yield server.start()
    finally:
        server.end()


@pytest.fixture
def commands(server):
    own = {
        **django_settings.MANAGEMENT_COMMANDS,
        "history": {"enabled": True, "commands": ["shop_*"]},
    }
    env = {**environment(), **server.environment()}
    started = Processes({**env, "OPSKIT_SYSTEM_OPS": json.dumps(own, default=str)})
    yield started
    started.end()


def statuses(commands):
    ended = commands.run("ops_runs", "--json")
    assert ended.returncode == 0, ended.stderr
    return [one["status"] for one in json.loads(ended.stdout)["runs"]]


@pytest.mark.django_db(transaction=True)
def test_command_goes_on_without_its_history_which_is_taken_in_later(server, commands):
    """One run loses the server in its middle, and one begins while it is down."""
    assert commands.run("migrate", "--verbosity=0", timeout=180).returncode == 0
    running = commands.spawn("shop_work", "--no-lock", "--hold=3")
    read_until(running, "working")
    server.stop()
    # Some of Django's own checks ask the server.
    begun = commands.run("shop_work", "--no-lock", "--skip-checks")
    output = running.communicate(timeout=60)[0]

    assert (running.returncode, begun.returncode) == (0, 0), output + begun.stderr
    assert "waits in a file" in output
    assert "waits in a file" in begun.stderr
    server.start()
    assert statuses(commands) == ["SUCCEEDED", "SUCCEEDED"]
