"""What the tests of health monitoring may ask for."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.dispatch import Signal

from django_health_check_job import signals


@pytest.fixture(autouse=True)
def health(settings: Any, tmp_path: Path) -> Callable[..., None]:
    """Change keys of HEALTH_CHECK_JOB; the spool is the test's own."""
    settings.HEALTH_CHECK_JOB = {"SPOOL_DIR": str(tmp_path / "spool")}

    def change(**keys: Any) -> None:
        settings.HEALTH_CHECK_JOB = {**settings.HEALTH_CHECK_JOB, **keys}

    return change


@pytest.fixture
def changes() -> Iterator[list[dict[str, Any]]]:
    """What `state_changed` has told, in order."""
    told: list[dict[str, Any]] = []

    def listen(signal: Signal, sender: Any, **facts: Any) -> None:
        told.append(facts)

    signals.state_changed.connect(listen)
    yield told
    signals.state_changed.disconnect(listen)


@pytest.fixture
def monitor_env(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Return the environment that gives a process of ours these settings."""

    def environment(*checks: Any, published: dict[str, Any] | None = None, **keys: Any) -> Any:
        job = {"SPOOL_DIR": str(tmp_path / "spool"), "CHECKS": list(checks), **keys}
        settings = {"PERSIST_HEALTH_CHECK_DATA": True, **(published or {}), "HEALTH_CHECK_JOB": job}
        return {"OPSKIT_HEALTH": json.dumps(settings)}

    return environment
