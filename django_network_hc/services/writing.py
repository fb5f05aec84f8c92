"""
What a report comes to, written into the database, and taken back from it.

All of it happens in the caller's transaction. Cases that stay open are touched by one statement,
whatever their number; new and closed ones go in parts of thousands.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Coalesce, Concat

from django_network_hc.engine.coverage import Node as NodeFacts
from django_network_hc.engine.ledger import UNTOUCHED, Ledger, is_open
from django_network_hc.engine.masking import masked
from django_network_hc.engine.outcome import Outcome
from django_network_hc.engine.rows import Case, Key
from django_network_hc.exceptions import UndoError
from django_network_hc.models import Case as CaseRow
from django_network_hc.models import (
    HealthCheckSession,
    IgnoreRule,
    InventoryItem,
    Network,
    Node,
    NodeRun,
)
from django_network_hc.services.known import Known, digest
from django_network_hc.services.loading import load
from django_network_hc.workbooks.outputs import column_of
from django_opskit.batches import batches

__all__ = ["Writing", "put_cases", "put_nodes", "put_runs", "take_back"]

State, Status = CaseRow.State, HealthCheckSession.Status
_AT_ONCE = 5000
_CLIP = 255


@dataclass(frozen=True)
class Writing:
    """
    A judged report that is to be written.

    Attributes:
        known: what it was judged against.
        ledger: the cases after it.
    """

    session: HealthCheckSession
    known: Known
    outcome: Outcome
    ledger: Ledger
    masked_tests: frozenset[str]

    def write(self) -> dict[str, object]:
        """Write it all, and return what a step back needs beside the rows."""
        before = self._nodes()
        found = self.outcome.comparison
        places = {case.key: case.row for case in self.known.cases if is_open(case.status)}
        put_runs(
            self.session.network,
            {self.outcome.day: column_of(self.outcome)},
            annotations={node: one.test for node, one in self.outcome.coverage.annotations.items()},
            session=self.session,
        )
        for keys, is_unverified in ((found.closed, False), (found.unverified, True)):
            self._close([places[key] for key in keys], is_unverified=is_unverified)
        self._see([places[key] for key in found.held])
        renumbered = self._renumber(places)
        self._begin()
        self._stock()
        return {**before, "renumbered": renumbered}

    def _nodes(self) -> dict[str, object]:
        known, now = self.known.nodes, self.outcome.coverage.nodes
        changed = {
            str(hc_id): list(known[hc_id][1:])
            for hc_id, node in now.items()
            if hc_id in known and known[hc_id] != node
        }
        put_nodes(self.session.network, now.values())
        return {"nodes": changed, "joined": [hc_id for hc_id in now if hc_id not in known]}

    def _close(self, keys: Sequence[int], *, is_unverified: bool) -> None:
        for some in batches(keys, _AT_ONCE):
            CaseRow.objects.filter(pk__in=some, state=State.OPEN).update(
                state=State.CLOSED,
                closed_by=self.session,
                closed_on=self.outcome.day,
                is_unverified=is_unverified,
            )

    def _see(self, held: Sequence[int]) -> None:
        """Touch the cases that stay open, before there are new ones."""
        # An open case has no such day: those that are held are marked by it, and left out.
        for some in batches(held, _AT_ONCE):
            CaseRow.objects.filter(pk__in=some, state=State.OPEN).update(closed_on=self.outcome.day)
        still = CaseRow.objects.filter(
            network=self.session.network_id, state=State.OPEN, closed_on=None
        )
        # The older day first: MySQL takes the values of a statement from left to right.
        still.update(
            seen_before_on=F("last_seen_on"),
            last_seen_on=self.outcome.day,
            times_seen=F("times_seen") + 1,
        )
        for some in batches(held, _AT_ONCE):
            CaseRow.objects.filter(pk__in=some, state=State.OPEN).update(closed_on=None)

    def _renumber(self, places: Mapping[Key, int]) -> dict[str, str]:
        """Give cases the numbers that their findings have now; return the texts before."""
        before: dict[str, str] = {}
        changed = []
        for key, finding in self.outcome.comparison.still_open.items():
            if finding.key != key:
                pk = places[key]
                before[str(pk)] = key[4]
                changed.append(CaseRow(pk=pk, text=finding.text, key=digest(finding.key)))
        if changed:
            _rekey(changed)
        return before

    def _begin(self) -> None:
        begun = {case.key for case in self.ledger.begun}
        kept = {key: case for key, case in self.known.begun.items() if key in begun}
        again = [case.row for case in kept.values()]
        for some in batches(again, _AT_ONCE):
            CaseRow.objects.filter(pk__in=some).update(
                opened_by=self.session,
                state=State.OPEN,
                closed_on=None,
                last_seen_on=self.outcome.day,
                seen_before_on=None,
                times_seen=1,
            )
        previous = self._previous()
        fresh = [case for case in self.ledger.begun if case.key not in kept]
        day, session = self.outcome.day, self.session
        put_cases(session.network, fresh, last_seen_on=day, opened_by=session, reopens=previous)

    def _previous(self) -> dict[Key, int]:
        """Return the last closed case of each finding that is open again."""
        reopened = self.outcome.comparison.reopened
        if not reopened:
            return {}
        tests = self.masked_tests
        last: dict[Key, int] = {}
        for case in self.ledger.cases:
            if case.row and not is_open(case.status):
                last[masked(case.key, tests)] = case.row
        found = {key: last.get(masked(key, tests)) for key in reopened}
        return {key: pk for key, pk in found.items() if pk is not None}

    def _stock(self) -> None:
        session = self.session.pk
        load(
            InventoryItem,
            ("session_id", "hc_id", "mnemonic", "shelf_type", "serial", "cells"),
            (
                (
                    session,
                    one.node,
                    one.mnemonic[:_CLIP],
                    one.shelf_type[:_CLIP],
                    one.serial[:_CLIP],
                    one.cells,
                )
                for one in self.outcome.inventory
            ),
        )


def put_cases(
    network: Network,
    cases: Iterable[Case],
    *,
    last_seen_on: date | None,
    opened_by: HealthCheckSession | None = None,
    reopens: Mapping[Key, int] | None = None,
) -> None:
    """Write cases that the database has not."""
    previous = reopens or {}
    session = None if opened_by is None else opened_by.pk
    load(
        CaseRow,
        _CASE_FIELDS,
        (_case_row(network.pk, one, last_seen_on, session, previous) for one in cases),
    )


_CASE_FIELDS = (
    *("network_id", "hc_id", "test", "priority", "issue", "text", "key", "found_on", "address"),
    *("location", "label", "ne_type", "network_name", "task", "state", "status", "extras"),
    *("times_seen", "last_seen_on", "is_unverified", "opened_by_id", "reopens_id"),
    *UNTOUCHED._fields,
)


def _case_row(
    network: int,
    case: Case,
    last_seen_on: date | None,
    session: int | None,
    previous: Mapping[Key, int],
) -> tuple[object, ...]:
    is_still = is_open(case.status)
    return (
        network,
        *case.key,
        digest(case.key),
        case.found_on,
        case.address[:_CLIP],
        case.location[:_CLIP],
        case.label[:_CLIP],
        case.ne_type[:_CLIP],
        case.network[:_CLIP],
        case.task,
        State.OPEN.value if is_still else State(case.status.strip().upper()).value,
        case.status[:_CLIP] if is_still else State.OPEN.value,
        dict(case.extras),
        1,
        last_seen_on if is_still else None,
        False,
        session,
        previous.get(case.key),
        *case.engineering,
    )


def put_nodes(network: Network, nodes: Iterable[NodeFacts]) -> None:
    """Make the nodes of a network these, which are all that it had, and more."""
    rows = {one.hc_id: one for one in network.nodes.all()}
    new, changed = [], []
    for position, node in enumerate(nodes):
        facts = {name: getattr(node, name)[:_CLIP] for name in _NODE_FACTS}
        row = rows.get(node.node)
        if row is None:
            new.append(Node(network=network, hc_id=node.node, position=position, **facts))
        elif any(getattr(row, name) != value for name, value in facts.items()):
            for name, value in facts.items():
                setattr(row, name, value)
            changed.append(row)
    Node.objects.bulk_create(new, batch_size=_AT_ONCE)
    Node.objects.bulk_update(changed, _NODE_FACTS, batch_size=500)


def put_runs(
    network: Network,
    columns: Mapping[date, Mapping[int, date | str]],
    *,
    annotations: Mapping[int, str] | None = None,
    session: HealthCheckSession | None = None,
) -> None:
    """Write what reports said of each node; what stood under their days goes."""
    NodeRun.objects.filter(node__network=network, report_on__in=list(columns)).delete()
    pks = dict(network.nodes.values_list("hc_id", "pk"))
    marks = annotations or {}
    key = None if session is None else session.pk
    load(
        NodeRun,
        ("node_id", "report_on", "tested_on", "said", "annotation", "session_id"),
        (
            (
                pks[hc_id],
                day,
                None if isinstance(said, str) else said,
                said[:_CLIP] if isinstance(said, str) else "",
                marks.get(hc_id, ""),
                key,
            )
            for day, column in columns.items()
            for hc_id, said in column.items()
        ),
    )


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
        _rekey(_renumbered_back(session))
        _hits_back(session)
        _nodes_back(session)
        InventoryItem.objects.filter(session=session).delete()
        HealthCheckSession.objects.filter(pk=session.pk, status=Status.COMPLETED).update(
            status=Status.UNDONE, error_messages=reason, before={}, is_published=False
        )


_NODE_FACTS = ("kind", "location", "sid", "pss_type")


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


def _rekey(cases: Sequence[CaseRow]) -> None:
    """Change texts and keys; two cases may change places, so keys are moved away first."""
    away = Concat(Value("~"), Cast("pk", CharField(max_length=20)))
    for some in batches([one.pk for one in cases], _AT_ONCE):
        CaseRow.objects.filter(pk__in=some).update(key=away)
    CaseRow.objects.bulk_update(cases, ["text", "key"], batch_size=1000)
