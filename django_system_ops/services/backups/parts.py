"""What a backup is made of, given to whoever keeps it."""

import json
import os
import platform
import re
import socket
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import django
from django.db import connections

from django_system_ops.exceptions import BackupError
from django_system_ops.services.backups.configuration import configuration
from django_system_ops.services.backups.dumping import dumper_of
from django_system_ops.services.backups.manifests import DatabaseFacts, TenantFacts
from django_system_ops.services.backups.tenant_rows import TenantRows, tenant_named

__all__ = [
    "CONFIG",
    "ROWS",
    "Sink",
    "dump_database",
    "dump_name",
    "dump_rows",
    "missing_media",
    "site",
    "write_config",
]

#: What the files of these parts are called.
CONFIG, ROWS = "config.json", "rows.jsonl"

#: Takes some more of a part; it may keep nothing that it got.
Sink = Callable[[bytes | memoryview], object]


def dump_name(alias: str) -> str:
    """Return what the dump of a database is called."""
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", alias)
    return f"database.{safe}.{dumper_of(alias).extension}"


def dump_database(
    alias: str, sink: Sink, workspace: Path, check: Callable[[], None]
) -> DatabaseFacts:
    """
    Give the dump of a database to ``sink``, and return what is known of it.

    ``workspace`` is a private directory with room for what the dump needs beside it; ``check`` is
    called now and then, and raises to stop.

    Raises:
        BackupError: it could not be made whole, or there is nothing in it.
        DatabaseError: the database is away.
    """
    count = 0

    def take(data: bytes | memoryview) -> None:
        nonlocal count
        check()
        count += len(data)
        sink(data)

    facts = dumper_of(alias).dump(alias, take, workspace)
    if not count:
        raise BackupError(f"The dump of the database {alias!r} is empty.")
    return DatabaseFacts(
        alias=alias,
        vendor=connections[alias].vendor,
        name=facts.name,
        server_version=facts.server_version,
        tools=dict(facts.tools),
        rows=dict(facts.rows),
        rows_after=dict(facts.rows_after),
        migrations=list(facts.migrations),
        journal_mode=facts.journal_mode,
    )


def dump_rows(tenant: str, alias: str, sink: Sink) -> TenantFacts:
    """Give the rows of a tenant to ``sink``, as lines of JSON."""
    rows = TenantRows(tenant_named(tenant, using=alias), using=alias)
    counts = rows.write(sink)
    return TenantFacts(rows=counts, warnings=rows.warnings())


def write_config(sink: Sink) -> None:
    """Give the site's configuration to ``sink``, without its secrets."""
    sink(json.dumps(configuration(), indent=1).encode())


def missing_media(parent: str, files: int) -> list[str]:
    """Say that the media files are gone, such as when their disk is not mounted."""
    if not files:
        return []
    return [
        f"The directory of the media files is not there, and the backup {parent} has {files} of "
        "them."
    ]


def site() -> dict[str, str]:
    """Return where this is and by which versions."""
    try:
        own = version("django-opskit")
    except PackageNotFoundError:
        own = "unknown"
    return {
        "host": socket.gethostname(),
        "settings": os.environ.get("DJANGO_SETTINGS_MODULE", ""),
        "python": platform.python_version(),
        "django": django.get_version(),
        "django-opskit": own,
    }
