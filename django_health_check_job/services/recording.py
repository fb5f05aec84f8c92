"""Write a round of this site: rows, states, rollups and what has to be sent, at once."""

import json
from collections.abc import Callable, Mapping

from django.db import IntegrityError, router, transaction
from django.utils import timezone

from django_health_check_job.conf import get_conf, get_published
from django_health_check_job.engine.round import Entry
from django_health_check_job.exceptions import LeaseLostError
from django_health_check_job.models import Check, Delivery, HeathCheckJob, MonitorRound
from django_health_check_job.services.payloads import build_payload
from django_health_check_job.services.rows import (
    STALE_SECONDS,
    STANDING_FIELDS,
    Result,
    locked_checks,
    note_changes,
    say,
    store,
)

__all__ = ["record_entry"]


def record_entry(
    entry: Entry,
    *,
    monitor: str,
    is_replay: bool = False,
    confirm: Callable[[], bool] | None = None,
    using: str | None = None,
) -> list[int]:
    """
    Write one round of this site in one transaction, and return the keys of its state changes.

    Args:
        entry: the round; written once, however often this is called with it.
        monitor: who measured it.
        is_replay: it may be older than what is stored already: then it changes no state.
        confirm: asked inside the transaction whether the monitor still leads.
        using: the database; None asks the router.

    Raises:
        LeaseLostError: it does not; nothing was written.
        DatabaseError: nothing of it was written.
    """
    using = using or router.db_for_write(HeathCheckJob)
    published, conf = get_published(), get_conf()
    with transaction.atomic(using=using):
        if confirm is not None and not confirm():
            raise LeaseLostError("Another monitor leads.")
        if published.PERSIST_HEALTH_CHECK_DATA and not _note_round(entry, monitor, using):
            return []
        checks = locked_checks("", {one.name: one.slug for one in entry.round.outcomes}, using)
        _stand(entry, checks, is_replay=is_replay, using=using)
        if published.PERSIST_HEALTH_CHECK_DATA:
            store(
                [
                    Result(
                        check=checks[one.name],
                        name=one.name,
                        status=one.status,
                        message=one.message,
                        state=one.state,
                        duration_seconds=one.duration_seconds,
                        checked_at=one.started_at,
                        round=entry.round.uuid,
                    )
                    for one in entry.round.outcomes
                ],
                using,
            )
        changes = note_changes(entry.changes, checks, entry, using)
        if published.SYNC_HEALTH_CHECK_DATA and not entry.is_sent:
            payload = build_payload(
                entry.round.uuid,
                entry.round.started_at,
                entry.round.outcomes,
                extended=conf.SYNC.EXTENDED,
            )
            Delivery.objects.using(using).get_or_create(
                key=entry.round.uuid,
                defaults={"payload": json.dumps(payload), "created_at": timezone.now()},
            )
    return changes


def _note_round(entry: Entry, monitor: str, using: str) -> bool:
    """Write that the round is stored; False when it was before."""
    rounds = MonitorRound.objects.using(using)
    try:
        with transaction.atomic(using=using):
            rounds.create(
                uuid=entry.round.uuid,
                started_at=entry.round.started_at,
                duration_seconds=entry.round.duration_seconds,
                healthy=entry.round.is_healthy,
                monitor=monitor[:200],
            )
    except IntegrityError:
        if rounds.filter(uuid=entry.round.uuid).exists():
            return False
        raise
    return True


def _stand(entry: Entry, checks: Mapping[str, Check], *, is_replay: bool, using: str) -> None:
    """Write where each check stands after the round, and what it said last."""
    fresh = []
    for outcome in entry.round.outcomes:
        row = checks[outcome.name]
        if is_replay and row.last_at is not None and row.last_at >= outcome.started_at:
            continue
        say(row, outcome, entry.standings[outcome.name], entry.round.uuid)
        row.stale_after_seconds = entry.stale_after.get(outcome.name, STALE_SECONDS)
        row.retired_at = None
        fresh.append(row)
    Check.objects.using(using).bulk_update(fresh, STANDING_FIELDS)
