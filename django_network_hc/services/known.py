"""What the database knows of a network, as the engine takes it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from django.db.models import QuerySet

from django_network_hc.engine.coverage import Node
from django_network_hc.engine.ledger import standing
from django_network_hc.engine.outcome import Standing
from django_network_hc.engine.rows import Case, Engineering, Key
from django_network_hc.models import Case as CaseRow
from django_network_hc.models import HealthCheckSession, Network, NodeRun

__all__ = ["Known", "digest", "known_of", "shown_status"]

_FIELDS = (
    *("pk", "hc_id", "test", "priority", "issue", "text", "found_on", "address", "location"),
    *("label", "ne_type", "network_name", "task", "state", "status", "extras"),
    *Engineering._fields,
)


@dataclass
class Known:
    """
    A network before a report.

    Attributes:
        cases: all that ever were, in their order; the ``row`` of each is its primary key.
        nodes: by HC id, in their order.
        columns: what each report said of each node, the oldest first.
        begun: cases of the session that is to be replaced, by key: they may come again.
    """

    cases: list[Case] = field(repr=False)
    nodes: dict[int, Node] = field(repr=False)
    columns: dict[date, dict[int, date | str]] = field(repr=False)
    begun: dict[Key, Case] = field(default_factory=dict, repr=False)

    @property
    def standing(self) -> Standing:
        """Return what counts of it when a report is judged."""
        return standing(self.cases, self.nodes)


def digest(key: Key) -> str:
    """Return a key as the database compares it."""
    whole = json.dumps(key, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()


def known_of(network: Network, *, without: HealthCheckSession | None = None) -> Known:
    """
    Read what is known.

    Args:
        network: whose.
        without: a session that is taken as if it had not been: the last one.
    """
    begun: dict[Key, Case] = {}
    renumbered: dict[str, str] = {}
    if without is not None:
        renumbered = without.before.get("renumbered", {})
        own = network.cases.filter(opened_by=without)
        begun = {one.key: one for one in _cases(own, renumbered, None)}
    rest = network.cases.all() if without is None else network.cases.exclude(opened_by=without)
    return Known(
        cases=list(_cases(rest, renumbered, without)),
        nodes=_nodes(network, without),
        columns=_columns(network, without),
        begun=begun,
    )


def shown_status(state: str, status: str) -> str:
    """Return what a tracker says of a case."""
    return status if state == CaseRow.State.OPEN else state


def _cases(
    rows: QuerySet[CaseRow], renumbered: dict[str, str], without: HealthCheckSession | None
) -> Iterator[Case]:
    closed_by = None if without is None else without.pk
    # Nodes, tests, places and tasks come again and again: each is kept once.
    once: dict[str, str] = {}
    for row in rows.order_by("pk").values_list(*_FIELDS, "closed_by").iterator(chunk_size=5000):
        (pk, hc_id, *texts) = row[:6]
        test, priority, issue, text = (once.setdefault(one, one) for one in texts)
        address, location, label, ne_type, name, task, state, status = (
            once.setdefault(one, one) for one in row[7:15]
        )
        if closed_by is not None and row[-1] == closed_by and state == CaseRow.State.CLOSED:
            state = CaseRow.State.OPEN
        yield Case(
            key=(hc_id, test, priority, issue, renumbered.get(str(pk), text)),
            found_on=row[6],
            address=address,
            location=location,
            label=label,
            ne_type=ne_type,
            network=name,
            task=task,
            status=shown_status(state, status),
            engineering=Engineering(*(once.setdefault(one, one) for one in row[16:-1])),
            row=pk,
            extras=tuple(row[15].items()),
        )


def _nodes(network: Network, without: HealthCheckSession | None) -> dict[int, Node]:
    before = {} if without is None else without.before
    joined = set(before.get("joined", ()))
    changed: dict[str, list[str]] = before.get("nodes", {})
    found: dict[int, Node] = {}
    rows = network.nodes.order_by("position", "pk")
    for hc_id, *attributes in rows.values_list("hc_id", "kind", "location", "sid", "pss_type"):
        if hc_id not in joined:
            found[hc_id] = Node(hc_id, *changed.get(str(hc_id), attributes))
    return found


def _columns(
    network: Network, without: HealthCheckSession | None
) -> dict[date, dict[int, date | str]]:
    rows = NodeRun.objects.filter(node__network=network)
    if without is not None:
        rows = rows.exclude(report_on=without.day)
    found: dict[date, dict[int, date | str]] = {}
    fields = ("node__hc_id", "report_on", "tested_on", "said")
    for hc_id, report_on, tested_on, said in rows.values_list(*fields).order_by("report_on", "pk"):
        found.setdefault(report_on, {})[hc_id] = said if tested_on is None else tested_on
    return found
