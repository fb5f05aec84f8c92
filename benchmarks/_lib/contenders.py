"""Contenders: what each is, the program that drives it, and its workers."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmarks._lib.databases import fresh_database, settle
from benchmarks._lib.peers import MissingError, Peer
from benchmarks.programs.protocol import LINE_BYTES

__all__ = ["Contender", "Driver", "Worker", "driven"]

ROOT = Path(__file__).resolve().parent.parent.parent
_PATIENCE_SECONDS = 120.0
# Someone who pressed Ctrl-C in the middle of ten million rows does not want to wait for them.
_FAREWELL_SECONDS = 15.0


@dataclass(frozen=True)
class Contender:
    """
    Something that is measured.

    Attributes:
        name: as it stands in the tables.
        program: the module of :mod:`benchmarks.programs`.
        server: postgresql, mysql, sqlite, redis or rabbitmq: where the jobs are stored.
        peer: whose environment runs it; None for this interpreter.
        options: of the program.
        jobs: how many make a measurement of about a second.
    """

    name: str
    program: str
    server: str = "postgresql"
    peer: Peer | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    jobs: int = 10_000


class Driver:
    """A contender's program that stores jobs and answers; see ``benchmarks.programs.protocol``."""

    def __init__(self, contender: Contender, database: Mapping[str, Any], folder: Path) -> None:
        self.contender = contender
        self.database = database
        self.log = folder / "log"
        self.log.touch()
        self._errors = (folder / "errors").open("w+b")
        self._workers: list[Worker] = []
        python = contender.peer.python() if contender.peer else Path(sys.executable)
        self._command = [str(python), "-m", f"benchmarks.programs.{contender.program}"]
        self._env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("DJANGO_")},
            "PYTHONPATH": str(ROOT),
            "BENCH_DATABASE": json.dumps(database),
            "BENCH_OPTIONS": json.dumps(dict(contender.options)),
            "BENCH_LOG": str(self.log),
        }
        self._process = subprocess.Popen(
            [*self._command, "drive"],
            cwd=ROOT,
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            # Ctrl-C is for the script, which then lets this program clean up.
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def conninfo(self) -> str:
        """The database on PostgreSQL, in libpq's words."""
        names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password"}
        words = {name: self.database[key] for key, name in {**names, "NAME": "dbname"}.items()}
        return " ".join(f"{name}='{value}'" for name, value in words.items())

    @property
    def is_alive(self) -> bool:
        """Whether the program runs."""
        return self._process.poll() is None

    def ask(self, action: str, *arguments: object) -> Any:
        """
        Let the program do something and return its answer.

        Raises:
            MissingError: it failed; the message is the last line of what it complained.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps([action, *arguments]) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise MissingError(f"{action} failed: {self.complaint()}")
        return json.loads(line)

    def work(self) -> "Worker":
        """Start a worker."""
        worker = Worker([*self._command, "work"], self._env, self._errors.fileno())
        self._workers = [one for one in self._workers if one.is_alive] + [worker]
        return worker

    def complaint(self) -> str:
        """Return the last thing that the program or a worker complained about."""
        self._errors.flush()
        lines = Path(self._errors.name).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no word said"

    def forget(self) -> None:
        """Empty the log and the table; no worker may run."""
        self.ask("reset")
        settle(self.contender.server)
        os.truncate(self.log, 0)

    def begun(self) -> int:
        """Return how many jobs have begun."""
        return self.log.stat().st_size // LINE_BYTES

    def notes(self) -> list[tuple[int, float]]:
        """Return the jobs that have begun, each with the second of the machine's clock."""
        rows = (line.split() for line in self.log.read_bytes().splitlines())
        return [(int(number), int(moment_ns) / 1e9) for number, moment_ns in rows]

    def wait_for(self, count: int, seconds: float = _PATIENCE_SECONDS) -> None:
        """
        Wait until ``count`` jobs have begun.

        Raises:
            MissingError: that took too long, or no worker is left.
        """
        deadline = time.monotonic() + seconds
        while self.begun() < count:
            is_hopeless = not any(worker.is_alive for worker in self._workers)
            if is_hopeless or time.monotonic() > deadline:
                raise MissingError(
                    f"{self.begun()} of {count} jobs had begun when "
                    f"{'its worker ended' if is_hopeless else 'the time was over'}: "
                    f"{self.complaint()}"
                )
            time.sleep(0.002)

    def end(self) -> None:
        """Let the program clean up and leave."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(["clean"]) + "\n")
        try:
            self._process.communicate(timeout=_FAREWELL_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._errors.close()


class Worker:
    """A worker in a session of its own, so that all its processes get what it gets."""

    def __init__(self, command: list[str], env: Mapping[str, str], errors: int) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process that was started; it may have children."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def freeze(self) -> None:
        """Let it run no further."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut does, children and all."""
        self._signal(signal.SIGKILL)
        self._process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


@contextmanager
def driven(contender: Contender) -> Iterator[Driver]:
    """
    Yield a contender that is ready, with a database of its own.

    Raises:
        MissingError: it cannot be had; the message says why.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="opskit-bench-")))
        name = "".join(char if char.isalnum() else "_" for char in contender.name.lower())
        database = stack.enter_context(fresh_database(contender.server, name[:30]))
        driver = Driver(contender, database, folder)
        stack.callback(driver.end)
        driver.ask("prepare")
        yield driver
