"""What the tests of sentiment share: messages of chats with agents, and the command."""

import io
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_system_ops.models import SentimentAggregate, SentimentScore
from tests.system_ops.shop.models import Agent, Chat, Tenant, Utterance

UTTERANCES = {
    "model": "shop.Utterance",
    "date_field": "said_at",
    "tenant": "chat__tenant",
    "agent": "agent",
    "filter": {"role": "user"},
}
OPINIONS = {
    "model": "shop.Opinion",
    "date_field": "day",
    "shared": True,
    "agent": "clerk",
}
GOOD, BAD, PLAIN = "Excelente atención, muchas gracias", "No funciona nada", "¿A qué hora abren?"


@pytest.fixture(autouse=True)
def sentiment(settings: Any) -> Callable[..., None]:
    """Utterances are messages; a test may say what is otherwise."""

    def set_keys(**keys: Any) -> None:
        settings.MANAGEMENT_COMMANDS = {
            **settings.MANAGEMENT_COMMANDS,
            "sentiment": keys,
            "tenants": {"model": "shop.Tenant"},
        }

    set_keys(**UTTERANCES)
    return set_keys


def say(
    *texts: str | None,
    days: float = 1,
    tenant: str = "acme",
    agent: str = "",
    role: str = "user",
) -> list[Utterance]:
    """Make messages that were written so many days ago."""
    owner, _ = Tenant.objects.get_or_create(name=tenant)
    moment = timezone.now() - timedelta(days=days)
    chat, _ = Chat.objects.get_or_create(
        tenant=owner, title=tenant, defaults={"updated_at": moment}
    )
    to = None
    if agent:
        # MariaDB finds a name in any case.
        known = {one.name: one for one in Agent.objects.filter(tenant=owner)}
        to = known.get(agent) or Agent.objects.create(tenant=owner, name=agent)
    return [
        Utterance.objects.create(chat=chat, agent=to, role=role, text=text, said_at=moment)
        for text in texts
    ]


def analyse(*args: str, **options: Any) -> dict[str, Any]:
    """Run the command with --json; return its document, with how it ended as "status"."""
    output = io.StringIO()
    status, sentence = 0, ""
    try:
        call_command("analyze_sentiment", *args, json=True, stdout=output, **options)
    except CommandError as error:
        status, sentence = error.returncode, str(error)
    return {**json.loads(output.getvalue() or "{}"), "status": status, "sentence": sentence}


def said(*args: str) -> str:
    """Run the command; return what it said."""
    output = io.StringIO()
    call_command("analyze_sentiment", *args, stdout=output)
    return output.getvalue()


def labels(**conditions: Any) -> dict[str, int]:
    """Count the scores that are kept, by their labels."""
    found = SentimentScore.objects.filter(**conditions).values_list("label", flat=True)
    return dict(Counter(found))


def sums() -> list[tuple[Any, ...]]:
    """Return the sums that are kept, without those of nothing."""
    rows = SentimentAggregate.objects.values_list(
        *("day", "tenant", "agent", "positive", "negative", "neutral", "unknown", "score_sum")
    )
    return sorted(row for row in rows if any(row[3:]))


def counted() -> list[tuple[Any, ...]]:
    """Count what :func:`sums` should be, from the scores."""
    groups: dict[Any, list[int]] = {}
    for one in SentimentScore.objects.all():
        row = groups.setdefault((one.day, one.tenant, one.agent), [0, 0, 0, 0, 0])
        row[["positive", "negative", "neutral", "unknown"].index(one.label)] += 1
        if one.label != "unknown":
            row[4] += round(one.score * 10_000)
    return sorted((*key, *row) for key, row in groups.items())
