"""The check behind every run: the same rows, nothing that hangs in the air, nothing across."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django_system_ops.engine.row_values import Digest, same
from django_system_ops.models import TenantMoveRow
from django_system_ops.services.tenant_moves.boundaries import Boundaries
from django_system_ops.services.tenant_moves.files import hash_of
from django_system_ops.services.tenant_moves.graphs import Graph, Node
from django_system_ops.services.tenant_moves.identities import fresh_fields
from django_system_ops.services.tenant_moves.journal import Journal
from django_system_ops.services.tenant_moves.reports import MoveReport
from django_system_ops.services.tenant_moves.translating import Translator, read_rows, stored
from django_system_ops.services.tenants import Tenants

__all__ = ["Verifier"]

Outcome = TenantMoveRow.Outcome


class Verifier:
    """Compares what the other tenant has with what it should have."""

    def __init__(
        self,
        graph: Graph,
        journal: Journal,
        translator: Translator,
        target: Tenants,
        report: MoveReport,
        *,
        check: Callable[[], None],
    ) -> None:
        self._graph, self._journal, self._translator = graph, journal, translator
        self._target, self._report, self._check = target, report, check
        self._using = journal.using
        self._boundaries = Boundaries(graph, target, using=self._using)

    def verify(self, *, with_adopted: bool, with_files: bool, with_contents: bool) -> None:
        """
        Write into the report what is not as it should be.

        Args:
            with_adopted: whether rows that the target had already are to be the same too.
            with_files: whether files are looked for.
            with_contents: whether they are read again.
        """
        for node in self._graph.order:
            digest = Digest()
            for page in self._journal.pages(node.model):
                self._check()
                self._page(node, page, digest, with_adopted=with_adopted)
                if with_files:
                    self._files(node, page, with_contents=with_contents)
            self._report.of(node.label).sha256 = digest.text

    def _page(
        self, node: Node, page: Sequence[TenantMoveRow], digest: Digest, *, with_adopted: bool
    ) -> None:
        keys = [node.key_of(row.old_pk) for row in page]
        there = read_rows(node, keys, using=self._using)
        new = [node.key_of(row.new_pk) for row in page if row.new_pk]
        now = read_rows(node, new, using=self._using)
        entries = [row for row in page if row.old_pk in there]
        wanted = self._translator.page(
            node, [there[row.old_pk] for row in entries], with_loose=True
        )
        for entry, translated in zip(entries, wanted, strict=True):
            found = now.get(entry.new_pk)
            if found is None:
                self._report.find(f"{node.label} {entry.old_pk}: it has no copy")
                continue
            names = [one.attname for one in node.fields if not one.primary_key]
            expected = stored(node, entry, translated.values)
            if entry.outcome == Outcome.ADOPTED:
                names = [name for name in names if name not in fresh_fields(node)]
            if entry.outcome == Outcome.COPIED or with_adopted:
                other = [name for name in names if not same(expected[name], found[name])]
                if other:
                    self._report.find(
                        f"{node.label} {entry.old_pk}: its copy {entry.new_pk} differs in "
                        f"{', '.join(other)}"
                    )
                digest.add(expected[name] for name in names)
        self._look_around(node, list(now.values()))

    def _look_around(self, node: Node, rows: Sequence[Mapping[str, Any]]) -> None:
        _, outsiders = self._boundaries.look(node, rows)
        for one in outsiders:
            self._report.find(str(one))
        if node.owner.path:
            keys = {row[node.pk.attname] for row in rows}
            mine = node.owner.rows(node.model, self._target, self._using).filter(pk__in=keys)
            for key in sorted(keys - set(mine.values_list("pk", flat=True)), key=str):
                self._report.find(f"{node.label} {key}: it is not {self._target}'s")

    def _files(self, node: Node, page: Sequence[TenantMoveRow], *, with_contents: bool) -> None:
        for pointer in node.files:
            storage: Any = pointer.storage
            for entry in page:
                note = entry.values.get(pointer.attname)
                if note is None or not entry.new_pk:
                    continue
                name = note["to"]
                if not storage.exists(name):
                    self._report.find(f"{node.label} {entry.new_pk}: its file {name} is not there")
                elif with_contents and hash_of(storage, name) != note["sha256"]:
                    self._report.find(
                        f"{node.label} {entry.new_pk}: its file {name} is not what was copied"
                    )
                if with_contents and (what := _since(storage, note)):
                    self._report.find(
                        f"{node.label} {entry.old_pk}: its file {note['from']} {what} since it was "
                        "copied"
                    )


def _since(storage: Any, note: Mapping[str, str]) -> str:
    if not storage.exists(note["from"]):
        return "is gone"
    return "has changed" if hash_of(storage, note["from"]) != note["sha256"] else ""
