"""The demo's planning system: a second site with a database of its own, which owns the tasks."""

import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from servers import HOST, MANAGE, ServersError

__all__ = ["Planner"]

TASKS = Path(__file__).resolve().parent / "planner_tasks.json"
START_SECONDS = 120


class Planner:
    """
    Serves the tasks of ``planner_tasks.json`` over HTTP for as long as the block lasts.

    Its database is made for that time, in memory.

    Raises:
        ServersError: it did not come up; the sentence holds what it printed.
    """

    def __init__(self, port: int) -> None:
        self.source = f"http://{HOST}:{port}/api/tasks/"
        self._address = f"{HOST}:{port}"

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile("w+")
        options = ["--addrport", self._address, "--noinput", "--verbosity", "0"]
        self._server = subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, str(MANAGE), "testserver", str(TASKS), *options],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._server.poll() is None and time.monotonic() < deadline:
            try:
                urllib.request.urlopen(self.source, timeout=5).close()  # noqa: S310  # http, ours
            except urllib.error.HTTPError as refusal:
                refusal.close()  # it asks who we are, so it is there
                return
            except OSError:
                time.sleep(0.1)
        self._log.seek(0)
        said = self._log.read().strip()
        raise ServersError(f"The planner did not answer at {self.source}. {said}".rstrip())

    def _end(self) -> None:
        self._server.terminate()
        self._server.wait()
        self._log.close()
