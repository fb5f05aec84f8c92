"""Databases that exist for one contender: made at the beginning, dropped at the end."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks._lib.peers import MissingError
from tests.services import MARIADB, POSTGRESQL, Service

__all__ = ["PREFIX", "fresh_database", "server_settings", "settle"]

#: With the process in the name, two runs side by side do not meet.
PREFIX = f"opskit_bench_{os.getpid()}_"

#: As docs/howto/choose-a-database.md has it; ``synchronous`` is FULL or NORMAL.
SQLITE_SYNCHRONOUS = "NORMAL"
_PRAGMAS = f"PRAGMA journal_mode=WAL; PRAGMA synchronous={SQLITE_SYNCHRONOUS};"


@contextmanager
def fresh_database(vendor: str, name: str) -> Iterator[dict[str, Any]]:
    """
    Yield a new database as Django's settings write it, and drop it in the end.

    ``vendor`` is postgresql, mysql (that is MariaDB here) or sqlite. For any other an empty
    dictionary is yielded: brokers have no database.

    Raises:
        MissingError: the server does not answer, or its client library is not installed.
    """
    makers = {"postgresql": _postgresql, "mysql": _mariadb, "sqlite": _sqlite}
    if vendor in makers:
        with makers[vendor](f"{PREFIX}{name}") as settings:
            yield settings
    else:
        yield {}


def server_settings(vendor: str) -> dict[str, str]:
    """Return what the server's settings say about durability, and its version."""
    queries = {
        "postgresql": (
            _postgresql_cursor,
            "SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'fsync', "
            "'synchronous_commit', 'full_page_writes', 'shared_buffers') ORDER BY name",
        ),
        "mysql": (
            _mariadb_cursor,
            "SHOW VARIABLES WHERE Variable_name IN ('version', 'sync_binlog', 'log_bin', "
            "'innodb_flush_log_at_trx_commit', 'innodb_buffer_pool_size')",
        ),
    }
    if vendor == "sqlite":
        return {
            "version": sqlite3.sqlite_version,
            "journal_mode": "WAL",
            "synchronous": SQLITE_SYNCHRONOUS,
        }
    connect, query = queries[vendor]
    with connect() as execute:
        return {name: str(value) for name, value in execute(query)}


def settle(vendor: str) -> None:
    """Let the server write what it has to write: it shall not do so during a measurement."""
    if vendor == "postgresql":
        with _postgresql_cursor() as execute:
            execute("CHECKPOINT")


def _address(service: Service, engine: str, user: str, name: str) -> dict[str, Any]:
    return {
        "ENGINE": engine,
        "NAME": name,
        "HOST": service.host,
        "PORT": service.port,
        "USER": service.setting("USER", user),
        "PASSWORD": service.setting("PASSWORD", ""),
    }


_Execute = Callable[[str], list[tuple[Any, ...]]]


@contextmanager
def _postgresql_cursor() -> Iterator[_Execute]:
    try:
        import psycopg
    except ImportError as error:
        raise MissingError("psycopg is not installed") from error
    settings = _address(POSTGRESQL, "", "postgres", "postgres")
    try:
        connection = psycopg.connect(
            host=settings["HOST"],
            port=settings["PORT"],
            user=settings["USER"],
            password=settings["PASSWORD"],
            dbname="postgres",
            autocommit=True,
        )
    except psycopg.OperationalError as error:
        raise MissingError(f"PostgreSQL does not answer: {error}") from error

    def execute(statement: str) -> list[tuple[Any, ...]]:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    with connection:
        yield execute


@contextmanager
def _mariadb_cursor() -> Iterator[_Execute]:
    try:
        import MySQLdb  # type: ignore[import-untyped]  # it has no types
    except ImportError as error:
        raise MissingError("mysqlclient is not installed") from error
    settings = _address(MARIADB, "", "root", "")
    try:
        connection = MySQLdb.connect(
            host=settings["HOST"],
            port=settings["PORT"],
            user=settings["USER"],
            password=settings["PASSWORD"],
        )
    except MySQLdb.OperationalError as error:
        raise MissingError(f"MariaDB does not answer: {error}") from error

    def execute(statement: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    try:
        yield execute
    finally:
        connection.close()


@contextmanager
def _postgresql(name: str) -> Iterator[dict[str, Any]]:
    with _postgresql_cursor() as execute:
        execute(f"CREATE DATABASE {name}")
        try:
            yield _address(POSTGRESQL, "django.db.backends.postgresql", "postgres", name)
        finally:
            execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _mariadb(name: str) -> Iterator[dict[str, Any]]:
    with _mariadb_cursor() as execute:
        execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            settings = _address(MARIADB, "django.db.backends.mysql", "root", name)
            yield {**settings, "OPTIONS": {"charset": "utf8mb4"}}
        finally:
            execute(f"DROP DATABASE {name}")


@contextmanager
def _sqlite(name: str) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="opskit-bench-") as folder:
        yield {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(Path(folder) / f"{name}.sqlite3"),
            "OPTIONS": {
                "init_command": _PRAGMAS,
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
            },
        }
