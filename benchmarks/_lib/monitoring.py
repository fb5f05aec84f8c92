"""A site with one of our apps alone, and checks for the health monitor."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings

if TYPE_CHECKING:
    from django_health_check_job.probes.spec import CheckSpec

__all__ = ["configure", "sleeping", "sqlite_in"]


def sqlite_in(folder: Path) -> dict[str, Any]:
    """Return a database in a folder, as Django's settings write it."""
    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": folder / "db.sqlite3",
        "OPTIONS": {"init_command": pragmas},
    }


def configure(
    database: Mapping[str, Any],
    folder: Path,
    *,
    app: str = "django_health_check_job",
    **more: Any,
) -> None:
    """Make the site on a database, with its spool in ``folder``, and migrate it."""
    apps = ["auth", "contenttypes", "admin", "messages", "sessions"]
    settings.configure(
        **{
            "DATABASES": {"default": dict(database)},
            "INSTALLED_APPS": [
                *(f"django.contrib.{name}" for name in apps),
                app,
            ],
            "PERSIST_HEALTH_CHECK_DATA": True,
            "HEALTH_CHECK_JOB": {"SPOOL_DIR": str(folder / "spool")},
            "USE_TZ": True,
            "SECRET_KEY": "benchmark",
            **more,
        }
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def sleeping(
    name: str, seconds: float, *, interval_seconds: float = 1.0, timeout_seconds: float = 5.0
) -> "CheckSpec":
    """Return a check that sleeps, as others wait for a server."""
    from django_health_check_job.engine.standing import Thresholds
    from django_health_check_job.probes.function import FunctionProbe
    from django_health_check_job.probes.spec import CheckSpec

    def sleep() -> None:
        time.sleep(seconds)

    return CheckSpec(
        name=name,
        slug=name,
        critical=False,
        interval_seconds=interval_seconds,
        timeout_seconds=timeout_seconds,
        thresholds=Thresholds(),
        make=lambda: FunctionProbe(sleep),
    )
