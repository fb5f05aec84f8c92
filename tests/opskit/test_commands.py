"""What a command prints, counts and announces when all goes well."""

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command, load_command_class
from django.core.management.base import CommandError
from django.utils.translation import gettext_lazy as _

from django_opskit.commands import OpsCommand
from django_opskit.masking import MASK
from django_opskit.signals import command_finished, command_started
from tests.opskit.management.commands.opskit_report import Command as Report


class Silent(OpsCommand):
    """Does nothing; the tests call its methods."""

    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        pass


def output_of(name: str, *args: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(name, *args, stdout=out, **options)
    return out.getvalue()


def test_outcome_is_text_for_people():
    assert output_of("opskit_report") == "Copied 3 rows.\nDone.\n"


def test_outcome_is_one_document_with_json():
    assert json.loads(output_of("opskit_report", "--json")) == {"copied": 3}


def test_json_prints_the_counters_of_a_command_that_has_nothing_to_say():
    assert json.loads(output_of("opskit_report", "--json", "--silent")) == {"copied": 3}


def test_verbosity_zero_is_silent():
    assert output_of("opskit_report", verbosity=0) == ""


def test_verbosity_zero_does_not_silence_json():
    assert json.loads(output_of("opskit_report", json=True, verbosity=0)) == {"copied": 3}


def test_dry_run_is_an_option_of_commands_that_change_data():
    assert output_of("opskit_report", "--dry-run") == "Would copy 3 rows.\nDone.\n"


def test_dry_run_is_no_option_of_other_commands():
    with pytest.raises(CommandError, match="unrecognized arguments: --dry-run"):
        call_command("opskit_fail", "crash", "--dry-run")


def test_handle_works_without_execute():
    out = io.StringIO()

    Report(stdout=out).handle(rows=1)

    assert out.getvalue() == "Copied 1 rows.\nDone.\n"


def test_style_colours_a_line_on_a_terminal_only():
    out = io.StringIO()
    command = Silent(stdout=out, force_color=True)

    command.say("well", command.style.SUCCESS)

    assert "well" in out.getvalue()
    assert out.getvalue() != "well\n"


def test_document_may_hold_what_services_return():
    out = io.StringIO()

    Silent(stdout=out).emit(
        {
            "at": datetime(2030, 6, 1, 12, tzinfo=UTC),
            "day": date(2030, 6, 1),
            "id": UUID(int=1),
            "label": _("yes"),
            "names": {"b", "a"},
            "numbers": frozenset({2, 1}),
            "path": Path("a/b"),
            "share": Decimal("0.10"),
        }
    )

    assert json.loads(out.getvalue()) == {
        "at": "2030-06-01T12:00:00Z",
        "day": "2030-06-01",
        "id": "00000000-0000-0000-0000-000000000001",
        "label": "yes",
        "names": ["a", "b"],
        "numbers": [1, 2],
        "path": "a/b",
        "share": "0.10",
    }


def test_document_passes_any_encoding():
    """A file name that is no UTF-8 arrives as a lone surrogate, which no stream can encode."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")

    Silent(stdout=stream).emit({"file": "zażółć \udcff"})

    stream.seek(0)
    assert json.loads(stream.read()) == {"file": "zażółć \udcff"}


def test_progress_is_hidden_where_stderr_is_no_terminal():
    errors = io.StringIO()
    command = Silent(stderr=errors)

    with command.progress("Copying", total=2) as advance:
        advance(2)

    assert errors.getvalue() == ""


def test_signals_tell_what_ran_and_how_it_ended(recorder):
    output_of("opskit_report", "red", "blue", rows=2)

    (started,), (finished,) = recorder.started, recorder.finished
    assert started["name"] == finished["name"] == "opskit_report"
    assert started["run_id"] == finished["run_id"]
    assert finished["arguments"] == {
        "args": ["red", "blue"],
        "dry_run": False,
        "json": False,
        "raw": False,
        "rows": 2,
        "silent": False,
        "token": "",
    }
    assert (finished["exit_status"], finished["error"], finished["exception"]) == (0, "", None)
    assert finished["counters"] == {"copied": 2}
    assert finished["duration_seconds"] >= 0.02


def test_signals_carry_no_secret(recorder):
    output_of("opskit_report", "--json", "https://user:hunter2@example.org/", token="hunter2")

    assert "hunter2" not in repr(recorder.started + recorder.finished)
    assert recorder.started[0]["arguments"]["token"] == MASK


def test_signals_carry_objects_that_python_passed(recorder):
    marker = object()

    output_of("opskit_report", silent=marker)

    assert recorder.finished[0]["arguments"]["silent"] is marker


def test_counters_of_the_run_before_are_forgotten(recorder):
    command = load_command_class("tests.opskit", "opskit_report")

    call_command(command, stdout=io.StringIO())
    command.handle = lambda *args, **options: None
    call_command(command, stdout=io.StringIO())

    assert [facts["counters"] for facts in recorder.finished] == [{"copied": 3}, {}]


@pytest.mark.parametrize("signal", [command_started, command_finished])
def test_receiver_that_fails_does_not_break_the_command(signal, caplog):
    def fail(**facts: Any) -> None:
        raise RuntimeError("the history is full")

    signal.connect(fail)
    try:
        assert json.loads(output_of("opskit_report", "--json")) == {"copied": 3}
    finally:
        signal.disconnect(fail)
    assert "the history is full" in caplog.text


def test_command_may_call_another(recorder):
    class Outer(Silent):
        def handle(self, *args: Any, **options: Any) -> None:
            inner = io.StringIO()
            call_command("opskit_report", "--json", stdout=inner)
            self.result({"inner": json.loads(inner.getvalue())}, "Never shown.")

    out = io.StringIO()
    call_command(Outer(), "--json", stdout=out)

    assert json.loads(out.getvalue()) == {"inner": {"copied": 3}}
    assert [facts["name"] for facts in recorder.finished] == ["opskit_report", "test_commands"]


def test_listener_hears_both_streams_and_the_streams_still_get_everything():
    heard: list[str] = []

    class Noisy(Silent):
        def handle(self, *args: Any, **options: Any) -> None:
            self.say("done")
            self.stderr.write("careful")

    def listen(command: Any, **facts: Any) -> None:
        command.overhear(heard.append)

    out, errors = io.StringIO(), io.StringIO()
    command_started.connect(listen)
    try:
        call_command(Noisy(), stdout=out, stderr=errors)
    finally:
        command_started.disconnect(listen)

    assert (out.getvalue(), errors.getvalue()) == ("done\n", "careful\n")
    assert "".join(heard) == "done\ncareful\n"
