"""Write rounds and received results: rows, states, rollups and what has to be sent, at once."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, router, transaction
from django.utils import timezone

from django_health_check_job.conf import get_conf, get_published
from django_health_check_job.engine.naming import fitted, slug_of, unique
from django_health_check_job.engine.outcome import Outcome, State
from django_health_check_job.engine.round import Change, Entry, advance
from django_health_check_job.engine.standing import Standing, Thresholds
from django_health_check_job.exceptions import LeaseLostError
from django_health_check_job.models import (
    Check,
    Delivery,
    HeathCheckJob,
    MonitorRound,
    StateChange,
)
from django_health_check_job.services import announcing, rollups
from django_health_check_job.services.payloads import Payload, build_payload, read_payload

__all__ = ["record_entry", "record_received", "save_health_check_data_to_db"]

# A received result is stale after three times what its site seems to need between two of them.
_STALE_SECONDS = 60.0
_STANDING_FIELDS = (
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
class _Result:
    """One row to be, with the check that it belongs to."""

    check: Check
    name: str
    status: int
    message: str
    state: State
    duration_seconds: float | None
    checked_at: datetime
    round: Any = None


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
        checks = _locked_checks("", {one.name: one.slug for one in entry.round.outcomes}, using)
        _stand(entry, checks, is_replay=is_replay, using=using)
        if published.PERSIST_HEALTH_CHECK_DATA:
            _store(
                [
                    _Result(
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
        changes = _note_changes(entry.changes, checks, entry, using)
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
        checks = _locked_checks("", names, using)
        _store(list(_results(parsed, checks, now)), using)


def record_received(app_id: str, payload: Payload, *, now: datetime) -> int:
    """
    Store what another site has sent, in the caller's transaction; return how many checks.

    The states of its checks follow the thresholds of this site, and their changes are announced
    once the transaction has committed.
    """
    using = router.db_for_write(HeathCheckJob)
    checks = _locked_checks(app_id, {one.name: slug_of(one.name) for one in payload.checks}, using)
    results = list(_results(payload, checks, now))
    if get_published().PERSIST_HEALTH_CHECK_DATA:
        _store(results, using)
    thresholds = get_conf().thresholds
    changes: list[Change] = []
    for one, result in zip(payload.checks, results, strict=True):
        critical = True if one.critical is None else one.critical
        changes += _follow(result, critical=critical, thresholds=thresholds, source=app_id)
    Check.objects.using(using).bulk_update(checks.values(), _STANDING_FIELDS)
    keys = _note_changes(changes, checks, None, using)
    transaction.on_commit(lambda: announcing.announce(keys, using=using), using=using)
    return len(results)


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


def _locked_checks(source: str, slugs: Mapping[str, str], using: str) -> dict[str, Check]:
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


def _stand(entry: Entry, checks: Mapping[str, Check], *, is_replay: bool, using: str) -> None:
    """Write where each check stands after the round, and what it said last."""
    fresh = []
    for outcome in entry.round.outcomes:
        row = checks[outcome.name]
        if is_replay and row.last_at is not None and row.last_at >= outcome.started_at:
            continue
        _say(row, outcome, entry.standings[outcome.name], entry.round.uuid)
        row.stale_after_seconds = entry.stale_after.get(outcome.name, _STALE_SECONDS)
        row.retired_at = None
        fresh.append(row)
    Check.objects.using(using).bulk_update(fresh, _STANDING_FIELDS)


def _say(row: Check, outcome: Outcome, standing: Standing, round_uuid: Any) -> None:
    row.critical = outcome.critical
    row.state, row.since, row.recent = standing.state.value, standing.since, standing.recent
    row.last_state, row.last_message = outcome.state.value, outcome.message
    row.last_duration_seconds = outcome.duration_seconds
    row.last_at, row.last_round = outcome.started_at, round_uuid


def _follow(
    result: _Result, *, critical: bool, thresholds: Thresholds, source: str
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
        row.stale_after_seconds = max(_STALE_SECONDS, 3 * gap)
    _say(row, outcome, standings[row.name], result.round)
    row.last_duration_seconds = result.duration_seconds
    row.retired_at = None
    return [Change(**{**vars(change), "source": source}) for change in changes]


def _results(payload: Payload, checks: Mapping[str, Check], now: datetime) -> Iterable[_Result]:
    for one in payload.checks:
        # A sender whose clock is ahead must not make its next results look old.
        checked_at = min(one.checked_at or payload.timestamp or now, now)
        yield _Result(
            check=checks[one.name],
            name=fitted(one.name),
            status=one.status,
            message=one.message,
            state=one.state or (State.UP if one.status else State.DOWN),
            duration_seconds=one.duration_seconds,
            checked_at=checked_at,
            round=payload.uuid,
        )


def _store(results: Iterable[_Result], using: str) -> None:
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


def _note_changes(
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
