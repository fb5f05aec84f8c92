"""Workers in threads, and handlers for one test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_outbox.models import OutboxJob
from django_outbox.services.registry import Registration, registry
from tests.outbox.running import RunningWorker


@pytest.fixture
def start() -> Iterator[Callable[..., RunningWorker]]:
    """Starts workers in threads; none outlives the test."""
    started = []

    def start_worker(**options: Any) -> RunningWorker:
        started.append(RunningWorker(**options))
        return started[-1]

    yield start_worker
    for running in started:
        running.worker.stop_now()
        running.join()


@pytest.fixture
def handle(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., None]:
    """Register a handler for the time of one test."""

    def register(job_type: str, function: Callable[[OutboxJob], object], **options: Any) -> None:
        registry.discover()
        wanted = Registration(job_type, function, **options)
        monkeypatch.setitem(registry._handlers, job_type, wanted)

    return register
