"""What the tests of migrate_knowledge_base share: articles, and what was said."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_system_ops.conf import get_conf
from tests.system_ops.library.models import Article, Owner

NOON = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
KNOWLEDGE = {"model": "library.Article", "tenant": "tenant"}
ALL = ["Split", "Price", "Shout"]


@pytest.fixture(autouse=True)
def steps(configure: Callable[..., None]) -> Callable[..., None]:
    """All steps are configured; a test may name others."""

    def set_steps(*names: str, **more: Any) -> None:
        paths = [f"tests.system_ops.knowledge.steps.{name}" for name in names]
        configure(
            knowledge_base={"steps": paths, **more},
            data={"types": {"knowledge": KNOWLEDGE}},
            tenants={"model": "library.Owner"},
        )

    set_steps(*ALL)
    return set_steps


def articles(
    count: int, *, version: str | None = "1.0", tenant: str = "acme", title: str = "Some words"
) -> list[Article]:
    """Make articles of a version."""
    owner, _ = Owner.objects.get_or_create(name=tenant)
    last = Article.objects.order_by("pk").last()
    after = last.pk if last else 0
    Article.objects.bulk_create(
        Article(
            tenant=owner,
            title=title,
            text=f"text {n}",
            data={"nested": [n, "ü", 1.5], "null": None},
            seen_at=NOON,
            blob=bytes([n % 256, 0, 255]),
            version=version,
        )
        for n in range(count)
    )
    return list(Article.objects.filter(pk__gt=after).order_by("pk"))


def run(*args: Any, **options: Any) -> dict[str, Any]:
    """Run the command with --json; return its document, with how it ended as "status"."""
    output = io.StringIO()
    status, sentence = 0, ""
    try:
        call_command("migrate_knowledge_base", *args, json=True, stdout=output, **options)
    except CommandError as error:
        status, sentence = error.returncode, str(error)
    return {**json.loads(output.getvalue() or "{}"), "status": status, "sentence": sentence}


def said(*args: Any) -> str:
    """Run the command; return what it said, its error last."""
    output = io.StringIO()
    try:
        call_command("migrate_knowledge_base", *args, stdout=output)
    except CommandError as error:
        return f"{output.getvalue()}{error}"
    return output.getvalue()


def state() -> list[dict[str, Any]]:
    """Return all that the table holds."""
    rows = Article.objects.order_by("pk").values()
    return [{**row, "blob": bytes(row["blob"])} for row in rows]


def versions() -> list[str | None]:
    """Return the versions in the order of the keys."""
    return list(Article.objects.order_by("pk").values_list("version", flat=True))


def folders() -> list[Path]:
    """Return the directories of past migrations, the oldest first."""
    return sorted((get_conf().state_path / "knowledge").glob("*"))
