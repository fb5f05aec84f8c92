"""Databases for drills: their tables, rows of every kind, and all that is in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model

from django_opskit.own_connections import own_connection
from django_system_ops.models import CommandLock
from tests.system_ops.shop import models as shop

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
TEXTS = [
    "zażółć gęślą jaźń",
    "多字节 🦊 \U0001f9d1‍\U0001f680",
    "quote ' double \" back \\ slash \\n percent % -- ; /* */",
    "tab\tline\nbreak\r\nend",
    "",
    "x" * 5000,
]
BLOBS = [b"", bytes(range(256)), b"\0" * 100, b"\\x27'\";\n\r\x1a\xff\xfe"]
PAYLOADS: list[Any] = [
    {},
    {"a": [1, 2.5, None, True], "ü": {"nested": "\u2028 \\ \" '"}},
    [],
    "text",
    12345678901234567890,
]

Rows = dict[str, list[tuple[Any, ...]]]


def make_tables(alias: str) -> None:
    """Make the tables of the shop, those that they point to, and that of the migrations."""
    connection = connections[alias]
    with connection.schema_editor() as editor:
        models: list[type[Model]] = [ContentType, CommandLock]
        for model in (*models, *apps.get_app_config("shop").get_models()):
            editor.create_model(model)
    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('shop', '0001_initial', '2026-03-14 12:00:00')"
        )


def fill(alias: str, *, events: int = 0) -> None:
    """Write rows with everything in them that a dump may get wrong."""
    kind = ContentType.objects.using(alias).create(app_label="shop", model="chat")
    tenants = [shop.Tenant.objects.using(alias).create(name=name) for name in ("acme", "Ćma")]
    for number, text in enumerate(TEXTS):
        tenant = tenants[number % 2]
        chat = shop.Chat.objects.using(alias).create(
            tenant=tenant, title=text[:200], updated_at=NOON
        )
        chat.tags.add(shop.Tag.objects.using(alias).create(name=f"tag {number} {text[:20]}"))
        first = shop.Message.objects.using(alias).create(chat=chat, text=text)
        answer = shop.Message.objects.using(alias).create(chat=chat, reply_to=first, text="re")
        shop.Attachment.objects.using(alias).create(message=answer, file=f"a/{number}.txt")
        shop.Note.objects.using(alias).create(chat=chat if number else None, text=text)
        amount = Decimal("99999999.99") if number else Decimal("0.01")
        shop.Invoice.objects.using(alias).create(chat=chat, amount=amount)
        shop.Comment.objects.using(alias).create(content_type=kind, object_id=chat.pk, text=text)
    shop.Event.objects.using(alias).bulk_create(
        shop.Event(name=f"e{n}", created_at=NOON, payload=payload, blob=BLOBS[n % len(BLOBS)])
        for n, payload in enumerate(PAYLOADS)
    )
    shop.Event.objects.using(alias).bulk_create(
        (
            shop.Event(name=f"more {n}", created_at=NOON, payload={"n": n}, blob=bytes([n % 256]))
            for n in range(events)
        ),
        batch_size=2000,
    )


def rows_of(connection: Any) -> Rows:
    """Return every row of every table, as the driver gives them."""
    found: Rows = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} ORDER BY 1")
            found[table] = [tuple(row) for row in cursor.fetchall()]
    # Whoever holds the lock of the command writes there meanwhile.
    found.pop(CommandLock._meta.db_table, None)
    return found


def create_database(name: str) -> None:
    """Make a database on the server of the tests."""
    with _server() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")


def drop_database(name: str) -> None:
    """Drop a database of the server of the tests, whoever is connected to it."""
    with _server() as cursor:
        force = " WITH (FORCE)" if connections["default"].vendor == "postgresql" else ""
        cursor.execute(f"DROP DATABASE IF EXISTS {name}{force}")


def database_names() -> list[str]:
    """Return the databases that the server of the tests has."""
    ask = {
        "postgresql": "SELECT datname FROM pg_database",
        "mysql": "SELECT schema_name FROM information_schema.schemata",
    }
    with _server() as cursor:
        cursor.execute(ask[connections["default"].vendor])
        return [str(row[0]) for row in cursor.fetchall()]


@contextmanager
def _server() -> Iterator[Any]:
    connection = own_connection("default")
    connection.settings_dict["NAME"] = "postgres" if connection.vendor == "postgresql" else ""
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()
