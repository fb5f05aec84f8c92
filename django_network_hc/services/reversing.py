"""
What a report came to, taken back from the database, in the caller's transaction.

Cases go in parts of thousands, past the signals; those that were closed are open again, and those
that stayed open were seen once less.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from django_network_hc.engine.coverage import Node as NodeFacts
from django_network_hc.engine.ledger import UNTOUCHED
from django_network_hc.engine.rows import Case, Key
from django_network_hc.exceptions import UndoError
from django_network_hc.models import Case as CaseRow
from django_network_hc.models import HealthCheckSession, IgnoreRule, InventoryItem, NodeRun
from django_network_hc.services.known import digest
from django_network_hc.services.writing import put_nodes, rekey
from django_opskit.batches import batches

__all__ = ["take_back"]

State, Status = CaseRow.State, HealthCheckSession.Status
_AT_ONCE = 5000


def take_back(
    session: HealthCheckSession,
    *,
    again: Mapping[Key, Case] | None = None,
    seen_on: date | None = None,
    reason: str,
) -> None:
    """
    Take back what a session did to its network, the last one.

    Args:
        session: which.
        again: cases of it that stay, since another session opens them at once.
        seen_on: the day of the report before it, where a case knows none of its own.
        reason: for the record.

    Raises:
        UndoError: people have written into cases that would go; or it is not to be taken back.
    """
    kept = {case.row for case in (again or {}).values()}
    with _twins_in_words(session), transaction.atomic():
        own = CaseRow.objects.select_for_update().filter(opened_by=session)
        own = own.only("hc_id", "test", "issue", "state", "status", "extras", *UNTOUCHED._fields)
        gone = [one for one in own if one.pk not in kept]
        edited = [one for one in gone if _is_edited(one)]
        if edited:
            shown = "; ".join(map(str, edited[:3]))
            raise UndoError(
                f"{len(edited)} cases that session {session} opened would go, and people have "
                f"written into them: {shown}. Take that out of them first, or close them later."
            )
        # Past the signals: nobody has edited these, so that they have no history to end.
        for some in batches([one.pk for one in gone], _AT_ONCE):
            rows = CaseRow.objects.filter(pk__in=some)
            rows._raw_delete(rows.db)
        _refuse_twins(session)
        CaseRow.objects.filter(closed_by=session, state=State.CLOSED).update(
            state=State.OPEN, closed_by=None, closed_on=None, is_unverified=False
        )
        seen = CaseRow.objects.filter(
            network=session.network_id, last_seen_on=session.day, times_seen__gt=1
        ).exclude(opened_by=session)
        seen.update(
            last_seen_on=Coalesce(F("seen_before_on"), seen_on),
            seen_before_on=None,
            times_seen=F("times_seen") - 1,
        )
        rekey(_renumbered_back(session))
        _hits_back(session)
        _nodes_back(session)
        InventoryItem.objects.filter(session=session).delete()
        HealthCheckSession.objects.filter(pk=session.pk, status=Status.COMPLETED).update(
            status=Status.UNDONE, error_messages=reason, before={}, is_published=False
        )


def _is_edited(case: CaseRow) -> bool:
    own = tuple(getattr(case, name) for name in UNTOUCHED._fields)
    return own != UNTOUCHED or case.status != State.OPEN or bool(case.extras) or not case.is_open


@contextmanager
def _twins_in_words(session: HealthCheckSession) -> Iterator[None]:
    """Say in words that two open cases would be those of one finding."""
    try:
        yield
    except IntegrityError as error:
        raise UndoError(
            f"Two open cases would be those of one finding if session {session} was taken back: "
            "one was added or opened by hand since. Close that one first."
        ) from error


def _refuse_twins(session: HealthCheckSession) -> None:
    """Refuse to open cases again whose findings have other open ones by now."""
    still = CaseRow.objects.filter(network=session.network_id, state=State.OPEN)
    twins = CaseRow.objects.filter(
        closed_by=session,
        state=State.CLOSED,
        key__in=still.exclude(opened_by=session).values("key"),
    )
    if (twin := twins.first()) is not None:
        raise UndoError(
            f"Case {twin} would be open again, and its finding has another open case by now: "
            "close that one first."
        )


def _hits_back(session: HealthCheckSession) -> None:
    before: dict[str, list[object]] = session.before.get("hits", {})
    rules = list(IgnoreRule.objects.filter(network=session.network_id, pk__in=map(int, before)))
    for one in rules:
        hits, day = before[str(one.pk)]
        one.hits = int(str(hits))
        one.last_hit_on = date.fromisoformat(str(day)) if day else None
    IgnoreRule.objects.bulk_update(rules, ["hits", "last_hit_on"], batch_size=1000)


def _renumbered_back(session: HealthCheckSession) -> list[CaseRow]:
    before: dict[str, str] = session.before.get("renumbered", {})
    found = []
    for some in batches([int(pk) for pk in before], _AT_ONCE):
        for case in CaseRow.objects.filter(pk__in=some):
            case.text = before[str(case.pk)]
            case.key = digest((case.hc_id, case.test, case.priority, case.issue, case.text))
            found.append(case)
    return found


def _nodes_back(session: HealthCheckSession) -> None:
    network = session.network
    NodeRun.objects.filter(node__network=network, report_on=session.day).delete()
    joined = session.before.get("joined", [])
    network.nodes.filter(hc_id__in=joined, runs__isnull=True).delete()
    changed: dict[str, list[str]] = session.before.get("nodes", {})
    put_nodes(network, (NodeFacts(int(hc_id), *facts) for hc_id, facts in changed.items()))
