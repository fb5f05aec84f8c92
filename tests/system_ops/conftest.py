"""What the tests of django_system_ops share."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, settings: Any) -> Path:
    """Give each test directories of its own."""
    settings.MANAGEMENT_COMMANDS = {
        **settings.MANAGEMENT_COMMANDS,
        "backup": {"directory": str(tmp_path / "backups")},
        "state_directory": str(tmp_path / "state"),
    }
    return tmp_path


@pytest.fixture
def configure(settings: Any) -> Callable[..., None]:
    """Set keys of sections: `configure(backup={"encryption": False})`."""

    def set_keys(**sections: Any) -> None:
        found = dict(settings.MANAGEMENT_COMMANDS)
        for name, value in sections.items():
            both = isinstance(value, dict) and isinstance(found.get(name), dict)
            found[name] = {**found[name], **value} if both else value
        settings.MANAGEMENT_COMMANDS = found

    return set_keys


@pytest.fixture
def ops_env(process_env: dict[str, str], settings: Any) -> dict[str, str]:
    """The environment in which another process has this test's database and settings."""
    own = json.dumps(settings.MANAGEMENT_COMMANDS, default=str)
    # These run in the site's folder, where coverage would know the files by other names.
    env = {name: value for name, value in process_env.items() if not name.startswith("COVERAGE_")}
    return {**env, "OPSKIT_SYSTEM_OPS": own}


@pytest.fixture
def run_python(
    process_env: dict[str, str], settings: Any
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `python -c <source> <args>` with this test's database; killed after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(source: str, *args: str, locks: str = "session") -> subprocess.Popen[str]:
        own = {**settings.MANAGEMENT_COMMANDS, "locks": {"kind": locks}}
        process = subprocess.Popen(
            [sys.executable, "-c", source, *args],
            cwd=ROOT,
            env={
                **process_env,
                "OPSKIT_SYSTEM_OPS": json.dumps(own, default=str),
                "OPSKIT_MEDIA_ROOT": str(settings.MEDIA_ROOT),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        with process:
            pass
