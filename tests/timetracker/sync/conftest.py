"""Servers, clients and clocks for the tests of the synchronisation."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.timetracker.sync.factories import TaskSourceFactory
from tests.timetracker.sync.servers import ScriptedServer
from timetracker.models import TaskSource
from timetracker.sync.caller import Timing
from timetracker.sync.client import TaskClient
from timetracker.sync.conf import SyncSettings
from timetracker.sync.report import SyncReport
from timetracker.sync.service import sync_tasks

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class FakeTime:
    """A clock on which only sleeping takes time."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        # What is left of pacing at a million requests a second is no wait.
        if seconds > 0.001:
            self.slept.append(round(seconds, 3))

    @property
    def timing(self) -> Timing:
        return Timing(
            sleep=self.sleep,
            monotonic=lambda: self.seconds,
            utcnow=lambda: NOON,
            chance=lambda: 0.0,
        )


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer().running() as running:
        yield running


@pytest.fixture
def other_server() -> Iterator[ScriptedServer]:
    """A server on another port, and so of another origin."""
    with ScriptedServer().running() as running:
        yield running


@pytest.fixture
def tls_server() -> Iterator[ScriptedServer]:
    with ScriptedServer(tls=True).running() as running:
        yield running


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def make_client(server: ScriptedServer, fake_time: FakeTime) -> Callable[..., TaskClient]:
    """Make a client of the scripted server; keywords are settings."""

    def make(url: str = "", **keys: Any) -> TaskClient:
        # Pacing has tests of its own; elsewhere its waits would hide the others.
        settings = {"MAX_REQUESTS_PER_SECOND": 1e6, **keys}
        return TaskClient(
            url or server.url, SyncSettings.model_validate(settings), timing=fake_time.timing
        )

    return make


@pytest.fixture
def sync(make_client: Callable[..., TaskClient]) -> Callable[..., SyncReport]:
    """Synchronise with the scripted server, half an hour after the last time."""
    moment = NOON

    def run(client: TaskClient | None = None, **options: Any) -> SyncReport:
        nonlocal moment
        moment += timedelta(minutes=30)
        return sync_tasks(client or make_client(), **{"now": moment, **options})

    return run


@pytest.fixture
def source(server: ScriptedServer, db: None) -> TaskSource:
    """The scripted server, as a source that was read before."""
    return TaskSourceFactory.create(url=server.url, cursor="2026-03-02T08:00:00Z", etag='"v1"')
