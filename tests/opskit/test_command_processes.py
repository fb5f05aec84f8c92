"""Commands as real processes: signals, pipes, closed streams, a terminal."""

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT, Processes, django_command, read_until

SEPARATE: dict[str, Any] = {"stderr": subprocess.PIPE}


def wait_for(file: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} did not appear within {seconds} s"
        time.sleep(0.02)


def in_shell(processes: Processes, redirections: str, *args: str) -> subprocess.Popen[str]:
    """Start a command whose streams the shell redirects, as `cron` and people do."""
    return subprocess.Popen(
        ["sh", "-c", f'exec "$@" {redirections}', "sh", *django_command(args)],
        cwd=ROOT,
        env=processes.env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_unwinds_a_command_and_is_a_failure(processes, number):
    process = processes.spawn("opskit_wait", **SEPARATE)
    read_until(process, "waiting")

    process.send_signal(number)
    out, err = process.communicate(timeout=120)

    assert (process.returncode, out) == (1, "unwinding\n")
    assert err == "CommandError: Interrupted before it was finished.\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_with_json_is_answered_by_one_document(processes, tmp_path, number):
    ready = tmp_path / "ready"
    process = processes.spawn("opskit_wait", "--json", "--ready", ready, **SEPARATE)
    wait_for(ready)

    process.send_signal(number)
    out, _ = process.communicate(timeout=120)

    assert json.loads(out) == {"error": "Interrupted before it was finished.", "exit_status": 1}


def test_signal_shows_its_place_when_asked(processes):
    process = processes.spawn("opskit_wait", "--traceback", **SEPARATE)
    read_until(process, "waiting")

    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)

    assert process.returncode == 1
    assert "django_opskit.stopping.Terminated" in err


def test_second_sigterm_ends_a_command_that_is_slow_to_unwind(processes):
    process = processes.spawn("opskit_wait", "--slow-end", **SEPARATE)
    read_until(process, "waiting")

    process.send_signal(signal.SIGTERM)
    read_until(process, "unwinding")
    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=120) == -signal.SIGTERM


def test_loop_hears_both_signals_and_ends_well(processes):
    process = processes.spawn("opskit_wait", "--loop", "--json", **SEPARATE)
    read_until(process, "started")

    process.send_signal(signal.SIGTERM)
    read_until(process, "first")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)

    assert (process.returncode, json.loads(out), err) == (0, {"event": "second"}, "")


def test_unexpected_error_prints_its_traceback_only_when_asked(processes):
    plain = processes.run("opskit_fail", "crash")
    asked = processes.run("opskit_fail", "crash", "--traceback")

    assert (plain.returncode, asked.returncode) == (1, 1)
    assert "Traceback" not in plain.stderr
    assert "in _crash" in asked.stderr


@pytest.mark.parametrize("options", [(), ("--raw",), ("--json",)])
def test_reader_that_left_is_a_failure_of_one_sentence(processes, options):
    process = in_shell(processes, "", "opskit_report", *options)
    assert process.stdout is not None
    process.stdout.close()

    with process:
        _, err = process.communicate(timeout=120)

    assert process.returncode == 1
    assert "Broken pipe" in err
    assert len(err.splitlines()) == 1


def test_reader_that_left_does_not_change_the_status_of_a_failure(processes):
    process = in_shell(processes, "", "opskit_fail", "usage", "--json")
    assert process.stdout is not None
    process.stdout.close()

    with process:
        _, err = process.communicate(timeout=120)

    assert (process.returncode, err) == (2, "UsageError: nothing is called that\n")


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
def test_closed_streams_do_not_keep_a_command_from_its_work(processes, closed):
    with in_shell(processes, closed, "opskit_report", "--json") as process:
        out, err = process.communicate(timeout=120)

    assert (process.returncode, out, err) == (0, "", "")


@pytest.fixture
def terminal():
    """The two ends of a terminal: what a person sees, and what a program writes to."""
    seen, written = pty.openpty()
    yield seen, written
    os.close(seen)


@pytest.mark.parametrize(
    ("options", "has_bar", "has_colour"),
    [
        (["--force-color"], True, True),
        (["--no-color"], True, False),
        (["--json"], False, False),
        (["--verbosity", "0"], False, False),
    ],
)
def test_progress_bar_stands_on_the_terminal_and_never_on_stdout(
    processes, terminal, options, has_bar, has_colour
):
    seen, written = terminal
    process = processes.spawn(
        "opskit_report",
        *options,
        stderr=written,
        env={"TERM": "xterm-256color", "COLUMNS": "80", "NO_COLOR": ""},
    )
    os.close(written)

    out, _ = process.communicate(timeout=120)
    screen = read_all(seen)

    assert process.returncode == 0
    assert ("Copying" in screen) is has_bar
    assert ("100%" in screen) is has_bar
    assert ("\x1b[38" in screen or "\x1b[3" in screen) is has_colour
    assert "\x1b" not in out
    assert "Copying" not in out


def test_progress_bar_is_one_line_that_leaves_no_trace_and_leaves_stdout_alone(processes, terminal):
    seen, written = terminal
    process = processes.spawn(
        "opskit_report", "--verbosity", "2", stderr=written, env={"TERM": "xterm", "COLUMNS": "80"}
    )
    os.close(written)

    out, _ = process.communicate(timeout=120)
    screen = read_all(seen)

    assert out.splitlines() == ["row 0", "row 1", "row 2", "Copied 3 rows.", "Done."]
    assert "row" not in screen
    assert screen.count("\n") == 1


def read_all(terminal: int) -> str:
    """Return what was written to a terminal whose writers are gone."""
    seen = b""
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # Linux: nobody has the other end open any more
            chunk = b""
        if not chunk:
            return seen.decode()
        seen += chunk
