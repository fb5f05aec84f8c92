"""Where the foreign keys of a batch lead, and whose its rows are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django_system_ops.services.importing.candidates import Candidate, Candidates
from django_system_ops.services.importing.columns import Cell, Layouts
from django_system_ops.services.importing.orders import Order
from django_system_ops.services.importing.problems import Problem, Rejected, shown
from django_system_ops.services.importing.references import Found, Reference, Wanted

__all__ = ["Resolving"]

_Rows = Mapping[Wanted, tuple[Found, ...]]


class Resolving:
    """Finds the rows that foreign keys lead to: a query for each key and batch."""

    def __init__(self, order: Order, layouts: Layouts, candidates: Candidates) -> None:
        self._order, self._layouts, self._candidates = order, layouts, candidates
        self._own_target: Any = None
        # Of the batch at hand: what its rows can be found by, with whose they are; and those that
        # others lead to, by what these ask for.
        self._gathered: dict[Wanted, set[Any]] = {}
        self._givers: dict[tuple[int, Wanted], Candidate] = {}

    def resolve(
        self, batch: list[Candidate]
    ) -> tuple[list[Candidate], list[Rejected], list[Candidate]]:
        """
        Return candidates whose foreign keys lead somewhere, to their own tenant, and the others.

        A row may lead to one before it in the same file. By what it stores in its foreign key, that
        is known from the file; else that one has to be in the table first: the last list is of the
        candidates from there on, which are to be resolved when those before them are stored.
        """
        if self._layouts.head is None and not any(
            one.layout.references or one.layout.links for one in batch
        ):
            return batch, [], []
        found = self._find(batch)
        good: list[Candidate] = []
        rejected: list[Rejected] = []
        self._gathered = {}
        self._givers = {}
        for place, candidate in enumerate(batch):
            if self._has_to_wait(candidate, found):
                return good, rejected, batch[place:]
            problems = self._settle(candidate, found)
            if problems:
                rejected.append(self._candidates.rejected(candidate.line, candidate.row, problems))
                continue
            good.append(candidate)
            self._remember(candidate, found)
        return good, rejected, []

    def _has_to_wait(self, candidate: Candidate, found: Mapping[int, _Rows]) -> bool:
        """Say whether it asks for a row of this batch that only the table will know by its key."""
        if not self._gathered:
            return False
        for cell in candidate.layout.references:
            wanted, reference = candidate.values[cell.attname], cell.reference
            if reference is not None and reference.is_own and wanted in self._gathered:
                there = {tenant for _target, tenant in found[id(reference)].get(wanted, ())}
                if not self._gathered[wanted] <= there:
                    return True
        return False

    def _find(self, batch: Sequence[Candidate]) -> dict[int, dict[Wanted, tuple[Found, ...]]]:
        wanted: dict[int, tuple[Reference, set[Wanted]]] = {}
        for candidate in batch:
            for reference, value in _asked(candidate):
                wanted.setdefault(id(reference), (reference, set()))[1].add(value)
        return {key: one.find(values) for key, (one, values) in wanted.items()}

    def _settle(self, candidate: Candidate, found: Mapping[int, _Rows]) -> list[Problem]:
        """Put what was found into a candidate; return what is wrong with it."""
        problems: list[Problem] = []
        candidate.tenant = self._order.tenant_pk
        # The way to the tenant first: whose the row is decides where the others may lead.
        for cell in candidate.layout.references:
            reason = self._settle_one(candidate, cell, found)
            if reason:
                value = candidate.row[cell.column]
                problems.append(self._candidates.problem(cell, value, reason))
        for cell in candidate.layout.links:
            reason = self._settle_links(candidate, cell, found)
            if reason:
                value = candidate.row[cell.column]
                problems.append(self._candidates.problem(cell, value, reason))
        if self._layouts.head is not None and not problems:
            problems += self._nobodys(candidate)
        return problems

    def _settle_one(self, candidate: Candidate, cell: Cell, found: Mapping[int, _Rows]) -> str:
        assert cell.reference is not None
        is_head = cell.field is self._layouts.head
        wanted = candidate.values[cell.attname]
        if wanted is None:
            return "it leads to no tenant." if is_head else ""
        one, reason = _one_of(cell.reference, wanted, found, candidate.tenant)
        if one is None and _is_itself(candidate, cell.reference, wanted, found):
            candidate.leans_on += (candidate,)
            one = wanted[1], candidate.tenant
        if one is None:
            return reason
        if (giver := self._givers.get((id(cell.reference), wanted))) is not None:
            candidate.leans_on += (giver,)
        candidate.values[cell.attname], tenant = one
        if is_head:
            candidate.tenant = tenant
        return self._against_fixed(candidate, cell)

    def _settle_links(self, candidate: Candidate, cell: Cell, found: Mapping[int, _Rows]) -> str:
        assert cell.links is not None
        targets = []
        for wanted in candidate.links[cell.attname]:
            one, reason = _one_of(cell.links.reference, wanted, found, candidate.tenant)
            if one is None:
                return f"{shown(wanted[1])}: {reason}"
            targets.append(one[0])
        # Two ways of asking may lead to one row.
        candidate.links[cell.attname] = list(dict.fromkeys(targets))
        return ""

    def _against_fixed(self, candidate: Candidate, cell: Cell) -> str:
        fixed = self._layouts.fixed
        if cell.attname in fixed and candidate.values[cell.attname] != fixed[cell.attname]:
            return f"rows of the type {self._order.kind.name!r} lead elsewhere."
        return ""

    def _nobodys(self, candidate: Candidate) -> list[Problem]:
        assert self._layouts.head is not None
        attname = self._layouts.head.attname
        if candidate.tenant is None:
            return [Problem(self._layouts.head.name, "", "it does not say whose the row is.")]
        if self._layouts.is_direct and attname not in candidate.values:
            candidate.values[attname] = self._own()
        return []

    def _own(self) -> Any:
        """Return what a row of the tenant of ``--tenant`` has in its foreign key to it."""
        assert self._layouts.head is not None
        if self._own_target is None:
            reference = self._layouts.reference(self._layouts.head)
            field = self._layouts.head.target_field
            row = reference.model._base_manager.using(self._order.using)
            self._own_target = row.values_list(field.attname, flat=True).get(
                pk=self._order.tenant_pk
            )
        return self._own_target

    def _remember(self, candidate: Candidate, found: Mapping[int, Any]) -> None:
        """Let later rows of the batch lead to this one."""
        for reference in self._layouts.references.values():
            if not reference.is_own or id(reference) not in found:
                continue
            whose = None if reference.path is None else candidate.tenant
            for name in reference.ways:
                value = candidate.values.get(name)
                if value is None:
                    continue
                wanted: Wanted = (name, value)
                if name != reference.target_attname:
                    self._gathered.setdefault(wanted, set()).add(whose)
                elif not found[id(reference)].get(wanted):
                    found[id(reference)][wanted] = ((value, whose),)
                    self._givers[id(reference), wanted] = candidate


def _asked(candidate: Candidate) -> Iterator[tuple[Reference, Wanted]]:
    """Yield what a candidate asks for."""
    for cell in candidate.layout.references:
        wanted = candidate.values[cell.attname]
        if cell.reference is not None and wanted is not None:
            yield cell.reference, wanted
    for cell in candidate.layout.links:
        if cell.links is not None:
            for one in candidate.links[cell.attname]:
                yield cell.links.reference, one


def _is_itself(
    candidate: Candidate, reference: Reference, wanted: Wanted, found: Mapping[int, _Rows]
) -> bool:
    """Say whether a candidate leads to itself, by a key that nobody has yet."""
    name = reference.target_attname
    return (
        reference.is_own
        and wanted == (name, candidate.values.get(name))
        and not found[id(reference)].get(wanted)
    )


def _one_of(
    reference: Reference, wanted: Wanted, found: Mapping[int, _Rows], tenant: Any
) -> tuple[Found | None, str]:
    """Return the row that is meant, or why there is none."""
    rows = found[id(reference)].get(wanted, ())
    if not rows:
        return None, f"there is no {reference.model._meta.verbose_name} of this {wanted[0]}."
    if reference.path is not None and tenant is not None:
        rows = tuple(one for one in rows if one[1] == tenant)
        if not rows:
            return None, "it is another tenant's."
    if len(rows) > 1:
        return None, f"{len(rows)} rows have this {wanted[0]}."
    return rows[0], ""
