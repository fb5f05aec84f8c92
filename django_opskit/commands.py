"""The base of every management command: output, exit status, signals, dry run, progress."""

import json
import logging
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path, PurePath
from typing import Any, ClassVar, TextIO, cast

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    OutputWrapper,
)
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder

from django_opskit.masking import mask_secrets, mask_text
from django_opskit.signals import command_finished, command_started
from django_opskit.stopping import terminate_as_interrupt

__all__ = ["ExitStatus", "FindingsError", "LockHeldError", "OpsCommand", "UsageError"]

logger = logging.getLogger(__name__)

# Options of every Django command: how it runs, not what it was asked to do.
_RUN_OPTIONS = {"force_color", "no_color", "pythonpath", "settings", "skip_checks", "stderr"}
_RUN_OPTIONS |= {"stdout", "traceback", "verbosity"}


class ExitStatus(IntEnum):
    """What the shell, cron and systemd are told."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    FINDINGS = 3
    LOCK_HELD = 75  # EX_TEMPFAIL of sysexits.h: try again later


class _StatusError(CommandError):
    status: ClassVar[ExitStatus]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"returncode": self.status, **kwargs})


class UsageError(_StatusError):
    """The call was wrong: nothing was done. Exit status 2."""

    status = ExitStatus.USAGE


class FindingsError(_StatusError):
    """The work is done, and something was rejected or found. Exit status 3."""

    status = ExitStatus.FINDINGS


class LockHeldError(_StatusError):
    """Another run holds the lock: nothing was done. Exit status 75."""

    status = ExitStatus.LOCK_HELD


class OpsCommand(BaseCommand):
    """
    A management command with one manner of speaking.

    ``handle`` calls one service and then :meth:`result` with what it returned: as text, or with
    ``--json`` as one document (of :attr:`counters` where it has none). Expected failures are
    :class:`CommandError` or one of its children above. From the command line, anything else
    becomes one sentence and status 1; the traceback comes with ``--traceback``, and in the log
    when this logger's level is DEBUG. Called from Python, a command lets every exception through.
    """

    #: Adds ``--dry-run``. True for every command that changes or deletes.
    changes_data: ClassVar[bool] = False
    #: Arguments that name a file or a directory without a type that says so: no form offers them.
    path_arguments: ClassVar[frozenset[str]] = frozenset()

    # Class-level defaults, so that handle() may be called without execute().
    json_output: bool = False
    verbosity: int = 1
    _has_emitted: bool = False
    _called_from_command_line: bool  # Django's own

    def __init__(
        self, stdout: TextIO | None = None, stderr: TextIO | None = None, **kwargs: Any
    ) -> None:
        super().__init__(
            stdout or sys.stdout or _nobody(), stderr or sys.stderr or _nobody(), **kwargs
        )
        #: What the command counted; goes out with :data:`command_finished`.
        self.counters: dict[str, int] = {}

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Add the common options behind the command's own."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument(
            "--json", action="store_true", help="Print JSON on stdout and nothing else."
        )
        if self.changes_data:
            parser.add_argument(
                "--dry-run", action="store_true", help="Say what would be done and change nothing."
            )
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a program: SIGTERM unwinds, and a wrong call is answered in JSON too."""
        try:
            with terminate_as_interrupt():
                super().run_from_argv(argv)
        except SystemExit as stop:
            if stop.code == ExitStatus.USAGE and "--json" in argv:
                # argparse has explained it on stderr already, and keeps the words to itself.
                self._emit_failure("Wrong usage: stderr says what is wrong.", ExitStatus.USAGE)
            raise
        finally:
            try:
                self.stdout.flush()
            except OSError:
                # The interpreter's last flush would fail too and make the exit status 120. See
                # "Note on SIGPIPE" in Python's documentation of the module signal.
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.stdout.fileno())

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command between its two signals; see the class for what failures become."""
        self.json_output = bool(options.get("json"))
        self.verbosity = int(options.get("verbosity", 1))
        self.counters, self._has_emitted = {}, False
        # Here, where Django would only do it after the signal: who listens hears all of it.
        for name in ("stdout", "stderr"):
            if stream := options.pop(name, None):
                setattr(self, name, OutputWrapper(stream))
        arguments = {key: value for key, value in options.items() if key not in _RUN_OPTIONS}
        facts: dict[str, Any] = {
            "sender": type(self),
            "command": self,
            "name": type(self).__module__.rpartition(".")[2],
            "run_id": uuid.uuid4(),
            "arguments": mask_secrets({**arguments, "args": args} if args else arguments),
        }
        status, sentence = int(ExitStatus.DONE), ""
        exception: BaseException | None = None
        started = time.monotonic()
        command_started.send_robust(**facts)
        try:
            output = super().execute(*args, **options)
            if self.json_output and not self._has_emitted:
                self.emit(self.counters)
            self.stdout.flush()
            return output
        except BaseException as error:
            status, exception = _exit_status(error), error
            sentence = _sentence(error) if status else ""
            if self.json_output:
                self._emit_failure(sentence, status)
            if self._called_from_command_line:
                self._fail(error, sentence, show_traceback=bool(options.get("traceback")))
            raise
        finally:
            command_finished.send_robust(
                **facts,
                duration_seconds=time.monotonic() - started,
                exit_status=status,
                error=sentence,
                exception=exception,
                counters=dict(self.counters),
            )
            exception = None  # its traceback holds this frame: no cycle

    def overhear(self, listener: Callable[[str], object]) -> None:
        """
        Call ``listener`` with every text that goes to stdout or stderr from now on.

        For the time of one run: the next one may be told other streams. The progress bar is not
        heard.
        """
        for wrapper in (self.stdout, self.stderr):
            stream: Any = wrapper
            stream._out = _Overheard(stream._out, listener)

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """
        Write to stdout past those who overhear, for the time of the ``with``.

        For what is shown once and kept nowhere, such as a password that was made just now.
        """
        wrapper: Any = self.stdout
        before = wrapper._out
        while isinstance(wrapper._out, _Overheard):
            wrapper._out = wrapper._out.stream
        try:
            yield
        finally:
            wrapper._out = before

    def say(self, text: str, style: Callable[[str], str] | None = None) -> None:
        """Write one line for people; silent with ``--json`` and with ``--verbosity 0``."""
        if not self.json_output and self.verbosity > 0:
            self._write(text, style)

    def emit(self, document: Mapping[str, Any]) -> None:
        """Write one JSON document; a loop calls it once per line, other commands once."""
        # ASCII, so that no locale and no undecodable file name can stop it half-way.
        self._write(json.dumps(document, cls=_DocumentEncoder, allow_nan=False))
        self._has_emitted = True

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
        never see it. ``total`` is None where the end is not known.
        """
        if self.json_output or self.verbosity == 0 or not self.stderr.isatty():
            yield lambda _steps: None
            return
        # Imported here: it costs 30 ms, and cron never sees a bar.
        from rich.console import Console
        from rich.progress import Progress

        stream: Any = self.stderr._out
        while isinstance(stream, _Overheard):
            stream = stream.stream
        console = Console(
            # The stream itself: Django's wrapper ends everything that is written with a newline.
            file=cast(TextIO, stream),
            no_color=self.style is no_style(),
        )
        # rich would send what others print() to the bar's stream; it belongs on stdout.
        with Progress(console=console, transient=True, redirect_stdout=False) as bar:
            task = bar.add_task(description, total=total)
            yield lambda steps: bar.advance(task, steps)

    def _write(self, text: str, style: Callable[[str], str] | None = None) -> None:
        try:
            self.stdout.write(text, style)
            # At once: whoever reads a loop's lines through a pipe must not wait for a full
            # buffer, and a full disk or a reader that left is our failure, not the exit's.
            self.stdout.flush()
        except OSError as error:
            raise CommandError(f"Cannot write to stdout: {error.strerror}.") from error

    def _emit_failure(self, error: str, status: int) -> None:
        if not self._has_emitted:
            with suppress(Exception):  # stdout itself may be what failed
                self.emit({"error": error, "exit_status": status})

    def _fail(self, error: BaseException, sentence: str, *, show_traceback: bool) -> None:
        """Raise the sentence that stands for ``error``, or return to let it through as it is."""
        if isinstance(error, CommandError):
            error.args = (sentence,)  # Django prints it; now its secrets are masked
        elif isinstance(error, KeyboardInterrupt):
            raise CommandError(sentence, returncode=ExitStatus.FAILED) from error
        elif isinstance(error, Exception) and not show_traceback:
            logger.debug("command=%s failed", type(self).__module__, exc_info=error)
            hint = "Run it again with --traceback to see where."
            raise CommandError(f"{sentence} {hint}", returncode=ExitStatus.FAILED) from error


def _nobody() -> TextIO:
    """Return a stream that nobody reads, in place of one that our parent has closed (``>&-``)."""
    # Python has None there, and Django would fail at the first word, with the work half done.
    return Path(os.devnull).open("w")


class _Overheard:
    """A stream that tells somebody what is written to it."""

    def __init__(self, stream: Any, listener: Callable[[str], object]) -> None:
        self.stream = stream
        self._listener = listener

    def write(self, text: str) -> None:
        self.stream.write(text)
        self._listener(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _DocumentEncoder(DjangoJSONEncoder):
    """Django's encoder, and what else the services return: sets and paths."""

    def default(self, o: Any) -> Any:
        if isinstance(o, set | frozenset):
            return sorted(o, key=str)
        return str(o) if isinstance(o, PurePath) else super().default(o)


def _exit_status(error: BaseException) -> int:
    if isinstance(error, CommandError):
        return int(error.returncode)
    if isinstance(error, SystemExit) and (error.code is None or isinstance(error.code, int)):
        return error.code or 0
    return int(ExitStatus.FAILED)


def _sentence(error: BaseException) -> str:
    """Say in one sentence what ``error`` is, without secrets."""
    if isinstance(error, CommandError):
        return mask_text(str(error))
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted before it was finished."
    text = " ".join(str(error).split()).rstrip(".") or "no further message"
    return mask_text(f"{type(error).__name__}: {text}.")
