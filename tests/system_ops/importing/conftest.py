"""What the tests of imports share: articles of two tenants, files of rows, the command."""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_system_ops.formats import writer_for
from tests.system_ops.shop.models import Article, Tenant, Topic

ARTICLES = {
    "model": "shop.Article",
    "tenant": "tenant",
    "key": ["slug"],
    "secret_fields": ["password"],
}
TOPICS = {"model": "shop.Topic", "tenant": "tenant", "key": ["slug"]}
REVIEWS = {"model": "shop.Review", "tenant": "article__tenant"}
TAGS = {"model": "shop.Tag", "shared": True, "key": ["name"]}
CHATS = {"model": "shop.Chat", "tenant": "tenant", "key": ["title"]}
EVENTS = {"model": "shop.Event", "shared": True}
TYPES: dict[str, dict[str, Any]] = {
    "knowledge": ARTICLES,
    "topics": TOPICS,
    "reviews": REVIEWS,
    "tags": TAGS,
    "events": EVENTS,
    "chats": CHATS,
}


@pytest.fixture(autouse=True)
def types(configure: Callable[..., None], tmp_path: Path) -> Callable[..., None]:
    """The shop's types are configured; a test may change them."""

    def set_types(**changes: Any) -> None:
        types = {name: {**TYPES.get(name, {}), **one} for name, one in changes.items()}
        configure(
            tenants={"model": "shop.Tenant"},
            data={"types": {**TYPES, **types}},
            **{"import": {"directory": str(tmp_path / "imports")}},
        )

    set_types()
    return set_types


@pytest.fixture
def acme(db: None) -> Tenant:
    """A tenant."""
    return Tenant.objects.create(name="acme")


@pytest.fixture
def zenith(db: None) -> Tenant:
    """Another tenant."""
    return Tenant.objects.create(name="zenith")


@pytest.fixture
def topic(acme: Tenant) -> Topic:
    """A topic of the first tenant."""
    return Topic.objects.create(tenant=acme, slug="tea")


def bring_in(*args: Any, **options: Any) -> dict[str, Any]:
    """Run the command with --json; return its document, with how it ended as "status"."""
    output = io.StringIO()
    status, sentence = 0, ""
    try:
        call_command("import_knowledge", *args, json=True, stdout=output, **options)
    except CommandError as error:
        status, sentence = error.returncode, str(error)
    return {**json.loads(output.getvalue() or "{}"), "status": status, "sentence": sentence}


def said(*args: Any, status: int = 0) -> str:
    """Run the command, which ends with a status; return what it said, and its last sentence."""
    output = io.StringIO()
    ended, sentence = 0, ""
    try:
        call_command("import_knowledge", *args, stdout=output)
    except CommandError as error:
        ended, sentence = error.returncode, str(error)
    assert ended == status, output.getvalue() + sentence
    return output.getvalue() + sentence


def written(path: Path, rows: Sequence[Mapping[str, Any]], *, guard: bool = False) -> Path:
    """Write rows into a file of the format that its name says."""
    format = path.suffix[1:]
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("wb") as sink:
        writer = writer_for(format, sink, names, name="article", guard=guard)
        for row in rows:
            writer.write([row.get(name) for name in names])
        writer.finish()
    return path


def articles(count: int, **values: Any) -> list[dict[str, Any]]:
    """Return rows of articles: a0, a1 and so on."""
    return [{"slug": f"a{n}", "title": f"Title {n}", **values} for n in range(count)]


def rejects_of(path: Path) -> Path:
    """Return the one file of rejected rows of a file of rows."""
    (found,) = path.parent.glob(f"{path.name}.*.rejects.jsonl")
    return found


def slugs(tenant: Tenant | None = None) -> list[str]:
    """Return what articles there are."""
    rows = Article.objects.order_by("slug")
    return list((rows.filter(tenant=tenant) if tenant else rows).values_list("slug", flat=True))


def problems(found: Mapping[str, Any]) -> list[tuple[int, str, str]]:
    """Return line, field and reason of the errors in the document of a run."""
    return [
        (error["line"], problem["field"], problem["reason"])
        for one in found["reports"]
        for error in one["errors"]
        for problem in error["problems"]
    ]
