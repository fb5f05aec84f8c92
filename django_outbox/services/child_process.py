"""
A process of its own for handlers: it may crash, hang or be killed, and the worker goes on.

It is a new interpreter and no fork: threads, connections and locks of the worker are not in it.
"""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from typing import Any

from django_outbox.exceptions import HandlerProcessError, Snooze
from django_outbox.models import OutboxJob
from django_outbox.services.attempts import Failure, RemoteError
from django_outbox.services.calling import too_slow
from django_outbox.services.context import JobContext
from django_outbox.services.registry import Registration

__all__ = ["READY", "Answer", "HandlerProcess", "Order"]

#: The first word of a child: it has loaded the site.
READY = "ready"

# Ctrl-C and systemd's SIGTERM reach every process of the worker; the worker alone decides what
# they mean. Functions that do nothing, and not SIG_IGN, which a handler's own children inherit.
_BOOT = """
import json, signal, sys
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *received: None)
sys.path[:] = json.loads(sys.argv[1])
from django_outbox.services.child_main import main
main(int(sys.argv[2]))
"""

_END_SECONDS = 2.0


@dataclass(frozen=True)
class Order:
    """A job for a child, and its database."""

    job: OutboxJob
    using: str


@dataclass(frozen=True)
class Answer:
    """
    How a handler ended in a child.

    Attributes:
        value: what is kept of what it returned.
        is_settled: whether it has completed its job itself.
        snooze_seconds: how long the job shall wait, if the handler wants that.
        failure: what else it raised; None when it returned.
    """

    value: Any = None
    is_settled: bool = False
    snooze_seconds: float | None = None
    failure: Failure | None = None


# Far more than any site takes, and an end for one that hangs.
_LOAD_SECONDS = 120


class HandlerProcess:
    """A child that runs one job after the other; started by the first one, and after a death."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._link: Connection[Any, Any] | None = None
        self._is_ready = False

    def call(self, registration: Registration, context: JobContext) -> Any:
        """
        Run the handler in the child; return what is to be kept of what it returned.

        Raises:
            HandlerProcessError: the child died.
            HandlerTimeoutError: the handler took too long, and the child was killed.
            RemoteError: what the handler raised there.
        """
        process, link = self._started()
        context.ends_with(process.kill)
        try:
            # Loading the site does not count as the handler's time.
            self._is_ready = self._is_ready or self._has_loaded(process, link)
            link.send(Order(context.job, context.using))
            if not link.poll(registration.timeout_seconds):
                # Until it is gone: the next job must not be given to a dying child.
                process.kill()
                process.wait()
                raise too_slow(registration.timeout_seconds or 0.0)
            answer = link.recv()
        except (EOFError, OSError) as error:
            raise HandlerProcessError(self._obituary(process)) from error
        finally:
            context.ends_with(None)
        return _obey(answer, context)

    def end(self) -> None:
        """End the child: it leaves when nobody is at the other end of its link."""
        process, link = self._process, self._link
        if process is None or link is None:
            return
        self._process = self._link = None
        link.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _started(self) -> "tuple[subprocess.Popen[bytes], Connection[Any, Any]]":
        if self._process is not None and self._process.poll() is not None:
            self.end()
        if self._process is None or self._link is None:
            self._is_ready = False
            self._link, theirs = Pipe()
            try:
                self._process = subprocess.Popen(  # noqa: S603  # ourselves
                    [sys.executable, "-c", _BOOT, json.dumps(sys.path), str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                )
            finally:
                theirs.close()
        return self._process, self._link

    def _has_loaded(self, process: "subprocess.Popen[bytes]", link: "Connection[Any, Any]") -> bool:
        if not link.poll(_LOAD_SECONDS):
            process.kill()
            process.wait()
            raise HandlerProcessError(
                f"The handler's process had not loaded the site after {_LOAD_SECONDS} s and was "
                "killed."
            )
        return bool(link.recv() == READY)

    def _obituary(self, process: "subprocess.Popen[bytes]") -> str:
        try:
            status = process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            # It has closed its end, and lives: nothing will come from there.
            process.kill()
            status = process.wait()
        if status < 0:
            how = f"was killed by {signal.Signals(-status).name}"
        else:
            how = f"ended with exit status {status}"
        when = "before the handler returned" if self._is_ready else "while it loaded the site"
        return f"The handler's process {how} {when}."


def _obey(answer: Answer, context: JobContext) -> Any:
    if answer.snooze_seconds is not None:
        raise Snooze(answer.snooze_seconds)
    if answer.failure is not None:
        raise RemoteError(answer.failure)
    context.is_settled = answer.is_settled
    return answer.value
