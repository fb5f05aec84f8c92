"""One backend after the other."""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import ModuleType
from typing import Any

import pytest
from django.dispatch import Signal

from tests.tasks_conformance import jobs as jobs_module
from tests.tasks_conformance.adapters import ADAPTERS, Adapter

#: What a test asks of a backend by naming one of these fixtures; it runs on those that have it.
ABILITIES: dict[str, Callable[[Adapter], bool]] = {
    "deferred": lambda adapter: not adapter.runs_at_once,
    "running": lambda adapter: adapter.run is not None,
    "at_once": lambda adapter: adapter.runs_at_once,
    "shared_results": lambda adapter: adapter.shares_results,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test on every backend that has the abilities which it needs."""
    if "adapter" not in metafunc.fixturenames:
        return
    needed = [has for name, has in ABILITIES.items() if name in metafunc.fixturenames]
    metafunc.parametrize(
        "adapter",
        [_param(adapter) for adapter in ADAPTERS if all(has(adapter) for has in needed)],
        indirect=True,
    )


def _param(adapter: Adapter) -> Any:
    database = pytest.mark.django_db(transaction=adapter.needs_commits)
    return pytest.param(adapter, id=adapter.name, marks=database)


@pytest.fixture
def adapter(request: pytest.FixtureRequest, settings: Any) -> Adapter:
    """The backend under test, as the site's default."""
    chosen: Adapter = request.param
    settings.TASKS = chosen.settings()
    settings.OUTBOX = {"QUEUES": {"other": {}}}
    for mark in request.node.iter_markers("deviates"):
        if mark.args[0] == chosen.name:
            request.applymarker(pytest.mark.xfail(reason=mark.args[1], strict=True))
    return chosen


@pytest.fixture
def deferred(adapter: Adapter) -> Adapter:
    """A backend that keeps what is enqueued for later."""
    return adapter


@pytest.fixture
def running(adapter: Adapter) -> Adapter:
    """A backend that runs tasks at all."""
    return adapter


@pytest.fixture
def at_once(adapter: Adapter) -> Adapter:
    """A backend that runs tasks in enqueue()."""
    return adapter


@pytest.fixture
def shared_results(adapter: Adapter) -> Adapter:
    """A backend whose results can be read from anywhere."""
    return adapter


@pytest.fixture
def jobs(adapter: Adapter) -> ModuleType:
    """The tasks, declared for the backend under test."""
    return importlib.reload(jobs_module)


@pytest.fixture
def hear() -> Iterator[Callable[[Signal], list[dict[str, Any]]]]:
    """Note what the receivers of a signal are given, and the exception of that moment."""
    with ExitStack() as until_the_end:

        def listen(signal: Signal) -> list[dict[str, Any]]:
            heard: list[dict[str, Any]] = []

            def receive(sender: type, task_result: Any, **kwargs: Any) -> None:
                heard.append(
                    {
                        "sender": sender,
                        "id": task_result.id,
                        "status": str(task_result.status),
                        "attempts": task_result.attempts,
                        "is_started": task_result.started_at is not None,
                        "is_finished": task_result.finished_at is not None,
                        "error": sys.exc_info()[0],
                    }
                )

            signal.connect(receive, weak=False)
            until_the_end.callback(signal.disconnect, receive)
            return heard

        yield listen
