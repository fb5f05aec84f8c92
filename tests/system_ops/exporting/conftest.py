"""What the tests of exports share: types over the shop, rows, and the command."""

import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from django_system_ops.formats import Row, format_of, read_rows
from tests.system_ops.shop.fields import Colour
from tests.system_ops.shop.models import Chat, Message, Specimen, Tag, Tenant

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
CHATS = {"model": "shop.Chat", "tenant": "tenant", "date_field": "updated_at", "key": ["title"]}
MESSAGES = {"model": "shop.Message", "tenant": "chat__tenant"}
TAGS = {"model": "shop.Tag", "shared": True}
SPECIMENS = {
    "model": "shop.Specimen",
    "tenant": "tenant",
    "date_field": "at",
    "secret_fields": ["secret"],
}


@pytest.fixture(autouse=True)
def types(configure: Callable[..., None], own_folders: Path) -> Callable[..., None]:
    """Chats, messages and tags are data; a test may say what else, or in their place."""

    def set_types(**found: Any) -> None:
        configure(
            data={"types": found},
            tenants={"model": "shop.Tenant"},
            export={"directory": str(own_folders / "exports")},
        )

    set_types(chats=CHATS, messages=MESSAGES, tags=TAGS)
    return set_types


def export(*args: Any, status: int = 0, **options: Any) -> dict[str, Any]:
    """Run the command with --json, which ends with a status; return its document."""
    output = io.StringIO()
    ended, sentence = 0, ""
    try:
        call_command("export_data", *args, json=True, stdout=output, **options)
    except CommandError as error:
        ended, sentence = error.returncode, str(error)
    assert ended == status, sentence
    return {**json.loads(output.getvalue() or "{}"), "sentence": sentence}


def said(*args: Any, **options: Any) -> str:
    """Run the command; return what it said."""
    output = io.StringIO()
    call_command("export_data", *args, stdout=output, **options)
    return output.getvalue()


def refusal(*args: Any, status: int = 2, **options: Any) -> str:
    """Run the command, which refuses; return the sentence."""
    return str(export(*args, status=status, **options)["sentence"])


def rows(path: Path, **options: Any) -> list[dict[str, Any]]:
    """Return the rows of a file."""
    with path.open("rb") as file:
        found = list(read_rows(file, format_of(path), **options))
    assert all(isinstance(one, Row) for one in found), found
    return [one.values for one in found if isinstance(one, Row)]


def titles(folder: Path | str, name: str = "chats.csv") -> list[Any]:
    """Return the titles in a guarded file of chats."""
    return [row["title"] for row in rows(Path(folder, name), guarded=True)]


def names(folder: Path | str) -> list[str]:
    """Return what is in a directory, hidden ones too."""
    return sorted(one.name for one in Path(folder).iterdir())


def manifest(folder: Path | str) -> dict[str, Any]:
    """Return what the manifest says."""
    found: dict[str, Any] = json.loads((Path(folder) / "manifest.json").read_text())
    return found


def chat(title: str, *, tenant: str = "acme", at: datetime = NOON, messages: int = 0) -> Chat:
    """Make a chat, with so many messages."""
    owner, _ = Tenant.objects.get_or_create(name=tenant)
    made = Chat.objects.create(tenant=owner, title=title, updated_at=at)
    Message.objects.bulk_create(Message(chat=made, text=f"{title} {n}") for n in range(messages))
    return made


def specimens() -> list[Specimen]:
    """Make a row with something in each field, and one with nothing where that can be."""
    owner, _ = Tenant.objects.get_or_create(name="acme")
    full = Specimen.objects.create(
        tenant=owner,
        code="full",
        text='=1+1,"ä"\r\n<&>',
        maybe="",
        whole=-(2**62),
        fraction=0.1,
        amount=Decimal("-12345678.000001"),
        is_open=False,
        day=date(2026, 6, 15),
        hour=time(1, 2, 3, 456789),
        at=NOON + timedelta(microseconds=123456),
        lasted=timedelta(days=-1, microseconds=5),
        uuid=UUID("12345678123456781234567812345678"),
        address="2001:db8::1",
        blob=b"\0\xff=",
        facts={"a": [1, None, "ä", {"b": 0.5}]},
        file="specimens/a.txt",
        colour=Colour(1, 2, 255),
        secret="hush",
    )
    full.tags.set(Tag.objects.create(name=name) for name in ("x", "y"))
    return [full, Specimen.objects.create(tenant=owner, code="empty")]
