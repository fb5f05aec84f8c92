"""A command that is busy until somebody stops it."""

import queue
import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from django_opskit.commands import OpsCommand
from django_opskit.stopping import on_stop_signals


class Command(OpsCommand):
    """Wait: in one go, or with --loop as a worker does."""

    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--loop", action="store_true")
        parser.add_argument("--slow-end", action="store_true")
        parser.add_argument("--ready", type=Path, help="A file that appears when it waits.")

    def handle(
        self,
        *,
        loop: bool = False,
        slow_end: bool = False,
        ready: Path | None = None,
        **options: Any,
    ) -> None:
        if loop:
            self._loop()
            return
        try:
            self.say("waiting")
            if ready:
                ready.touch()
            time.sleep(60)
        finally:
            self.say("unwinding")
            time.sleep(60 if slow_end else 0)

    def _loop(self) -> None:
        heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        with on_stop_signals(lambda: heard.put("first"), lambda: heard.put("second")):
            self.result({"event": "started"}, "waiting")
            for _ in range(2):
                word = heard.get(timeout=60)
                self.result({"event": word}, word)
