"""The databases' own programs, with our hands on their pipes."""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import RawIOBase
from typing import IO, cast

from django_opskit.masking import mask_text
from django_system_ops.conf import get_conf
from django_system_ops.exceptions import BackupError, NotTriedError

__all__ = [
    "Finished",
    "feed",
    "finished",
    "program",
    "read_from",
    "reading_from",
    "version_of",
    "writing_to",
]

_READ_BYTES = 1 << 20
_MOST_ERROR_BYTES = 2000
_LOOK_EVERY_SECONDS = 0.1
# What a program may take to clean up when it is asked to end.
_TO_CLEAN_UP_SECONDS = 10


@dataclass(frozen=True)
class Finished:
    """What came of a program: its status, and what it wrote."""

    status: int
    output: bytes
    errors: bytes


def program(*names: str) -> str:
    """
    Return the path of the first of these programs that is there.

    Raises:
        NotTriedError: none is; says how to name one.
    """
    own = get_conf().backup.programs
    for name in names:
        if found := shutil.which(own.get(name, name)):
            return found
    raise NotTriedError(
        f"There is no program {names[0]} in PATH. Install the database's client programs, or say "
        f"where it is: MANAGEMENT_COMMANDS['backup']['programs'] = {{{names[0]!r}: '/path'}}."
    )


def version_of(path: str) -> str:
    """Return the line that a program says about its version."""
    done = subprocess.run(  # noqa: S603  # a program that the site names
        [path, "--version"], capture_output=True, text=True, check=False, timeout=30
    )
    return done.stdout.strip() or "unknown"


def read_from(
    command: Sequence[str], environment: Mapping[str, str], sink: Callable[[memoryview], object]
) -> None:
    """
    Give ``sink`` what a program writes to its standard output; it may keep nothing that it got.

    Raises:
        BackupError: it failed; its own words are in the sentence.
    """
    with reading_from(command, environment) as pipe:
        # One buffer for all of it, filled before it goes on: dumps come in small pieces.
        buffer = memoryview(bytearray(_READ_BYTES))
        filled = 0
        while count := pipe.readinto(buffer[filled:]):
            filled += count
            if filled > _READ_BYTES // 2:
                sink(buffer[:filled])
                filled = 0
        sink(buffer[:filled])


@contextmanager
def reading_from(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[RawIOBase]:
    """
    Yield the standard output of a program, which has to be read to its end.

    Raises:
        BackupError: it failed; its own words are in the sentence.
    """
    with _running(command, environment, stdout=subprocess.PIPE) as process:
        # bufsize=0 makes it a raw file.
        pipe = cast(RawIOBase, process.stdout)
        _widen(pipe)
        yield pipe


def feed(command: Sequence[str], environment: Mapping[str, str], chunks: Iterable[bytes]) -> None:
    """
    Give a program's standard input what ``chunks`` yield.

    Raises:
        BackupError: it failed; its own words are in the sentence.
    """
    with _running(command, environment, stdin=subprocess.PIPE) as process:
        pipe = cast(IO[bytes], process.stdin)
        _widen(pipe)
        # Who does not listen any more has said why; that is what counts.
        rest = iter(chunks)
        with suppress(BrokenPipeError):
            for data in rest:
                _write_all(pipe, data)
        with suppress(BrokenPipeError):
            pipe.close()
        # What it did not want to have is still to be what was written.
        for _ in rest:
            pass


@contextmanager
def writing_to(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[Callable[[bytes | memoryview], None]]:
    """
    Yield what takes data for a program's standard input, which ends when the block has ended well.

    After an error in the block the program is asked to end, and never sees the end of its input:
    it would take what it has for all there is.

    Raises:
        BackupError: it failed; its own words are in the sentence.
    """
    with _running(command, environment, stdin=subprocess.PIPE, is_asked=True) as process:
        pipe = cast(IO[bytes], process.stdin)
        _widen(pipe)
        try:
            yield lambda data: _write_all(pipe, data)
        except BrokenPipeError:
            # It does not listen any more, and has said why; that is what counts.
            if process.wait() == 0:
                raise
            return
        with suppress(BrokenPipeError):
            pipe.close()


def finished(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    good: Container[int] = (0,),
    check: Callable[[], None] = lambda: None,
) -> Finished:
    """
    Run a program to its end and return what it wrote; ``check`` is called meanwhile, to stop.

    Raises:
        BackupError: its status is none of the ``good`` ones; its own words are in the sentence.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        with _running(
            command, environment, stdout=output, errors=errors, good=good, is_asked=True
        ) as process:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_EVERY_SECONDS)
                    break
                check()
        for file in (output, errors):
            file.seek(0)
        return Finished(process.returncode, output.read(), errors.read())


@contextmanager
def _running(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    errors: IO[bytes] | None = None,
    good: Container[int] = (0,),
    is_asked: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program and see it end well, or end it; one that ``is_asked`` may clean up first."""
    with ExitStack() as stack:
        if errors is None:
            errors = stack.enter_context(tempfile.TemporaryFile())
        process = subprocess.Popen(  # noqa: S603  # a program that the site names
            command,
            env={**os.environ, **environment},
            stdin=stdin,
            stdout=stdout,
            stderr=errors,
            bufsize=0,
        )
        try:
            yield process
        except BaseException:
            # Before its pipes are closed: the end of its input is no good end.
            _end(process, is_asked=is_asked)
            raise
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            process.wait()
        if process.returncode not in good:
            raise BackupError(_sentence(command[0], process.returncode, errors))


def _end(process: "subprocess.Popen[bytes]", *, is_asked: bool) -> None:
    if is_asked:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TO_CLEAN_UP_SECONDS)
            return
    process.kill()
    process.wait()


def _write_all(pipe: IO[bytes], data: bytes | memoryview) -> None:
    """Write to a raw pipe, which a signal may keep from taking all at once."""
    rest = memoryview(data)
    while rest:
        rest = rest[pipe.write(rest) :]


def _sentence(path: str, status: int, errors: IO[bytes]) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - _MOST_ERROR_BYTES))
    words = " ".join(mask_text(errors.read().decode(errors="replace")).split()).rstrip(".")
    how = f"status {status}" if status > 0 else f"signal {-status}"
    return f"{path} failed with {how}: {words or 'it did not say why'}."


def _widen(pipe: IO[bytes] | RawIOBase) -> None:
    """Let a pipe hold more, so that the two processes wait for each other less often."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _READ_BYTES)
