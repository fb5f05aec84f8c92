"""
What a report comes to, written into the database.

All of it happens in the caller's transaction. Cases that stay open are touched by one statement,
whatever their number; new and closed ones go in parts of thousands.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat

from django_network_hc.engine.coverage import Node as NodeFacts
from django_network_hc.engine.ledger import UNTOUCHED, Ledger, is_open
from django_network_hc.engine.masking import masked
from django_network_hc.engine.outcome import Outcome
from django_network_hc.engine.rows import Case, Key
from django_network_hc.models import Case as CaseRow
from django_network_hc.models import (
    HealthCheckSession,
    InventoryItem,
    Network,
    Node,
    NodeRun,
)
from django_network_hc.services.known import Known, digest
from django_network_hc.services.loading import load
from django_network_hc.workbooks.outputs import column_of
from django_opskit.batches import batches

__all__ = ["Writing", "put_cases", "put_nodes", "put_runs", "rekey"]

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
            rekey(changed)
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


_NODE_FACTS = ("kind", "location", "sid", "pss_type")


def rekey(cases: Sequence[CaseRow]) -> None:
    """Change texts and keys; two cases may change places, so keys are moved away first."""
    away = Concat(Value("~"), Cast("pk", CharField(max_length=20)))
    for some in batches([one.pk for one in cases], _AT_ONCE):
        CaseRow.objects.filter(pk__in=some).update(key=away)
    CaseRow.objects.bulk_update(cases, ["text", "key"], batch_size=1000)
