"""The name health_check, which django-health-check has too: real processes on both orders."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from django.core.management import call_command

from django_opskit.commands import UsageError

OURS_FIRST = {"DJANGO_SETTINGS_MODULE": "tests.system_ops.health.ours_first"}
THEIRS_FIRST = {"DJANGO_SETTINGS_MODULE": "tests.system_ops.health.theirs_first"}

newer_line = pytest.mark.skipif(
    find_spec("health_check.base") is None, reason="3.24 has no endpoints; here 3.24 is installed"
)


def run(spawn, *args, env):
    """Return the status, and what was said without what the system checks say."""
    process = spawn(*args, env=env, stderr=subprocess.PIPE)
    out, errors = process.communicate(timeout=60)
    return process.returncode, out + errors.partition("System check identified")[0]


@pytest.mark.parametrize("env", [OURS_FIRST, THEIRS_FIRST], ids=["ours first", "theirs first"])
def test_ops_health_check_is_ours_in_either_order(spawn, env):
    status, out = run(spawn, "ops_health_check", "--service=cache", env=env)

    assert (status, out.split()[:2]) == (0, ["ok", "cache:default"])


def test_health_check_is_ours_where_we_come_first(spawn):
    status, out = run(spawn, "health_check", "--service=cache", "--json", env=OURS_FIRST)

    assert (status, json.loads(out)["state"]) == (0, "ok")


def test_health_check_is_theirs_where_they_come_first(spawn):
    status, out = run(spawn, "health_check", "--service=cache", env=THEIRS_FIRST)

    assert (status, "error: " in out) == (2, True)


@newer_line
def test_call_with_an_endpoint_is_handed_on_and_comes_to_the_same(spawn):
    calls = [
        run(spawn, "health_check", "ht", "--no-http", env=env) for env in (OURS_FIRST, THEIRS_FIRST)
    ]

    assert calls[0] == calls[1]
    assert (calls[0][0], "OK" in calls[0][1]) == (0, True)


@newer_line
def test_arguments_are_handed_on_as_they_are(spawn):
    arguments = ("ht", "127.0.0.1:1", "--timeout", "3", "--forwarded-proto=http", "-v", "2")

    calls = []
    for env in (OURS_FIRST, THEIRS_FIRST):
        process = spawn("health_check", *arguments, env=env)
        out, _ = process.communicate(timeout=60)
        calls.append((process.returncode, "'http://127.0.0.1:1/ht/' is not reachable" in out))

    assert calls == [(2, True), (2, True)]


@newer_line
def test_option_of_theirs_alone_is_enough(spawn):
    process = spawn("health_check", "--no-http", env=OURS_FIRST)
    out, _ = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "the following arguments are required: endpoint" in out


@newer_line
def test_app_of_theirs_need_not_be_installed_in_the_site(spawn):
    env = {"DJANGO_SETTINGS_MODULE": "tests.settings"}

    status, out = run(spawn, "health_check", "nothing", "--no-http", env=env)

    assert (status, "Could not resolve endpoint 'nothing'" in out) == (2, True)


@newer_line
@pytest.mark.django_db(transaction=True)
def test_call_from_python_is_handed_on(settings, capsys):
    settings.ROOT_URLCONF = "tests.system_ops.health.peer_urls"

    with pytest.raises(SystemExit) as stopped:
        call_command("health_check", "none", use_http=False, timeout=3)

    assert stopped.value.code == 0


@pytest.mark.parametrize("arguments", [["ht"], ["ht", "localhost:80"], ["--no-http"], ["-s", "x"]])
def test_without_it_such_a_call_is_wrong_usage(monkeypatch, arguments):
    # It is installed wherever the tests run.
    for name in ["health_check", *(one for one in sys.modules if one.startswith("health_check."))]:
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(UsageError, match="django-health-check, which is not installed: pip"):
        call_command("health_check", *arguments)


def test_package_of_that_name_that_cannot_be_imported_is_named(spawn, process_env, tmp_path):
    commands = tmp_path / "health_check" / "management" / "commands"
    commands.mkdir(parents=True)
    for folder in (commands, *list(commands.parents)[:2]):
        (folder / "__init__.py").touch()
    (commands / "health_check.py").write_text("raise RuntimeError('not in this site')")

    path = os.pathsep.join([str(tmp_path), process_env["PYTHONPATH"]])
    status, out = run(spawn, "health_check", "ht", env={"PYTHONPATH": path})

    assert status == 2
    assert "which cannot be used here: not in this site." in out


def test_check_says_that_the_command_is_theirs_and_what_order_to_write(spawn):
    out, _ = spawn("check", env=THEIRS_FIRST).communicate(timeout=60)

    assert "(django_system_ops.W040) manage.py health_check is the command of django-health" in out
    assert '"django_system_ops" before "health_check"' in out


@pytest.mark.parametrize(
    "env", [OURS_FIRST, {"DJANGO_SETTINGS_MODULE": "tests.settings"}], ids=["ours first", "alone"]
)
def test_check_is_silent_where_the_command_is_ours(spawn, env):
    process = spawn("check", env=env)
    out, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert "W040" not in out
