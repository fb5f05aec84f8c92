"""Copies that are there already: their links in circles, and what has changed since."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q

from django_system_ops.engine.row_values import same
from django_system_ops.models import TenantMoveRow
from django_system_ops.services.tenant_moves.files import FileCopier
from django_system_ops.services.tenant_moves.graphs import Node
from django_system_ops.services.tenant_moves.holdings import Holdings
from django_system_ops.services.tenant_moves.identities import fresh_fields
from django_system_ops.services.tenant_moves.journal import Journal
from django_system_ops.services.tenant_moves.reports import MoveReport
from django_system_ops.services.tenant_moves.translating import Translator, read_rows, stored
from django_system_ops.services.tenant_moves.writing import update_rows

__all__ = ["Updater"]

Outcome = TenantMoveRow.Outcome


class Updater:
    """Changes rows of the other tenant, page by page."""

    def __init__(
        self,
        journal: Journal,
        translator: Translator,
        holdings: Holdings,
        files: FileCopier,
        report: MoveReport,
        *,
        check: Callable[[], None],
    ) -> None:
        self._journal, self._translator, self._files = journal, translator, files
        self._holdings, self._report, self._check = holdings, report, check
        self._using = journal.using

    def settle(self, node: Node) -> None:
        """Set the columns that close circles, now that all rows are there."""
        names = [name for name in node.names if name in node.loose]
        for page in self._journal.pages(node.model, Q(is_settled=False) & ~Q(new_pk="")):
            self._check()
            mine = self._mine(node, page)
            own = [row for row in mine if row.outcome == Outcome.COPIED]
            there = read_rows(node, [node.key_of(row.old_pk) for row in own], using=self._using)
            entries = [row for row in own if row.old_pk in there]
            rows = self._translator.page(
                node, [there[row.old_pk] for row in entries], with_loose=True
            )
            report = self._report.of(node.label)
            for row in rows:
                report.unlink(
                    f"{node.label}.{name}"
                    for name in row.unlinked
                    if _column(node, name) in node.loose
                )
            wanted = {
                entry.new_pk: {name: row.values[name] for name in names}
                for entry, row in zip(entries, rows, strict=True)
                if any(row.values[name] is not None for name in names)
            }
            for row_of_map in page:
                row_of_map.is_settled = True
            with transaction.atomic(using=self._using):
                update_rows(node, wanted, names, using=self._using)
                self._journal.record(page)

    def update(self, node: Node) -> None:
        """
        Bring the rows that the other tenant has up to date.

        Raises:
            TenantMoveError: a row cannot become like the one that it was copied from.
        """
        report = self._report.of(node.label)
        names = [one.attname for one in node.fields if not one.primary_key]
        for page in self._journal.pages(node.model, ~Q(new_pk="")):
            self._check()
            mine = self._mine(node, page)
            there = read_rows(node, [node.key_of(row.old_pk) for row in mine], using=self._using)
            new = [node.key_of(row.new_pk) for row in mine]
            now = read_rows(node, new, using=self._using)
            entries = [row for row in mine if row.old_pk in there and row.new_pk in now]
            rows = self._translator.page(
                node, [there[row.old_pk] for row in entries], with_loose=True
            )
            changed: dict[str, dict[str, Any]] = {}
            replaced: list[Callable[[], None]] = []
            noted: list[TenantMoveRow] = []
            for entry, row in zip(entries, rows, strict=True):
                before = dict(entry.values)
                wanted = stored(node, entry, row.values)
                self._keep_fresh(node, entry, wanted, now[entry.new_pk])
                replaced += self._renew_files(node, entry, row.values, wanted)
                if not all(same(wanted[name], now[entry.new_pk][name]) for name in names):
                    changed[entry.new_pk] = {name: wanted[name] for name in names}
                if entry.values != before:
                    noted.append(entry)
            with transaction.atomic(using=self._using):
                update_rows(node, changed, names, using=self._using)
                self._journal.record(noted)
                for remove in replaced:
                    # What cannot be removed is left over: the rows are as they should be.
                    transaction.on_commit(remove, using=self._using, robust=True)
            report.updated += len(changed)

    def _mine(self, node: Node, page: Sequence[TenantMoveRow]) -> list[TenantMoveRow]:
        """Return those whose row is still the target's: no other one is written to."""
        keys = {row.new_pk: node.key_of(row.new_pk) for row in page}
        mine = self._holdings.among(node.model, keys.values())
        return [row for row in page if keys[row.new_pk] in mine]

    @staticmethod
    def _keep_fresh(
        node: Node, entry: TenantMoveRow, wanted: dict[str, Any], now: Mapping[str, Any]
    ) -> None:
        # A row that was there before keeps what only it may have.
        if entry.outcome == Outcome.ADOPTED:
            for name in fresh_fields(node):
                wanted[name] = now[name]

    def _renew_files(
        self,
        node: Node,
        entry: TenantMoveRow,
        source: Mapping[str, Any],
        wanted: dict[str, Any],
    ) -> list[Callable[[], None]]:
        """Copy the files that have changed, and return what removes the copies before."""
        replaced: list[Callable[[], None]] = []
        for pointer in node.files:
            name = str(source[pointer.attname] or "")
            note = entry.values.get(pointer.attname)
            if name and self._files.is_outdated(node, entry, pointer, name):
                wanted[pointer.attname] = name
                self._files.copy_of(node, entry, pointer, wanted)
                self._report.of(node.label).files += 1
            elif note is not None and not name:
                del entry.values[pointer.attname]
            if note is not None and note != entry.values.get(pointer.attname):
                replaced.append(partial(self._files.remove, node, pointer, note["to"]))
        return replaced


def _column(node: Node, name: str) -> str:
    for link in node.links:
        if link.field.name == name:
            return link.name
    return next((one.number for one in node.generics if one.name == name), name)
