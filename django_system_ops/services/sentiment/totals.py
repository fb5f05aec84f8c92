"""What is known of messages, by day, by agent and by tenant."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import models

from django_system_ops.engine.sentiment.results import LABELS, UNKNOWN
from django_system_ops.models import SentimentAggregate
from django_system_ops.services.sentiment.messages import Messages
from django_system_ops.services.sentiment.writing import fitting

__all__ = ["MOST_TOTALS", "totals"]

#: How many rows each table has at most.
MOST_TOTALS = 1000

_UNITS = 10_000


def totals(
    messages: Messages,
    backend: str,
    *,
    using: str,
    since: date | None = None,
    tenants: Sequence[str] = (),
    agents: Sequence[str] = (),
) -> dict[str, list[dict[str, Any]]]:
    """
    Return what is known by day, by agent and by tenant: the newest days, the most messages first.

    Agents of one name who are of two tenants are two agents.

    Each table has no more than 1,000 rows; :class:`SentimentAggregate` has all of them.

    Args:
        messages: of whose model.
        backend: the name of what scored them.
        using: the database.
        since: the first day that counts.
        tenants: of these alone, by their names.
        agents: to these alone, by their names.
    """
    rows = SentimentAggregate.objects.using(using).filter(
        message_model=messages.label, backend=backend
    )
    if since is not None:
        rows = rows.filter(day__gte=since)
    if tenants:
        rows = rows.filter(tenant__in=[fitting(one) for one in tenants])
    if agents:
        rows = rows.filter(agent__in=[fitting(one) for one in agents])
    return {
        "days": _table(rows, "-day", "day"),
        "agents": _table(rows, "-messages", "agent", "tenant"),
        "tenants": _table(rows, "-messages", "tenant"),
    }


def _table(
    rows: "models.QuerySet[SentimentAggregate]", order: str, *keys: str
) -> list[dict[str, Any]]:
    sums = {f"sum_{label}": models.Sum(label) for label in LABELS}
    every = models.F("positive") + models.F("negative") + models.F("neutral") + models.F(UNKNOWN)
    found = (
        rows.order_by()
        .values(*keys)
        .annotate(**sums, scores=models.Sum("score_sum"), messages=models.Sum(every))
        .filter(messages__gt=0)
        .order_by(order, *keys)
    )
    return [_row(one, keys) for one in found[:MOST_TOTALS]]


def _row(one: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    # MariaDB sums whole numbers up to decimals.
    counts = {label: int(one[f"sum_{label}"]) for label in LABELS}
    known = int(one["messages"]) - counts[UNKNOWN]
    mean = round(int(one["scores"]) / _UNITS / known, 4) if known else None
    return {**{key: one[key] for key in keys}, **counts, "mean_score": mean}
