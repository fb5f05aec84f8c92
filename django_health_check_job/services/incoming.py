"""Write results that come from elsewhere: from another site, or from a caller's own payload."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import router, transaction
from django.utils import timezone

from django_health_check_job.conf import get_conf, get_published
from django_health_check_job.engine.naming import fitted, slug_of
from django_health_check_job.engine.outcome import Outcome, State
from django_health_check_job.engine.round import Change, advance
from django_health_check_job.engine.standing import Standing, Thresholds
from django_health_check_job.models import Check, HeathCheckJob
from django_health_check_job.services import announcing
from django_health_check_job.services.payloads import Payload, read_payload
from django_health_check_job.services.rows import (
    STALE_SECONDS,
    STANDING_FIELDS,
    Result,
    locked_checks,
    note_changes,
    say,
    store,
)

__all__ = ["record_received", "save_health_check_data_to_db"]


def save_health_check_data_to_db(payload: Mapping[str, Any]) -> None:
    """
    Store each check of a payload as a :class:`~django_health_check_job.models.HeathCheckJob`.

    All of them or none. Keys that are not published are ignored, a message of None is "".

    Args:
        payload: ``{"checks": [{"name": ..., "status": 0 or 1, "message": ...}, ...]}``, with
            ``uuid`` and ``timestamp`` where they are known.

    Raises:
        PayloadError: names the check and what is wrong with it.
        DatabaseError: nothing was stored.
    """
    parsed = read_payload(payload)
    using = router.db_for_write(HeathCheckJob)
    now = timezone.now()
    with transaction.atomic(using=using):
        names = {one.name: slug_of(one.name) for one in parsed.checks}
        checks = locked_checks("", names, using)
        store(list(_results(parsed, checks, now)), using)


def record_received(app_id: str, payload: Payload, *, now: datetime) -> int:
    """
    Store what another site has sent, in the caller's transaction; return how many checks.

    The states of its checks follow the thresholds of this site, and their changes are announced
    once the transaction has committed.
    """
    using = router.db_for_write(HeathCheckJob)
    checks = locked_checks(app_id, {one.name: slug_of(one.name) for one in payload.checks}, using)
    results = list(_results(payload, checks, now))
    if get_published().PERSIST_HEALTH_CHECK_DATA:
        store(results, using)
    thresholds = get_conf().thresholds
    changes: list[Change] = []
    for one, result in zip(payload.checks, results, strict=True):
        critical = True if one.critical is None else one.critical
        changes += _follow(result, critical=critical, thresholds=thresholds, source=app_id)
    Check.objects.using(using).bulk_update(checks.values(), STANDING_FIELDS)
    keys = note_changes(changes, checks, None, using)
    transaction.on_commit(lambda: announcing.announce(keys, using=using), using=using)
    return len(results)


def _follow(
    result: Result, *, critical: bool, thresholds: Thresholds, source: str
) -> Iterable[Change]:
    """Let a check of another site stand where its new result puts it; yield the change, if any."""
    row = result.check
    if row.last_at is not None and row.last_at > result.checked_at:
        return []
    outcome = Outcome(
        name=row.name,
        slug=row.slug,
        state=result.state,
        message=result.message,
        started_at=result.checked_at,
        duration_seconds=result.duration_seconds or 0.0,
        critical=critical,
    )
    before = Standing(State(row.state), row.since, row.recent)
    standings, changes = advance({row.name: before}, [outcome], {row.name: thresholds})
    if row.last_at is not None:
        gap = (result.checked_at - row.last_at).total_seconds()
        row.stale_after_seconds = max(STALE_SECONDS, 3 * gap)
    say(row, outcome, standings[row.name], result.round)
    row.last_duration_seconds = result.duration_seconds
    row.retired_at = None
    return [Change(**{**vars(change), "source": source}) for change in changes]


def _results(payload: Payload, checks: Mapping[str, Check], now: datetime) -> Iterable[Result]:
    for one in payload.checks:
        # A sender whose clock is ahead must not make its next results look old.
        checked_at = min(one.checked_at or payload.timestamp or now, now)
        yield Result(
            check=checks[one.name],
            name=fitted(one.name),
            status=one.status,
            message=one.message,
            state=one.state or (State.UP if one.status else State.DOWN),
            duration_seconds=one.duration_seconds,
            checked_at=checked_at,
            round=payload.uuid,
        )
