"""The demo's planning system: a second site with a database of its own, which owns the tasks."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from servers import HOST, MANAGE, ServersError

__all__ = ["Planner"]

TASKS = Path(__file__).resolve().parent / "planner_tasks.json"
START_SECONDS = 30


class Planner:
    """
    Serves the tasks of ``planner_tasks.json`` over HTTP for as long as the block lasts.

    Raises:
        ServersError: one of its commands failed; the sentence holds what it printed.
    """

    def __init__(self, port: int, *, database: Path) -> None:
        self.source = f"http://{HOST}:{port}/api/tasks/"
        self._address = f"{HOST}:{port}"
        self._environment = {**os.environ, "DJANGO_DB_PATH": str(database)}

    def __enter__(self) -> Self:
        self._manage("migrate", "--verbosity", "0")
        self._manage("loaddata", str(TASKS), "--verbosity", "0")
        self._server = subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, str(MANAGE), "runserver", self._address, "--noreload"],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
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

    def _manage(self, *args: str) -> None:
        done = subprocess.run(  # noqa: S603  # our own commands
            [sys.executable, str(MANAGE), *args],
            env=self._environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise ServersError(f"The planner's {args[0]} failed: {done.stderr.strip()}")

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
        raise ServersError(f"The planner did not answer at {self.source}.")

    def _end(self) -> None:
        self._server.terminate()
        self._server.wait()
