"""The base of every management command: output, exit status, signals, dry run, progress."""

import json
import logging
import time
import uuid
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import IntEnum
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from django_opskit.masking import mask_secrets
from django_opskit.signals import command_finished, command_started
from django_opskit.stopping import terminate_as_interrupt

__all__ = ["ExitStatus", "FindingsError", "LockHeldError", "OpsCommand", "UsageError"]

logger = logging.getLogger(__name__)

# Options of every Django command: how it runs, not what it was asked to do.
_RUN_OPTIONS = frozenset(
    {
        "force_color",
        "no_color",
        "pythonpath",
        "settings",
        "skip_checks",
        "stderr",
        "stdout",
        "traceback",
    }
)


class ExitStatus(IntEnum):
    """What the shell, cron and systemd are told."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    FINDINGS = 3
    LOCK_HELD = 75  # EX_TEMPFAIL of sysexits.h: try again later


class UsageError(CommandError):
    """The call was wrong: nothing was done. Exit status 2."""

    def __init__(self, *args: Any, returncode: int = ExitStatus.USAGE, **kwargs: Any) -> None:
        super().__init__(*args, returncode=returncode, **kwargs)


class FindingsError(CommandError):
    """The work is done, and something was rejected or found. Exit status 3."""

    def __init__(self, *args: Any, returncode: int = ExitStatus.FINDINGS, **kwargs: Any) -> None:
        super().__init__(*args, returncode=returncode, **kwargs)


class LockHeldError(CommandError):
    """Another run holds the lock: nothing was done. Exit status 75."""

    def __init__(self, *args: Any, returncode: int = ExitStatus.LOCK_HELD, **kwargs: Any) -> None:
        super().__init__(*args, returncode=returncode, **kwargs)


class OpsCommand(BaseCommand):
    """
    A management command with one manner of speaking.

    ``handle`` calls one service and then :meth:`result` with what it returned: as text, or with
    ``--json`` as one document. Expected failures are :class:`CommandError` or one of its
    children above; from the command line anything else becomes one sentence and status 1,
    with the traceback in the log, and on the terminal with ``--traceback``.
    """

    #: Adds ``--dry-run``. True for every command that changes or deletes.
    changes_data: ClassVar[bool] = False

    # Class-level defaults, so that handle() may be called without execute().
    json_output: bool = False
    verbosity: int = 1

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: What the command counted; goes out with :data:`command_finished`.
        self.counters: dict[str, int] = {}
        self._documents = 0

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Add the common options behind the command's own."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        _add_common_options(parser, dry_run=self.changes_data)
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command between its two signals; see the class for what failures become."""
        self.json_output = bool(options.get("json"))
        self.verbosity = int(options.get("verbosity", 1))
        self.counters, self._documents = {}, 0
        facts: dict[str, Any] = {
            "sender": type(self),
            "name": type(self).__module__.rpartition(".")[2],
            "run_id": uuid.uuid4(),
            "arguments": mask_secrets({k: v for k, v in options.items() if k not in _RUN_OPTIONS}),
        }
        started = time.monotonic()
        command_started.send_robust(**facts)
        status, sentence = int(ExitStatus.FAILED), ""
        try:
            with self._termination():
                output = super().execute(*args, **options)
            status = int(ExitStatus.DONE)
            return output
        except BaseException as error:
            failure = self._failure(error, show_traceback=bool(options.get("traceback")))
            status, sentence = _status_of(failure), str(failure)
            if self.json_output and not self._documents:
                self.emit({"error": sentence, "exit_status": status})
            if failure is error:
                raise
            raise failure from error
        finally:
            command_finished.send_robust(
                **facts,
                duration_seconds=time.monotonic() - started,
                exit_status=status,
                error=sentence,
                counters=dict(self.counters),
            )

    def say(self, text: str, style: Callable[[str], str] | None = None) -> None:
        """Write one line for people; silent with ``--json`` and with ``--verbosity 0``."""
        if not self.json_output and self.verbosity > 0:
            self.stdout.write(text, style)

    def emit(self, document: Mapping[str, Any]) -> None:
        """Write one JSON document; a loop calls it once per line, other commands once."""
        self._documents += 1
        self.stdout.write(json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False))

    def result(self, document: Mapping[str, Any], *lines: str) -> None:
        """Write the outcome: ``document`` with ``--json``, else ``lines``."""
        if self.json_output:
            self.emit(document)
        else:
            for line in lines:
                self.say(line)

    @contextmanager
    def progress(self, description: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """
        Give a function that moves a progress bar on by so many steps.

        The bar stands on stderr and only when that is a terminal, so pipes, logs and ``--json``
        never see it.
        """
        if self.json_output or self.verbosity == 0 or not self.stderr.isatty():
            yield lambda steps: None
            return
        # Imported here: it costs 30 ms, and cron never sees a bar.
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(file=self.stderr), transient=True) as bar:
            task = bar.add_task(description, total=total)
            yield lambda steps: bar.advance(task, steps)

    def _termination(self) -> AbstractContextManager[None]:
        return terminate_as_interrupt() if self._from_command_line() else nullcontext()

    def _from_command_line(self) -> bool:
        return bool(getattr(self, "_called_from_command_line", False))

    def _failure(self, error: BaseException, *, show_traceback: bool) -> BaseException:
        """Return what to raise for ``error``: itself, or the sentence that stands for it."""
        if isinstance(error, CommandError) or not self._from_command_line() or show_traceback:
            return error
        if isinstance(error, KeyboardInterrupt):
            return CommandError("Interrupted before it was finished.", returncode=1)
        if not isinstance(error, Exception):
            return error
        if logger.hasHandlers():
            logger.error("command=%s failed", type(self).__module__, exc_info=error)
        reason = " ".join(str(error).split()) or "no further message"
        return CommandError(
            f"{type(error).__name__}: {reason}. Run it again with --traceback to see where.",
            returncode=ExitStatus.FAILED,
        )


def _status_of(error: BaseException) -> int:
    if isinstance(error, CommandError):
        return error.returncode
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code
    return ExitStatus.FAILED


def _add_common_options(parser: ArgumentParser, *, dry_run: bool) -> None:
    parser.add_argument(
        "--json", action="store_true", help="Print JSON on stdout and nothing else."
    )
    if dry_run:
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would be done and change nothing."
        )
