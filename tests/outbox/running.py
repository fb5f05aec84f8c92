"""A worker in a thread of the test, and ways to wait for what it does."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest
from django.db import connections

from django_outbox.models import OutboxJob
from django_outbox.services.setup import worker_options
from django_outbox.services.worker import Worker, WorkerReport

needs_prometheus = pytest.mark.skipif(
    not find_spec("prometheus_client"), reason="the extra `metrics` is not installed"
)


class RunningWorker:
    """A worker on a thread of its own; ``error`` is what ended it, if anything did."""

    def __init__(self, *, on_settled: Callable[..., None] | None = None, **options: Any) -> None:
        checked = worker_options(**{"poll_seconds": 0.05, **options})
        self.worker = Worker(checked, on_settled=on_settled)
        self.report: WorkerReport | None = None
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.report = self.worker.run()
        except Exception as error:  # noqa: BLE001  # whatever it is, the test shall see it
            self.error = error
        finally:
            connections.close_all()

    def stop(self) -> WorkerReport | None:
        self.worker.stop()
        return self.join()

    def join(self) -> WorkerReport | None:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.report


def wait_for(condition: Callable[[], object], seconds: float = 150) -> None:
    """Return when the condition holds; fail when it does not come to that."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def statuses() -> dict[str, int]:
    """Return how many jobs have which status."""
    return dict(Counter(OutboxJob.objects.values_list("status", flat=True)))


def in_thread(function: Callable[[], object]) -> threading.Thread:
    """Start ``function`` in a thread with connections of its own, closed at its end."""

    def run() -> None:
        try:
            function()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
