"""Rows of a file that may come in: their values, cleaned one by one."""

from collections.abc import Iterable, Mapping
from typing import Any

from django_system_ops.services.importing.cleaning import REFUSALS, reason_of
from django_system_ops.services.importing.columns import Cell, Layout, Layouts
from django_system_ops.services.importing.orders import Order
from django_system_ops.services.importing.problems import Problem, Rejected, masked_row, shown

__all__ = ["Candidate", "Candidates"]


class Candidate:
    """
    A row that nothing was found wrong with so far.

    Attributes:
        line: where it begins in the file.
        row: as the file has it.
        values: those of its fields by attribute; a foreign key is what it asks for until the row
            that it leads to is found.
        tenant: the key of the tenant whose it is; None in a shared type.
        existing: the key of the row that it changes; None for a new one.
        links: what its many-to-many fields ask for, by attribute, and once that is found, the keys
            of those rows.
        leans_on: rows of its batch that it leads to, by keys that the table has only when they
            come in.
        is_in: whether it is written, under the key that the file gives it.
    """

    __slots__ = (
        *("existing", "is_in", "layout", "leans_on", "line", "links", "row", "tenant", "values"),
    )

    def __init__(
        self, line: int, row: Mapping[str, Any], layout: Layout, values: dict[str, Any]
    ) -> None:
        self.line, self.row, self.layout, self.values = line, row, layout, values
        self.tenant: Any = None
        self.existing: Any = None
        self.links: dict[str, list[Any]] = {}
        self.leans_on: tuple[Candidate, ...] = ()
        self.is_in = False


class Candidates:
    """Turns rows of one file into candidates, or says what is wrong with them."""

    def __init__(self, order: Order, layouts: Layouts) -> None:
        self._order, self._layouts = order, layouts
        self._secret_columns = {
            column for column, name in order.mapping.items() if name in order.secrets
        } | order.secrets

    def of(self, line: int, row: Mapping[str, Any]) -> Candidate | Rejected:
        """Return a row with its values cleaned, or what is wrong with them: all of it at once."""
        layout = self._layouts.of(tuple(row))
        if layout.pk_column and row[layout.pk_column] in (None, ""):
            # No key is one that is not given: the table, or the field's default, has one.
            layout = self._layouts.of(tuple(name for name in row if name != layout.pk_column))
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        for column, attname, read in layout.steps:
            try:
                values[attname] = read(row[column])
            except REFUSALS as error:
                problems.append(self._refusal(layout.cells, attname, row, error))
        links: dict[str, list[Any]] = {}
        for cell in layout.links:
            assert cell.links is not None
            try:
                links[cell.attname] = cell.links.wanted(row[cell.column])
            except REFUSALS as error:
                problems.append(self._refusal(layout.links, cell.attname, row, error))
        if layout.unknown:
            problems += [Problem(name, "", reason) for name, reason in layout.unknown.items()]
        if self._layouts.fixed:
            problems += self._against_filter(layout, values)
        if problems:
            return self.rejected(line, row, problems)
        for attname, value in self._layouts.fixed.items():
            values.setdefault(attname, value)
        candidate = Candidate(line, row, layout, values)
        candidate.links = links
        return candidate

    def problem(self, cell: Cell, value: object, reason: str) -> Problem:
        """Return what is wrong with a value, which is shown unless it is a secret."""
        is_secret = cell.field.name in self._order.secrets
        # A reason may repeat the value, as many of Django's do.
        if is_secret and value not in (None, ""):
            reason = reason.replace(str(value), "…")
        return Problem(cell.column, shown(value, is_secret=is_secret), reason)

    def _refusal(
        self, cells: Iterable[Cell], attname: str, row: Mapping[str, Any], error: Exception
    ) -> Problem:
        cell = next(one for one in cells if one.attname == attname)
        return self.problem(cell, row[cell.column], reason_of(error))

    def rejected(
        self, line: int, row: Mapping[str, Any] | None, problems: Iterable[Problem]
    ) -> Rejected:
        """Return a row that does not come in, its secrets masked."""
        masked = None if row is None else masked_row(row, self._secret_columns)
        return Rejected(line, tuple(problems), masked)

    def refused(self, candidate: Candidate, attname: str, reason: str) -> Rejected:
        """Return a candidate that does not come in because of one of its fields."""
        for cell in (*candidate.layout.cells, *candidate.layout.links):
            if cell.attname == attname:
                problem = self.problem(cell, candidate.row[cell.column], reason)
                break
        else:
            problem = Problem(attname, "", reason)
        return self.rejected(candidate.line, candidate.row, [problem])

    def _against_filter(self, layout: Layout, values: Mapping[str, Any]) -> Iterable[Problem]:
        for cell in layout.cells:
            fixed = self._layouts.fixed.get(cell.attname, values)
            if fixed is values or cell.attname not in values or cell.reference is not None:
                continue
            if values[cell.attname] != fixed:
                name = self._order.kind.name
                yield Problem(
                    cell.column, "", f"rows of the type {name!r} have {shown(fixed)} there."
                )
