"""What the tests of cleanup share: types over the shop, rows of a known age."""

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.system_ops.shop.models import Attachment, Chat, Event, Message, Tag, Tenant

CHATS = {"model": "shop.Chat", "date_field": "updated_at", "tenant": "tenant"}
EVENTS = {"model": "shop.Event", "date_field": "created_at", "shared": True}


def ago(days: float) -> datetime:
    """Return the moment so many days ago."""
    return timezone.now() - timedelta(days=days)


@pytest.fixture(autouse=True)
def types(configure: Callable[..., None]) -> Callable[..., None]:
    """Chats and events are configured; a test may say which other types there are."""

    def set_types(**found: Any) -> None:
        configure(cleanup={"types": found}, tenants={"model": "shop.Tenant"})

    set_types(chats=CHATS, events=EVENTS)
    return set_types


@pytest.fixture(autouse=True)
def media(tmp_path: Any, settings: Any) -> Any:
    """Uploaded files go into the test's folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def clean(*args: Any, **options: Any) -> dict[str, Any]:
    """Run the command with --json; return its document, with how it ended as "status"."""
    output = io.StringIO()
    status = 0
    try:
        call_command("cleanup_old_data", *args, json=True, stdout=output, **options)
    except CommandError as error:
        status = error.returncode
        sentence = str(error)
    else:
        sentence = ""
    return {**json.loads(output.getvalue() or "{}"), "status": status, "sentence": sentence}


def said(*args: Any, status: int = 0) -> str:
    """Run the command, which ends with a status; return what it said."""
    output = io.StringIO()
    ended = 0
    try:
        call_command("cleanup_old_data", *args, stdout=output)
    except CommandError as error:
        ended = error.returncode
    assert ended == status
    return output.getvalue()


def chats(count: int, *, days: float = 90, tenant: str = "acme", messages: int = 0) -> list[Chat]:
    """Make chats of an age, each with so many messages and a tag."""
    owner, _ = Tenant.objects.get_or_create(name=tenant)
    tag, _ = Tag.objects.get_or_create(name="tag")
    made = Chat.objects.bulk_create(
        Chat(tenant=owner, title=f"{tenant} {n}", updated_at=ago(days)) for n in range(count)
    )
    made = list(Chat.objects.filter(pk__in=[one.pk for one in made])) if made[:1] else []
    Chat.tags.through.objects.bulk_create(
        Chat.tags.through(chat_id=one.pk, tag_id=tag.pk) for one in made
    )
    Message.objects.bulk_create(
        Message(chat=one, text=str(n)) for one in made for n in range(messages)
    )
    return made


def attach(message: Message, name: str, media: Any) -> Attachment:
    """Hang a file on a message."""
    path = media / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name)
    return Attachment.objects.create(message=message, file=name)


def events(count: int, *, days: float = 90) -> None:
    """Make events of an age."""
    Event.objects.bulk_create(Event(name=str(n), created_at=ago(days)) for n in range(count))
