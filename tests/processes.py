"""Real processes for the tests: Django commands that share the test database."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent


def environment() -> dict[str, str]:
    """Return the environment of a process that sees what this test sees."""
    paths = [str(ROOT), str(ROOT / "example_project"), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
        "OPSKIT_DATABASE": settings.DATABASE,
        "OPSKIT_DB_NAME": str(connection.settings_dict["NAME"]),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        # A test that waits for a line must not wait for a full buffer.
        "PYTHONUNBUFFERED": "1",
    }


class Processes:
    """Starts Django commands, and ends those of them that are left when the test is over."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = dict(env)
        self.started: list[subprocess.Popen[str]] = []

    def run(
        self, *args: object, timeout: float = 240, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m django <args>` to its end, its output and errors apart."""
        options = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE, **options}
        process = self.spawn(*args, **options)
        stdout, stderr = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def spawn(
        self, *args: object, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """
        Start `python -m django <args>` and return at once, its output in one pipe.

        `env` adds to the environment; other options are those of subprocess.Popen.
        """
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
        process = subprocess.Popen(
            django_command(args),
            cwd=ROOT,
            env={**self.env, **(env or {})},
            text=True,
            # A group of its own, so that `end` reaches the children of a worker too.
            start_new_session=True,
            **options,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """Kill what still runs, children included, and close the pipes."""
        for process in self.started:
            # The group may outlive its first process: what a handler forked is in it too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with process:  # waits, and closes its pipes
                pass


def django_command(args: tuple[object, ...]) -> list[str]:
    """
    Return the command line for a Django command with `args`.

    Without the system checks, which take as long as the rest of a start and have tests of their
    own; with them where the first of `args` is "--with-checks".
    """
    with_checks = args[0] == "--with-checks"
    name, *rest = map(str, args[1:] if with_checks else args)
    app = get_commands().get(name)
    if app and not with_checks and load_command_class(app, name).requires_system_checks:
        rest.insert(0, "--skip-checks")
    return [sys.executable, "-m", "django", name, *rest]


def read_until(process: subprocess.Popen[str], text: str, *, seconds: float = 180) -> str:
    """
    Read the process's output up to the line that holds `text`, and return what was read.

    The process is killed when the line does not come within `seconds`, and AssertionError
    shows what came instead.
    """
    assert process.stdout is not None, "the process was started without a pipe for its output"
    seen = ""
    # readline() has no timeout; the end of the process ends it.
    watchdog = threading.Timer(seconds, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            seen += line
            if text in line:
                return seen
    finally:
        watchdog.cancel()
    raise AssertionError(f"{text!r} did not come within {seconds} s, but:\n{seen}")
