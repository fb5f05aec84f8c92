"""The options of ``worker_run``."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils.autoreload import get_child_arguments

from django_opskit.commands import UsageError
from django_outbox.services.setup import WorkerOptions

__all__ = [
    "Outlets",
    "add_worker_arguments",
    "checked_processes",
    "child_command",
    "child_environment",
]

_MOST_PROCESSES = 256

# (option, type, default, metavar, help); each default is the one in Command.handle.
_OPTIONS: Sequence[tuple[str, Callable[[str], Any], Any, str, str]] = (
    ("--poll-seconds", float, 2.0, "SECONDS", "Wait between looks when nothing is due (2.0)."),
    ("--max-jobs", int, 50, "COUNT", "Most jobs taken in one look (50)."),
    ("--concurrency", int, 1, "COUNT", "Handlers side by side (1)."),
    ("--processes", int, 1, "COUNT", "Worker processes, watched and restarted (1)."),
    ("--queues", str, "", "A,B", "Queues to work on (all of OUTBOX['QUEUES'])."),
    ("--grace", float, None, "SECONDS", "Running jobs' time after SIGTERM (GRACE_SECONDS)."),
    (
        "--lease-seconds",
        float,
        None,
        "SECONDS",
        "Hold on a job without a heartbeat (LEASE_SECONDS).",
    ),
    ("--health-file", str, "", "PATH", "A file that is fresh while the worker works."),
    ("--metrics-port", int, None, "PORT", "Serve Prometheus metrics; 0 takes any free port."),
    ("--metrics-address", str, "127.0.0.1", "HOST", "Where to serve them (127.0.0.1)."),
)


def add_worker_arguments(parser: CommandParser) -> None:
    """Declare the options; in parentheses stands what holds without them."""
    for option, kind, default, metavar, text in _OPTIONS:
        parser.add_argument(option, type=kind, default=default, metavar=metavar, help=text)
    parser.add_argument("--drain", action="store_true", help="Exit when nothing is due any more.")


def checked_processes(processes: int, metrics_port: int | None) -> int:
    """Return ``processes``; UsageError when there cannot be so many."""
    if not 1 <= processes <= _MOST_PROCESSES:
        raise UsageError(f"processes must be 1 to {_MOST_PROCESSES}, got {processes}.")
    if metrics_port is not None and not 0 <= metrics_port <= 65_536 - processes:
        raise UsageError(
            f"metrics-port must be 0 to {65_536 - processes}, got {metrics_port}: each process "
            "takes the next one."
        )
    return processes


@dataclass(frozen=True)
class Outlets:
    """Where a worker can be watched from outside; empty or None for nowhere."""

    health_file: str = ""
    metrics_port: int | None = None
    metrics_address: str = "127.0.0.1"


def child_command(
    number: int, options: WorkerOptions, outlets: Outlets, *, from_command_line: bool, json: bool
) -> Sequence[str]:
    """
    Return the command line of a supervisor's child: this program's, or one with the same options.

    Of an option that is given twice, argparse takes the last.
    """
    # A program may call Django's command line with arguments that are not its own.
    if from_command_line and "worker_run" in sys.argv:
        command = [*get_child_arguments()]
    else:
        command = [sys.executable, "-m", "django", "worker_run", *_as_arguments(options)]
        command += ["--json"] if json else []
    command += ["--processes", "1"]
    if outlets.health_file:
        command += ["--health-file", f"{outlets.health_file}.{number}"]
    if outlets.metrics_port is not None:
        # With 0 each takes any port that is free.
        port = outlets.metrics_port + number if outlets.metrics_port else 0
        command += ["--metrics-port", str(port), "--metrics-address", outlets.metrics_address]
    return command


def child_environment(*, from_command_line: bool) -> dict[str, str]:
    """
    Return the environment in which a child finds the same code and settings.

    Raises:
        UsageError: the settings are no module, so no other process could read them.
    """
    if from_command_line and "worker_run" in sys.argv:
        return dict(os.environ)
    module = getattr(settings, "SETTINGS_MODULE", None)
    if not module:
        raise UsageError("More than one process needs a settings module: use --processes 1.")
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**os.environ, "DJANGO_SETTINGS_MODULE": module, "PYTHONPATH": path}


def _as_arguments(options: WorkerOptions) -> list[str]:
    values: dict[str, object] = {
        "poll-seconds": options.poll_seconds,
        "max-jobs": options.max_jobs,
        "concurrency": options.concurrency,
        "queues": ",".join(options.queues),
        "grace": options.grace_seconds,
        "lease-seconds": options.lease_seconds,
    }
    arguments = [f"--{name}={value}" for name, value in values.items()]
    return [*arguments, "--drain"] if options.drain else arguments
