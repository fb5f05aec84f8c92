"""Checks that processes of the tests run."""

import os
import time
from pathlib import Path

from django_health_check_job.probes import Down


def fine() -> None:
    """Work."""


def slow() -> None:
    """Work, after a while."""
    time.sleep(0.3)


def hang() -> None:
    """Never end."""
    time.sleep(3600)


def depends_on(path: str) -> None:
    """Work while the file is there."""
    if not Path(path).exists():
        raise Down(f"{Path(path).name} is gone")


def leak(text: str) -> None:
    """Fail with a secret in the exception."""
    raise ValueError(text)


def exits() -> None:
    """End the process, if anybody lets it."""
    raise SystemExit(os.EX_SOFTWARE)
