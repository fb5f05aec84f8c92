"""What the tests of optimize_database share: runs, and somebody who is in the way."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from django_opskit.own_connections import close_own, own_connection


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def quoted(name: str) -> str:
    return str(connection.ops.quote_name(name))


@dataclass
class Said:
    """What a run of the command said, and its exit status."""

    status: int
    text: str
    error: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    def findings(self, kind: str) -> dict[str, dict[str, Any]]:
        those = [one for one in self.document["findings"] if one["kind"] == kind]
        return {one["object"]: one for one in those}

    @property
    def done(self) -> dict[str, str]:
        """The statements, and what was wrong with each."""
        return {one["sql"]: one["error"] for one in self.document["done"]}


@pytest.fixture
def optimize() -> Callable[..., Said]:
    """Run optimize_database in this process: `optimize("--analyze", "--json")`."""

    def run(*args: str) -> Said:
        out = StringIO()
        try:
            call_command("optimize_database", *args, stdout=out, stderr=StringIO())
        except CommandError as error:
            return Said(error.returncode, out.getvalue(), str(error))
        return Said(0, out.getvalue(), "")

    return run


@pytest.fixture
def other() -> Iterator[BaseDatabaseWrapper]:
    """A second session on the test database, in a transaction as soon as it says something."""
    session = own_connection("default")
    session.set_autocommit(False)
    yield session
    close_own(session)


def say(session: BaseDatabaseWrapper, sql: str) -> None:
    with session.cursor() as cursor:
        cursor.execute(sql)
