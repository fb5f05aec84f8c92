"""The demo's processes, a web server, a worker and a monitor: started and stopped together."""

import socket
import subprocess
import sys
import time
from pathlib import Path

from django_opskit.stopping import on_stop_signals

__all__ = ["HOST", "Servers", "ServersError", "port_is_free"]

HOST = "127.0.0.1"
MANAGE = Path(__file__).resolve().parent / "manage.py"

# A worker lets running jobs finish for 30 seconds.
PATIENCE_SECONDS = 40


class ServersError(Exception):
    """A process did not start, or ended by itself; its own output says why."""


def port_is_free(port: int) -> bool:
    """Say whether a server could listen on ``port`` of this machine now."""
    with socket.socket() as listener:
        # As runserver does: a port that was left a moment ago counts as free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
        return True


class Servers:
    """``runserver``, ``worker_run`` and ``monitor`` beside each other."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.is_stopping = False
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def run(self) -> None:
        """
        Serve until SIGINT or SIGTERM, then stop all; a second signal kills them.

        Raises:
            ServersError: one of them ended by itself.
        """
        with on_stop_signals(self._stop, self._kill):
            try:
                self._start("runserver", f"{HOST}:{self.port}", "--noreload")
                self._start("worker_run")
                # It would print every round; the status page shows them too.
                self._start("monitor", "--verbosity", "0")
                while not self.is_stopping:
                    self._check()
                    time.sleep(0.2)
            finally:
                self._end()

    def _start(self, command: str, *args: str) -> None:
        # A session of its own: Ctrl-C in a terminal reaches every process of a group at once,
        # and the worker takes the signal that we send after it for the second, impatient one.
        self.children[command] = subprocess.Popen(  # noqa: S603  # our own commands
            [sys.executable, str(MANAGE), command, *args], start_new_session=True
        )

    def _check(self) -> None:
        for command, child in self.children.items():
            if child.poll() is not None:
                raise ServersError(f"{command} ended by itself with status {child.returncode}.")

    def _stop(self) -> None:
        self.is_stopping = True

    def _kill(self) -> None:
        for child in self.children.values():
            child.kill()

    def _end(self) -> None:
        for child in self.children.values():
            child.terminate()
        for child in self.children.values():
            try:
                child.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
