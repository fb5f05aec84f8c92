"""What the tests of moves between tenants share: the library's types, two tenants, a run."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import models

from tests.system_ops.shop.models import (
    Award,
    Badge,
    Book,
    Flag,
    Footnote,
    Guide,
    Office,
    Person,
    Series,
    Tenant,
    Theme,
    Volume,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)

TYPES: dict[str, Any] = {
    "topics": {"model": "shop.Theme", "tenant": "tenant", "key": ["slug"]},
    "articles": {"model": "shop.Book", "tenant": "topic__tenant"},
    "awards": {"model": "shop.Award", "tenant": "badge__tenant"},
    "badges": {"model": "shop.Badge", "tenant": "tenant"},
    "offices": {"model": "shop.Office", "tenant": "tenant"},
    "flags": {"model": "shop.Flag", "tenant": "tenant"},
    "series": {"model": "shop.Series", "tenant": "tenant"},
    "volumes": {"model": "shop.Volume", "tenant": "series__tenant"},
    "people": {"model": "shop.Person", "shared": True},
}
# Of other rooms; nothing of theirs is here.
OTHERS = ["shop.Utterance", "shop.Review"]
MOVES = {"generic": {"shop.Footnote": "target"}}

THROUGHS = (Book.related.through, Book.readers.through)
MODELS: tuple[type[models.Model], ...] = (
    *(Tenant, Person, Theme, Book, Guide, Badge, Award, Office, Footnote, Flag, Series, Volume),
    *THROUGHS,
)


@pytest.fixture(autouse=True)
def types(configure: Callable[..., None]) -> Callable[..., None]:
    """Everything is declared; a test may say it otherwise."""

    def set_types(moves: Any = None, **found: Any) -> None:
        configure(
            data={"types": found or TYPES},
            tenant_moves={"generic": {}, "leave": OTHERS, "shared": []}
            | (MOVES if moves is None else moves),
            tenants={"model": "shop.Tenant"},
        )

    set_types()
    return set_types


@pytest.fixture(autouse=True)
def media(tmp_path: Any, settings: Any) -> Any:
    """Uploaded files go into the test's folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def tenants(*names: str) -> list[Tenant]:
    """Make tenants."""
    return [Tenant.objects.create(name=name) for name in names]


def topic(tenant: Tenant, slug: str, **values: Any) -> Theme:
    """Make a topic that was changed at noon."""
    made = Theme.objects.create(tenant=tenant, slug=slug, **values)
    Theme.objects.filter(pk=made.pk).update(changed_at=NOON)
    made.refresh_from_db()
    return made


def article(of: Theme, number: int = 1, **values: Any) -> Book:
    """Make an article."""
    return Book.objects.create(topic=of, number=number, **values)


def stored_file(media: Any, name: str, content: str = "content") -> str:
    """Put a file into the storage, and return its name."""
    path = media / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return name


def migrate(*args: str, source: str = "old", target: str = "new", **options: Any) -> dict[str, Any]:
    """Run it with --json; return its document, with how it ended as "status"."""
    output, status, sentence = io.StringIO(), 0, ""
    try:
        call_command(
            "migrate_tenant_data",
            *args,
            json=True,
            stdout=output,
            **{"from": source, "to": target, **options},
        )
    except CommandError as error:
        status, sentence = error.returncode, str(error)
    return {**json.loads(output.getvalue() or "{}"), "status": status, "sentence": sentence}


def said(*args: str, status: int = 0) -> str:
    """Run it from old to new; return what it said."""
    output, ended = io.StringIO(), 0
    try:
        call_command("migrate_tenant_data", "--from=old", "--to=new", *args, stdout=output)
    except CommandError as error:
        ended = error.returncode
    assert ended == status
    return output.getvalue()


def contents(*only: type[models.Model]) -> dict[str, list[Any]]:
    """Return all rows of the tables, as they are."""
    return {
        model._meta.label: [
            tuple(bytes(one) if isinstance(one, memoryview) else one for one in row)
            for row in model._base_manager.order_by("pk").values_list()
        ]
        for model in only or MODELS
    }
