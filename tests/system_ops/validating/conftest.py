"""What the tests of validate_system share: rows that nothing would let in, and what was said."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.models import ForeignKey

from tests.system_ops.shop.models import Chat, Tenant

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)

_OFF = {
    "sqlite": "PRAGMA foreign_keys = OFF",
    "postgresql": "SET session_replication_role = replica",
    "mysql": "SET FOREIGN_KEY_CHECKS = 0",
}
_ON = {
    "sqlite": "PRAGMA foreign_keys = ON",
    "postgresql": "SET session_replication_role = DEFAULT",
    "mysql": "SET FOREIGN_KEY_CHECKS = 1",
}


@contextmanager
def unwatched() -> Iterator[None]:
    """Let rows in that refer to nothing, as a restore with constraints switched off does."""
    execute(_OFF[connection.vendor])
    try:
        yield
    finally:
        execute(_ON[connection.vendor])


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def a_chat(**fields: Any) -> Chat:
    tenant = Tenant.objects.get_or_create(name="demo")[0]
    return Chat.objects.create(**{"tenant": tenant, "title": "t", "updated_at": NOON, **fields})


def column(model: Any, field: str) -> str:
    found = model._meta.get_field(field)
    assert isinstance(found, ForeignKey)
    return found.column


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

    def check(self, name: str) -> dict[str, Any]:
        (found,) = [one for one in self.document["checks"] if one["check"] == name]
        assert isinstance(found, dict)
        return found


@pytest.fixture
def validate() -> Callable[..., Said]:
    """Run validate_system in this process: `validate("--check", "files")`."""

    def run(*args: str) -> Said:
        out = StringIO()
        try:
            call_command("validate_system", *args, stdout=out, stderr=StringIO())
        except CommandError as error:
            return Said(error.returncode, out.getvalue(), str(error))
        return Said(0, out.getvalue(), "")

    return run
