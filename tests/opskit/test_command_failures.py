"""What a command says, and which status it ends with, when something goes wrong."""

import io
import json
import logging
from typing import Any

import pytest
from django.core import checks
from django.core.checks.registry import registry
from django.core.management import call_command
from django.core.management.base import CommandError, SystemCheckError

from django_opskit.commands import (
    ExitStatus,
    FindingsError,
    LockHeldError,
    OpsCommand,
    UsageError,
)

STATUSES = [
    ("refuse", 1, "CommandError: the server said no\n"),
    ("usage", 2, "UsageError: nothing is called that\n"),
    ("findings", 3, "FindingsError: 2 rows were rejected\n"),
    ("lock", 75, "LockHeldError: another run is at it\n"),
    ("status", 9, "CommandError: as the tool said\n"),
    ("interrupt", 1, "CommandError: Interrupted before it was finished.\n"),
    ("exit-well", 0, ""),
    ("exit-with-number", 4, ""),
]


@pytest.mark.parametrize(("how", "status", "sentence"), STATUSES)
def test_failure_is_a_sentence_and_a_status(
    from_command_line, capsys, recorder, how, status, sentence
):
    assert from_command_line("opskit_fail", how) == status

    assert capsys.readouterr().err == sentence
    assert recorder.finished[0]["exit_status"] == status


@pytest.mark.parametrize("how", [how for how, _, _ in STATUSES])
def test_failure_with_json_is_exactly_one_document(from_command_line, capsys, how):
    status = from_command_line("opskit_fail", how, "--json")

    document = json.loads(capsys.readouterr().out)
    assert document == {"rejected": 2} or document["exit_status"] == status


def test_failure_with_json_says_why(from_command_line, capsys):
    from_command_line("opskit_fail", "lock", "--json")

    document = json.loads(capsys.readouterr().out)
    assert document == {"error": "another run is at it", "exit_status": 75}


def test_wrong_option_is_wrong_usage(from_command_line, capsys):
    assert from_command_line("opskit_fail", "crash", "--nonsense") == ExitStatus.USAGE

    said = capsys.readouterr()
    assert said.out == ""
    assert "unrecognized arguments: --nonsense" in said.err


def test_wrong_option_with_json_is_answered_by_a_document_too(from_command_line, capsys):
    assert from_command_line("opskit_fail", "crash", "--nonsense", "--json") == ExitStatus.USAGE

    said = capsys.readouterr()
    assert json.loads(said.out)["exit_status"] == ExitStatus.USAGE
    assert "unrecognized arguments: --nonsense" in said.err


def test_help_with_json_is_help(from_command_line, capsys):
    assert from_command_line("opskit_fail", "--help", "--json") == 0

    said = capsys.readouterr().out
    assert said.startswith("usage:")
    assert "exit_status" not in said


def test_unexpected_error_is_one_sentence_without_a_traceback(from_command_line, capsys):
    assert from_command_line("opskit_fail", "crash") == ExitStatus.FAILED

    assert capsys.readouterr().err == (
        "CommandError: ValueError: no such thing: 42. Run it again with --traceback to see where.\n"
    )


def test_unexpected_error_without_words_has_a_name(from_command_line, capsys):
    from_command_line("opskit_fail", "crash-without-words", "--json")

    assert json.loads(capsys.readouterr().out)["error"] == "LookupError: no further message."


def test_unexpected_error_keeps_its_traceback_when_asked(from_command_line, capsys):
    with pytest.raises(ValueError, match="no such thing"):
        from_command_line("opskit_fail", "crash", "--traceback", "--json")

    assert json.loads(capsys.readouterr().out)["error"] == "ValueError: no such thing: 42."


def test_expected_error_keeps_its_traceback_when_asked(from_command_line):
    with pytest.raises(UsageError):
        from_command_line("opskit_fail", "usage", "--traceback")


def test_traceback_of_an_unexpected_error_is_logged_for_those_who_debug(from_command_line, caplog):
    caplog.set_level(logging.DEBUG, logger="django_opskit.commands")

    from_command_line("opskit_fail", "crash")

    assert "in _crash" in caplog.text


def test_receivers_get_the_exception_itself(from_command_line, recorder):
    from_command_line("opskit_fail", "crash")

    finished = recorder.finished[0]
    assert isinstance(finished["exception"], ValueError)
    assert finished["error"] == "ValueError: no such thing: 42."
    assert finished["exit_status"] == 1


@pytest.mark.parametrize("how", ["crash-with-secret", "refuse-with-secret"])
def test_sentence_hides_secrets(from_command_line, capsys, recorder, how):
    from_command_line("opskit_fail", how, "--json")

    said = capsys.readouterr()
    assert "example.org" in said.out
    assert "example.org" in said.err
    for text in (said.out, said.err, recorder.finished[0]["error"]):
        assert "hunter2" not in text
        assert "abc" not in text


def test_words_of_sys_exit_are_recorded(from_command_line, recorder):
    with pytest.raises(SystemExit, match="enough"):
        call_command("opskit_fail", "exit-with-words")

    assert recorder.finished[0]["error"] == "SystemExit: enough."
    assert recorder.finished[0]["exit_status"] == 1


@pytest.mark.parametrize("how", ["unserialisable", "nan"])
def test_document_that_json_cannot_hold_is_a_failure_with_a_document(
    from_command_line, capsys, how
):
    assert from_command_line("opskit_fail", how, "--json") == ExitStatus.FAILED

    assert "JSON" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("crash", ValueError),
        ("refuse", CommandError),
        ("usage", UsageError),
        ("findings", FindingsError),
        ("lock", LockHeldError),
        ("interrupt", KeyboardInterrupt),
        ("exit-well", SystemExit),
    ],
)
def test_call_from_python_lets_exceptions_through(recorder, how, expected):
    with pytest.raises(expected) as caught:
        call_command("opskit_fail", how, stdout=io.StringIO())

    assert recorder.finished[0]["exception"] is caught.value


def test_call_from_python_keeps_the_words_of_the_exception(recorder):
    with pytest.raises(CommandError, match="hunter2"):
        call_command("opskit_fail", "refuse-with-secret")

    assert "hunter2" not in recorder.finished[0]["error"]


def test_status_of_an_error_may_be_another():
    assert UsageError("x").returncode == ExitStatus.USAGE
    assert UsageError("x", returncode=7).returncode == 7


def test_system_check_that_fails_is_a_failure_with_a_document(capsys, recorder):
    class Checked(OpsCommand):
        requires_system_checks = ["opskit"]

        def handle(self, *args: Any, **options: Any) -> None:
            raise AssertionError("a refused command must not run")

    def check(**kwargs: Any) -> list[checks.CheckMessage]:
        return [checks.Error("Nothing is set.", id="opskit.E001")]

    checks.register(check, "opskit")
    try:
        with pytest.raises(SystemExit) as stop:
            Checked().run_from_argv(["manage.py", "checked", "--json"])
    finally:
        registry.registered_checks.remove(check)

    said = capsys.readouterr()
    assert stop.value.code == ExitStatus.FAILED
    assert "(opskit.E001) Nothing is set." in json.loads(said.out)["error"]
    assert "(opskit.E001) Nothing is set." in said.err
    assert isinstance(recorder.finished[0]["exception"], SystemCheckError)
