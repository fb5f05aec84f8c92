"""All rows that go along: found page by page, and written down in the journal."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from django_system_ops.exceptions import TenantMoveError
from django_system_ops.models import TenantMoveRow
from django_system_ops.services.data_types import DataType
from django_system_ops.services.tenant_moves.boundaries import Boundaries, Outsider
from django_system_ops.services.tenant_moves.graphs import Generic, Graph, Link, Node
from django_system_ops.services.tenant_moves.journal import Journal
from django_system_ops.services.tenant_moves.ownership import concrete
from django_system_ops.services.tenants import Tenants

__all__ = ["Collector", "Refusals", "pages_of_keys"]

_MOST_EXAMPLES = 5


@dataclass
class Refusals:
    """Why nothing may go; the first few are named."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, found: Sequence[object]) -> None:
        """Take some more."""
        self.count += len(found)
        room = _MOST_EXAMPLES - len(self.examples)
        self.examples += [str(one) for one in found[:room]]

    def join(self, other: "Refusals") -> None:
        """Take those of another."""
        self.count += other.count
        self.examples += other.examples[: _MOST_EXAMPLES - len(self.examples)]

    def raise_any(self, ending: str) -> None:
        """
        Do nothing when there are none.

        Raises:
            TenantMoveError: it names some, says how many more, and ends with the way out.
        """
        if not self.count:
            return
        more = self.count - len(self.examples)
        text = "; ".join(self.examples) + (f"; and {more:,} more" if more else "")
        raise TenantMoveError(f"Nothing was written. {text}. {ending}")


class Collector:
    """Follows the links of a tenant's rows until nothing new comes."""

    def __init__(
        self,
        graph: Graph,
        journal: Journal,
        tenants: Tenants,
        *,
        is_move: bool,
        check: Callable[[], None],
    ) -> None:
        self._graph, self._journal, self._tenants = graph, journal, tenants
        self._is_move, self._check = is_move, check
        self._boundaries = Boundaries(graph, tenants, using=journal.using)
        self.refusals = Refusals()

    def collect(self, types: Sequence[DataType]) -> None:
        """
        Find the rows of these types and all that goes along.

        Raises:
            TenantMoveError: a row points at another tenant's, or at nothing.
        """
        using = self._journal.using
        for kind in types:
            for keys in pages_of_keys(
                kind.rows(self._tenants, using=using), self._journal.batch_size
            ):
                self._journal.add(concrete(kind.model), keys, is_whole=True)
        while page := self._journal.unexpanded():
            self._check()
            self._expand(page)
            self._journal.mark_expanded(page)
        self.refusals.raise_any(
            "Let these links end within the tenant or at shared rows: validate_system finds such "
            "as lead nowhere."
        )

    def _expand(self, page: Sequence[TenantMoveRow]) -> None:
        node = self._graph.by_label(page[0].model)
        is_whole = page[0].is_whole or self._is_move
        keys = [node.key_of(row.old_pk) for row in page]
        columns = {link.column for link in node.below if link.column not in node.names}
        wanted = [*node.names, *sorted(columns)]
        rows = list(
            node.model._base_manager.using(self._journal.using)
            .filter(pk__in=keys)
            .order_by()
            .values(*wanted)
        )
        targets, outsiders = self._boundaries.look(node, rows)
        self.refusals.add(outsiders)
        for one in targets:
            if one.is_needed and one.keys:
                self._journal.add(
                    one.model, set(one.keys.values()), is_whole=self._is_move or one.is_whole
                )
        if is_whole:
            self._go_down(node, rows)

    def _go_down(self, node: Node, rows: Sequence[dict[str, Any]]) -> None:
        for link in node.below:
            self._below(link, {row[link.column] for row in rows} - {None})
        keys = [row[node.pk.attname] for row in rows]
        for other in self._graph.nodes.values():
            for generic in other.generics:
                if generic.says_whose:
                    self._generic(generic, node, keys)
        if not self._is_move:
            for stranger in self._graph.strangers:
                self._refuse(stranger, node, keys)

    def _below(self, link: Link, values: set[Any]) -> None:
        owner = self._graph.known[link.model]
        using = self._journal.using
        rows = link.model._base_manager.using(using).order_by()
        if owner.head != link.field.name:
            # It says itself whose it is; that of another tenant is none of ours.
            rows = owner.rows(link.model, self._tenants, using)
        for keys in pages_of_keys(
            rows.filter(**{f"{link.name}__in": values}), self._journal.batch_size
        ):
            self._journal.add(link.model, keys, is_whole=True)

    def _generic(self, generic: Generic, node: Node, keys: Sequence[Any]) -> None:
        rows = self._pointing(generic, node, keys)
        if rows is not None:
            for found in pages_of_keys(rows, self._journal.batch_size):
                self._journal.add(generic.model, found, is_whole=True)

    def _refuse(self, stranger: Generic, node: Node, keys: Sequence[Any]) -> None:
        rows = self._pointing(stranger, node, keys)
        if rows is None:
            return
        first = rows.values_list("pk", stranger.number).order_by("pk").first()
        if first is not None:
            label = stranger.model._meta.label
            self.refusals.add(
                [
                    Outsider(
                        label,
                        str(first[0]),
                        stranger.name,
                        node.label,
                        str(first[1]),
                        f"and nobody has said whose it is: name {label} in "
                        "MANAGEMENT_COMMANDS['tenant_moves'], in ['generic'] if it belongs to what "
                        "it points at, or in ['leave']",
                    )
                ]
            )

    def _pointing(
        self, generic: Generic, node: Node, keys: Sequence[Any]
    ) -> "models.QuerySet[Any] | None":
        kinds = self._graph.types_of(node.model)
        held = [value for key in keys if (value := generic.held(key)) is not None]
        if not kinds or not held:
            return None
        rows = generic.model._base_manager.using(self._journal.using).order_by()
        return rows.filter(**{f"{generic.kind}__in": kinds, f"{generic.number}__in": held})


def pages_of_keys(rows: "models.QuerySet[Any]", size: int) -> Iterator[list[Any]]:
    """Yield the primary keys of rows, some at a time."""
    ordered = rows.order_by("pk").values_list("pk", flat=True)
    page = list(ordered[:size])
    while page:
        yield page
        page = list(ordered.filter(pk__gt=page[-1])[:size])
