"""The rows that rounds and received results become: checks, results, changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from django_health_check_job.engine.naming import unique
from django_health_check_job.engine.outcome import Outcome, State
from django_health_check_job.engine.round import Change, Entry
from django_health_check_job.engine.standing import Standing
from django_health_check_job.models import Check, HeathCheckJob, StateChange
from django_health_check_job.services import rollups

__all__ = [
    "STALE_SECONDS",
    "STANDING_FIELDS",
    "Result",
    "locked_checks",
    "note_changes",
    "say",
    "store",
]

# A received result is stale after three times what its site seems to need between two of them.
STALE_SECONDS = 60.0
STANDING_FIELDS = (
    "critical",
    "state",
    "since",
    "recent",
    "last_state",
    "last_message",
    "last_duration_seconds",
    "last_at",
    "last_round",
    "stale_after_seconds",
    "retired_at",
)


@dataclass(frozen=True)
class Result:
    """One result to be stored, with the check that it belongs to."""

    check: Check
    name: str
    status: int
    message: str
    state: State
    duration_seconds: float | None
    checked_at: datetime
    round: Any = None


def locked_checks(source: str, slugs: Mapping[str, str], using: str) -> dict[str, Check]:
    """Return the rows of these checks, locked; those that are missing are added."""
    rows = Check.objects.using(using).filter(source=source, name__in=slugs)
    # In one order, so that two transactions never wait for each other in a circle.
    found = {row.name: row for row in rows.select_for_update().order_by("pk")}
    for name in slugs.keys() - found.keys():
        found[name] = _added_check(source, name, slugs[name], using)
    return found


def _added_check(source: str, name: str, slug: str, using: str) -> Check:
    checks = Check.objects.using(using)
    taken = set(checks.filter(source=source).exclude(name=name).values_list("slug", flat=True))
    row, _created = checks.get_or_create(
        source=source, name=name, defaults={"slug": unique(slug, taken, separator="-")}
    )
    return row


def say(row: Check, outcome: Outcome, standing: Standing, round_uuid: Any) -> None:
    """Set where a check stands and what it said last; the caller stores the row."""
    row.critical = outcome.critical
    row.state, row.since, row.recent = standing.state.value, standing.since, standing.recent
    row.last_state, row.last_message = outcome.state.value, outcome.message
    row.last_duration_seconds = outcome.duration_seconds
    row.last_at, row.last_round = outcome.started_at, round_uuid


def store(results: Iterable[Result], using: str) -> None:
    """Add the rows, and what they add to the rollups."""
    results = list(results)
    HeathCheckJob.objects.using(using).bulk_create(
        HeathCheckJob(
            name=one.name,
            status=one.status,
            message=one.message,
            check_row_id=one.check.pk,
            round=one.round,
            state=one.state.value,
            duration_seconds=one.duration_seconds,
            checked_at=one.checked_at,
        )
        for one in results
    )
    rollups.add(
        (
            rollups.Measured(one.check.pk, one.checked_at, one.state, one.duration_seconds)
            for one in results
        ),
        using=using,
    )


def note_changes(
    changes: Iterable[Change], checks: Mapping[str, Check], entry: Entry | None, using: str
) -> list[int]:
    """Write the changes, and return the keys of those that are not announced yet."""
    keys = []
    announced_at = timezone.now() if entry is not None and entry.is_announced else None
    for change in changes:
        row, created = StateChange.objects.using(using).get_or_create(
            check_row_id=checks[change.name].pk,
            at=change.at,
            defaults={
                "old": change.old.value,
                "new": change.new.value,
                "round": entry.round.uuid if entry else None,
                "message": change.message,
                "is_first": change.is_first,
                "announced_at": announced_at,
            },
        )
        if created and announced_at is None:
            keys.append(row.pk)
    return keys
