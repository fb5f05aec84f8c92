"""What the tests of the ground floor may ask for."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import load_command_class

from django_opskit.signals import command_finished, command_started
from tests.processes import Processes, environment


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Starts commands that need no database in real processes; none outlives the test."""
    # Buffered, as in a pipe of production: what must come at once has to be flushed.
    started = Processes({**environment(), "PYTHONUNBUFFERED": ""})
    yield started
    started.end()


@pytest.fixture
def from_command_line() -> Callable[..., int]:
    """Run a command of these tests as `manage.py` does, in this process; return its status."""

    def run(name: str, *args: str) -> int:
        command = load_command_class("tests.opskit", name)
        try:
            command.run_from_argv(["manage.py", name, *args])
        except SystemExit as stop:
            return int(stop.code or 0)
        return 0

    return run


class Recorder:
    """What the two signals carried."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.finished: list[dict[str, Any]] = []

    def on_started(self, **facts: Any) -> None:
        self.started.append(facts)

    def on_finished(self, **facts: Any) -> None:
        self.finished.append(facts)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Record the signals of every command that runs during the test."""
    recorder = Recorder()
    command_started.connect(recorder.on_started)
    command_finished.connect(recorder.on_finished)
    yield recorder
    command_started.disconnect(recorder.on_started)
    command_finished.disconnect(recorder.on_finished)
