"""System checks of django_outbox."""

import os
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.db import connections, router

from django_opskit.conf import settings_check
from django_outbox.backends import SUPPORTED_VENDORS
from django_outbox.conf import OutboxSettings
from django_outbox.models import OutboxJob

__all__ = ["check_databases", "check_platform", "check_settings"]

#: E001 to E003: the setting ``OUTBOX``.
check_settings = settings_check(OutboxSettings, "django_outbox")


def check_platform(**kwargs: object) -> list[CheckMessage]:
    """Say where the worker is not supported and where its clock would be wrong."""
    found: list[CheckMessage] = []
    if os.name != "posix":
        found.append(
            CheckWarning(
                f"The outbox worker needs POSIX signals; this platform is {os.name!r}.",
                hint="Enqueue here, and run worker_run on Linux or macOS.",
                id="django_outbox.W001",
            )
        )
    if not settings.USE_TZ:
        found.append(
            Error(
                "django_outbox needs USE_TZ = True, got False.",
                hint="Due times are compared with the database server's clock, in UTC.",
                id="django_outbox.E004",
            )
        )
    return found


def check_databases(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that each database that holds the table is one that the outbox works on."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        if not router.allow_migrate_model(alias, OutboxJob):
            continue
        if connection.vendor not in SUPPORTED_VENDORS:
            found.append(
                Error(
                    f"Database {alias!r} is {connection.vendor!r}, on which the outbox does not "
                    "work.",
                    hint="Use PostgreSQL, SQLite, MariaDB or MySQL, or route OutboxJob elsewhere.",
                    id="django_outbox.E005",
                )
            )
        elif connection.settings_dict.get("TIME_ZONE") not in (None, "UTC"):
            found.append(
                Error(
                    f"Database {alias!r} has TIME_ZONE "
                    f"{connection.settings_dict['TIME_ZONE']!r}; the outbox needs UTC.",
                    hint="Leave TIME_ZONE out of DATABASES, or route OutboxJob elsewhere.",
                    id="django_outbox.E006",
                )
            )
        elif not connection.settings_dict.get("AUTOCOMMIT", True):
            found.append(
                Error(
                    f"Database {alias!r} has AUTOCOMMIT = False: no worker would see a job, nor "
                    "what another has done with it.",
                    hint="Leave AUTOCOMMIT out of DATABASES, or route OutboxJob elsewhere.",
                    id="django_outbox.E010",
                )
            )
    return found
