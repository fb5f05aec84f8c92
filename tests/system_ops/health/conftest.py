"""What the tests of health_check share."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_system_ops.services.health import CheckResult, check_health
from django_system_ops.services.health.running import unfinished
from tests.system_ops.health import callables
from tests.system_ops.health.servers import ApiServer, api_server


@pytest.fixture
def api() -> Iterator[ApiServer]:
    """An HTTP server of others."""
    with api_server() as server:
        yield server


@pytest.fixture
def hanging() -> Iterator[None]:
    """Lets `callables.hang` hang until the test is over, and then end."""
    callables.RELEASE.clear()
    yield
    callables.RELEASE.set()
    # The next test may have a service of the same name.
    deadline = time.monotonic() + 10
    while unfinished() and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.fixture
def asked(configure: Callable[..., None]) -> Callable[..., CheckResult]:
    """Ask one service, with these keys in its section of the settings."""

    def ask(service: str, *, timeout_seconds: float | None = None, **health: Any) -> CheckResult:
        configure(health=health)
        (result,) = check_health([service], timeout_seconds=timeout_seconds).results
        return result

    return ask
