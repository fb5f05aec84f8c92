"""
Copies of rows, with keys of their own.

Values go in as they are: no ``save()``, no signals, no ``auto_now``; generated columns generate
themselves. Each page of copies is one transaction with the lines of the journal that tell of it,
so that a killed run has either both or neither, and the next one goes on. Files come before the
rows that point at them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.db.models import Q

from django_system_ops.exceptions import TenantMoveError
from django_system_ops.models import TenantMove, TenantMoveRow
from django_system_ops.services.cleanup.statements import writing
from django_system_ops.services.tenant_moves.collecting import Refusals
from django_system_ops.services.tenant_moves.conflicts import Conflicts
from django_system_ops.services.tenant_moves.files import FileCopier
from django_system_ops.services.tenant_moves.graphs import Graph, Node
from django_system_ops.services.tenant_moves.holdings import Holdings
from django_system_ops.services.tenant_moves.identities import fresh_fields
from django_system_ops.services.tenant_moves.journal import Journal
from django_system_ops.services.tenant_moves.reports import MoveReport
from django_system_ops.services.tenant_moves.translating import (
    Translated,
    Translator,
    read_rows,
)
from django_system_ops.services.tenant_moves.updating import Updater
from django_system_ops.services.tenant_moves.writing import insert_rows

__all__ = ["Copier"]

Outcome = TenantMoveRow.Outcome


class Copier:
    """Writes the rows of the journal for the other tenant."""

    def __init__(
        self,
        graph: Graph,
        journal: Journal,
        translator: Translator,
        holdings: Holdings,
        conflicts: Conflicts,
        files: FileCopier,
        report: MoveReport,
        *,
        check: Callable[[], None],
        advance: Callable[[int], None],
    ) -> None:
        self._graph, self._journal, self._translator = graph, journal, translator
        self._conflicts, self._files, self._report = conflicts, files, report
        self._check, self._advance = check, advance
        self._using = journal.using
        self._updater = Updater(journal, translator, holdings, files, report, check=check)

    def look_ahead(self) -> None:
        """
        Find what cannot be copied, before anything is, and what the other tenant has already.

        Raises:
            TenantMoveError: it names the first rows, and the way out; the map is as it was.
        """
        refusals = Refusals()
        # What is adopted in vain is not adopted.
        with writing(TenantMove, self._using) if self._conflicts.adopts else nullcontext():
            for node in self._graph.order:
                report = self._report.of(node.label)
                report.rows = self._journal.count(node.model)
                report.skipped = self._journal.count(node.model, ~Q(new_pk=""))
                self._look_at_files(node, refusals)
                adopted, refused = self._look_at(node)
                # One that points at its own kind may have its place for what was adopted now.
                while adopted and any(one.target is node.model for one in node.links):
                    adopted, refused = self._look_at(node)
                refusals.join(refused)
            refusals.raise_any("Settle these, and run it again.")

    def copy(self, *, update: bool) -> None:
        """
        Copy what the other tenant has not; ``update`` brings what it has up to date.

        Raises:
            TenantMoveError: a row cannot be copied; what was copied stays, and is known.
        """
        for node in self._graph.order:
            self._insert(node)
        for node in self._graph.order:
            if node.loose:
                self._updater.settle(node)
        if update:
            for node in self._graph.order:
                self._updater.update(node)

    def _look_at(self, node: Node) -> tuple[int, Refusals]:
        """Return how many rows were adopted, and why others cannot be copied."""
        count, refusals = 0, Refusals()
        for page in self._journal.pages(node.model, Q(new_pk="")):
            self._check()
            there = read_rows(node, self._keys(node, page), using=self._using)
            entries = [row for row in page if row.old_pk in there]
            rows = [there[row.old_pk] for row in entries]
            wanted = self._translator.page(node, rows, with_loose=False)
            known = [
                {k: value for k, value in one.values.items() if value is not None or row[k] is None}
                for row, one in zip(rows, wanted, strict=True)
            ]
            adopted = self._conflicts.look_ahead(
                node, [row.old_pk for row in entries], known, refusals
            )
            for n, key in adopted.items():
                _adopt(node, entries[n], key)
            self._journal.record([entries[n] for n in adopted])
            count += len(adopted)
        self._report.of(node.label).adopted += count
        self._advance(count)
        return count, refusals

    def _look_at_files(self, node: Node, refusals: Refusals) -> None:
        for page in self._journal.pages(node.model, Q(new_pk="")) if node.files else ():
            self._check()
            rows = read_rows(node, self._keys(node, page), using=self._using)
            refusals.add(_bad_files(node, list(rows.values())))

    def _insert(self, node: Node) -> None:
        while True:
            done = waiting = 0
            for page in self._journal.pages(node.model, Q(new_pk="")):
                self._check()
                left = self._insert_page(node, page)
                waiting += left
                done += len(page) - left
            if not waiting:
                return
            if not done:
                raise TenantMoveError(
                    f"{waiting:,} rows of {node.label} need each other in circles, or rows that do "
                    "not go along: none of them can be there first."
                )

    def _insert_page(self, node: Node, page: Sequence[TenantMoveRow]) -> int:
        """Copy these rows; return how many wait for others of their own model."""
        there = read_rows(node, self._keys(node, page), using=self._using)
        entries = [row for row in page if row.old_pk in there]
        translated = self._translator.page(
            node, [there[row.old_pk] for row in entries], with_loose=False
        )
        ready = [n for n, one in enumerate(translated) if not one.waits]
        waiting = len(entries) - len(ready)
        self._write(node, [entries[n] for n in ready], [translated[n] for n in ready])
        return waiting

    def _write(
        self, node: Node, entries: Sequence[TenantMoveRow], rows: Sequence[Translated]
    ) -> None:
        if not entries:
            return
        for entry in entries:
            entry.values, entry.is_settled = {}, not node.loose
        originals = [dict(row.values) for row in rows]
        for row in rows:
            for name in fresh_fields(node):
                row.values[name] = node.model._meta.get_field(name).get_default()  # type: ignore[union-attr]
        wanted = [row.values for row in rows]
        settled = self._conflicts.settle(node, [row.old_pk for row in entries], wanted)
        for n, key in settled.adopted.items():
            _adopt(node, entries[n], key)
        new = [n for n in range(len(entries)) if n not in settled.adopted]
        for n in new:
            self._note_changes(node, entries[n], originals[n], wanted[n])
            self._copy_files(node, entries[n], wanted[n])
        with transaction.atomic(using=self._using):
            keys = insert_rows(node, [wanted[n] for n in new], using=self._using)
            for n, key in zip(new, keys, strict=True):
                entries[n].outcome, entries[n].new_pk = Outcome.COPIED, str(key)
            self._journal.record(entries)
        self._count(node, rows, new, adopted=len(settled.adopted), renamed=len(settled.renamed))

    def _count(
        self, node: Node, rows: Sequence[Translated], new: Sequence[int], **counts: int
    ) -> None:
        report = self._report.of(node.label)
        report.copied += len(new)
        report.adopted += counts["adopted"]
        report.renamed += counts["renamed"]
        for n in new:
            report.unlink(f"{node.label}.{name}" for name in rows[n].unlinked)
        self._advance(len(rows))

    def _note_changes(
        self,
        node: Node,
        entry: TenantMoveRow,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> None:
        for one in node.fields:
            name = one.attname
            # A copy's own key is no change of a value.
            if before[name] != after[name] and not one.primary_key:
                entry.values[name] = {"from": str(before[name]), "to": str(after[name])}

    def _copy_files(self, node: Node, entry: TenantMoveRow, values: dict[str, Any]) -> None:
        for pointer in node.files:
            if values[pointer.attname]:
                self._files.copy_of(node, entry, pointer, values)
                self._report.of(node.label).files += 1

    @staticmethod
    def _keys(node: Node, page: Sequence[TenantMoveRow]) -> list[Any]:
        return [node.key_of(row.old_pk) for row in page]


def _adopt(node: Node, entry: TenantMoveRow, key: Any) -> None:
    entry.outcome, entry.new_pk, entry.values = Outcome.ADOPTED, str(key), {}
    entry.is_settled = not node.loose


def _bad_files(node: Node, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for pointer in node.files:
        for row in rows:
            name = str(row[pointer.attname] or "")
            where = f"{node.label} {row[node.pk.attname]}: its file {name}"
            try:
                if name and not pointer.storage.exists(name):
                    found.append(
                        f"{where} is not there, and a copy of the row would point at nothing"
                    )
            except SuspiciousOperation:
                found.append(f"{where} lies outside of its storage")
    return found
