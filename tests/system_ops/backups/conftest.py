"""A site with a database of its own, which a test may swap, damage and kill."""

import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from django_opskit.own_connections import own_connection
from django_system_ops.engine.backup_names import before_name, restored_name
from django_system_ops.sealing import Key, new_key, write_key_file
from tests import processes
from tests.system_ops.backups.sites import (
    Rows,
    create_database,
    database_names,
    drop_database,
    fill,
    make_tables,
    rows_of,
)

ALIAS = "live"


@dataclass(frozen=True)
class Site:
    """A database under an alias of this process, with rows of every kind in it."""

    alias: str
    name: str
    backups: Path

    @property
    def rows(self) -> Rows:
        """Return all that is in it."""
        return rows_of(connections[self.alias])

    def rows_in(self, name: str) -> Rows:
        """Return all that is in another database of the same server, or in another file."""
        connection = own_connection(self.alias)
        connection.settings_dict["NAME"] = name
        try:
            return rows_of(connection)
        finally:
            connection.close()

    def databases(self) -> list[str]:
        """Return the names of all that was made of this database."""
        if connections[self.alias].vendor == "sqlite":
            files = Path(self.name).parent.iterdir()
            return sorted(one.name for one in files if not one.name.endswith(("-wal", "-shm")))
        # Others that run tests on this server restore as well.
        scratch = {restored_name(one.name) for one in self.backups.glob("*")}
        return sorted(
            one for one in database_names() if one.startswith(self.name) or one in scratch
        )


@pytest.fixture
def live(
    tmp_path: Path,
    configure: Callable[..., None],
    own_database: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Site]:
    """A filled database, under the alias "live"; it needs no other one, and has the locks too."""
    if django_settings.DATABASE == "sqlite":
        (tmp_path / "live").mkdir()
        name = str(tmp_path / "live" / "site.sqlite3")
    else:
        name = f"test_backups_{os.getpid()}"
    connections.settings[ALIAS] = {**connections.settings["default"], "NAME": name}
    configure(locks={"database": ALIAS})
    site = Site(ALIAS, name, tmp_path / "backups")
    # Django's own watch over a test's databases knows those of the settings.
    with django_db_blocker.unblock():
        before = set(site.databases())
        try:
            if django_settings.DATABASE != "sqlite":
                create_database(name)
            make_tables(ALIAS)
            fill(ALIAS)
            yield site
        finally:
            connections[ALIAS].close()
            if django_settings.DATABASE != "sqlite":
                for one in {*site.databases()} - before:
                    drop_database(one)
            del connections[ALIAS]
            del connections.settings[ALIAS]


@pytest.fixture
def key(tmp_path: Path, configure: Callable[..., None]) -> Key:
    """The site's key, whose file the settings name."""
    made = new_key()
    write_key_file(tmp_path / "backup.key", made)
    configure(backup={"key_file": str(tmp_path / "backup.key")})
    return made


@pytest.fixture
def media(tmp_path: Path, settings: Any) -> Path:
    """The site's media files."""
    root = tmp_path / "media"
    (root / "photos" / "2026").mkdir(parents=True)
    (root / "photos" / "2026" / "zażółć.jpg").write_bytes(bytes(range(256)) * 5000)
    (root / "photos" / "empty.txt").touch()
    (root / "photos" / "copy.jpg").write_bytes(bytes(range(256)) * 5000)
    (root / "letter.txt").write_text("Dear Ana")
    settings.MEDIA_ROOT = str(root)
    return root


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    """Where the backups are."""
    return tmp_path / "backups"


@pytest.fixture
def command(live: Site) -> Callable[..., Any]:
    """Run a command with --json and return its document: `command("backup_data", ...)`."""

    def run(name: str, *args: str, **options: Any) -> Any:
        stdout = io.StringIO()
        if name == "backup_data":
            options.setdefault("database", live.alias)
        try:
            call_command(name, *args, json=True, stdout=stdout, stderr=io.StringIO(), **options)
        finally:
            run.document = json.loads(stdout.getvalue() or "{}")  # type: ignore[attr-defined]
        return run.document  # type: ignore[attr-defined]

    return run


@pytest.fixture
def live_env(live: Site, settings: Any) -> dict[str, str]:
    """The environment in which another process has that database as its default one."""
    own = {**settings.MANAGEMENT_COMMANDS, "locks": {}}
    return {
        **processes.environment(),
        "OPSKIT_DB_NAME": live.name,
        "OPSKIT_SYSTEM_OPS": json.dumps(own, default=str),
    }


def before_of(site: Site, backup: str) -> str:
    """Return what the live database is called when a backup has taken its place."""
    vendor = connections[site.alias].vendor
    if vendor == "sqlite":
        return f"{site.name}.before-{backup}"
    return before_name(site.name, backup, 63 if vendor == "postgresql" else 64)


@pytest.fixture
def aside(live: Site, tmp_path: Path) -> Iterator[str]:
    """The name of a database that is not there yet."""
    if connections[live.alias].vendor == "sqlite":
        yield str(tmp_path / "aside.sqlite3")
        return
    yield f"{live.name}_aside"
    with suppress(Exception):
        drop_database(f"{live.name}_aside")
