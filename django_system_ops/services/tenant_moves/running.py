"""A run: find all that goes along, refuse or write it, and check it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS

from django_system_ops.exceptions import WrongUsageError
from django_system_ops.models import TenantMove
from django_system_ops.services.cleanup.statements import writing
from django_system_ops.services.data_types import DataType, data_type, data_types
from django_system_ops.services.tenant_moves.collecting import Collector
from django_system_ops.services.tenant_moves.conflicts import Conflicts
from django_system_ops.services.tenant_moves.copying import Copier
from django_system_ops.services.tenant_moves.crossings import links_across
from django_system_ops.services.tenant_moves.files import FileCopier
from django_system_ops.services.tenant_moves.graphs import Graph, graph_of
from django_system_ops.services.tenant_moves.holdings import Holdings, forget_strays
from django_system_ops.services.tenant_moves.journal import Journal
from django_system_ops.services.tenant_moves.moving import Mover
from django_system_ops.services.tenant_moves.ownership import concrete, known_models
from django_system_ops.services.tenant_moves.places import Occupied
from django_system_ops.services.tenant_moves.reports import MoveReport
from django_system_ops.services.tenant_moves.translating import Handed, Mapped, Translator
from django_system_ops.services.tenant_moves.verifying import Verifier
from django_system_ops.services.tenants import Tenants, resolve_tenants, tenant_model

__all__ = ["CONFLICTS", "MODES", "Wishes", "forget", "migrate", "one_tenant"]

MODES = ("copy", "move")
CONFLICTS = ("error", "skip", "rename", "update")


@dataclass(frozen=True)
class Wishes:
    """
    What a run is to do.

    Attributes:
        types: names of data; none for all that is a tenant's.
        check: raises when the run has to end; asked before each page.
        advance: is told how many rows were written.
    """

    source: str
    target: str
    types: Sequence[str] = ()
    mode: str = "copy"
    on_conflict: str = "error"
    batch_size: int = 1000
    dry_run: bool = False
    verify_only: bool = False
    using: str = DEFAULT_DB_ALIAS
    check: Callable[[], None] = lambda: None
    advance: Callable[[int], None] = lambda _rows: None


def migrate(wishes: Wishes) -> MoveReport:
    """
    Copy or move a tenant's data to another, and check it.

    A move whose check finds something has not been: the report says what was found.

    Raises:
        WrongUsageError: a tenant or a type is not there, or options do not fit together.
        TenantMoveError: rows cannot go; its text names the first, and the way out.
        LockLostError: the run has to end; a copy goes on with the next run.
    """
    if wishes.mode == "move" and wishes.on_conflict in ("skip", "update"):
        raise WrongUsageError(
            f"--on-conflict={wishes.on_conflict} is for copies: a row that moves can neither stay "
            "out of it nor become another. Use error or rename, or --mode=copy."
        )
    source = one_tenant("--from", wishes.source, using=wishes.using)
    target = one_tenant("--to", wishes.target, using=wishes.using)
    if source == target:
        raise WrongUsageError(f"--from and --to are the same tenant, {source}: nothing to do.")
    types = _types(wishes.types)
    known = known_models()
    graph = graph_of(
        [concrete(kind.model) for kind in types],
        known,
        is_move=wishes.mode == "move",
        using=wishes.using,
    )
    return _Run(wishes, graph, types, source, target).report()


def forget(source: str, target: str, *, using: str) -> None:
    """Forget which rows of one tenant became which of the other: the next copy makes new ones."""
    pair = [one_tenant("--from", source, using=using), one_tenant("--to", target, using=using)]
    Journal(pair[0].pks[0], pair[1].pks[0], using=using, batch_size=1).forget()


def one_tenant(option: str, name: str, *, using: str) -> Tenants:
    """
    Return the one tenant that an option names.

    Raises:
        WrongUsageError: there is none of that name, or it names several.
    """
    found = resolve_tenants(name, using=using)
    if len(found.pks) != 1:
        raise WrongUsageError(f"{option} {name!r}: name one tenant.")
    return found


class _RolledBackError(Exception):
    """Ends a transaction that is not to be."""


class _Run:
    def __init__(
        self,
        wishes: Wishes,
        graph: Graph,
        types: Sequence[DataType],
        source: Tenants,
        target: Tenants,
    ) -> None:
        self._wishes, self._graph, self._types = wishes, graph, types
        self._source, self._target = source, target
        self._report = MoveReport(
            wishes.mode, str(source), str(target), wishes.dry_run, wishes.verify_only
        )

    def report(self) -> MoveReport:
        wishes = self._wishes
        if wishes.verify_only:
            with self._for_show():
                self._verify_only()
        elif wishes.mode == "move":
            self._move()
        elif wishes.dry_run:
            with self._for_show():
                self._copy()
        else:
            self._copy()
        return self._report

    def _copy(self) -> None:
        wishes = self._wishes
        journal, holdings = self._journal(), self._holdings()
        self._collect(journal)
        forget_strays(self._graph, journal, holdings, check=wishes.check)
        files = FileCopier(journal.move.token.hex, using=wishes.using, dry_run=wishes.dry_run)
        copier = Copier(
            self._graph,
            journal,
            self._translator(Mapped(journal, holdings)),
            holdings,
            Conflicts(wishes.on_conflict, self._occupied(), journal),
            files,
            self._report,
            check=wishes.check,
            advance=wishes.advance,
        )
        copier.look_ahead()
        copier.copy(update=wishes.on_conflict == "update")
        self._verify(journal, with_files=not wishes.dry_run, with_contents=False)

    def _verify_only(self) -> None:
        journal = self._journal()
        self._collect(journal)
        for node in self._graph.order:
            self._report.of(node.label).rows = journal.count(node.model)
        if self._wishes.mode == "copy":
            forget_strays(self._graph, journal, self._holdings(), check=self._wishes.check)
            self._verify(journal, with_files=True, with_contents=True)
            return
        self._across()

    def _move(self) -> None:
        try:
            with writing(TenantMove, self._wishes.using):
                self._lock_tenants()
                self._move_inside()
                if self._report.finding_count or self._wishes.dry_run:
                    raise _RolledBackError
        except _RolledBackError:
            pass

    def _move_inside(self) -> None:
        wishes = self._wishes
        journal = self._journal()
        self._collect(journal)
        mover = Mover(
            self._graph,
            journal,
            self._translator(Handed()),
            Conflicts(wishes.on_conflict, self._occupied(), journal, is_move=True),
            self._target,
            self._report,
            check=wishes.check,
            advance=wishes.advance,
        )
        mover.look_ahead(self._source)
        mover.move()
        self._across()
        journal.drop_run()

    def _lock_tenants(self) -> None:
        """
        Let nobody give rows to either tenant until the end.

        A foreign key to a tenant needs its row to stay, which waits for this lock. It comes first:
        on MariaDB the transaction sees the database as it is from then on.
        """
        model = tenant_model()
        assert model is not None, "both tenants were found"
        keys = [self._source.pks[0], self._target.pks[0]]
        rows = model._base_manager.using(self._wishes.using).filter(pk__in=keys).order_by("pk")
        list(rows.select_for_update().values_list("pk"))

    @contextmanager
    def _for_show(self) -> Iterator[None]:
        try:
            with writing(TenantMove, self._wishes.using):
                yield
                raise _RolledBackError
        except _RolledBackError:
            pass

    def _journal(self) -> Journal:
        return Journal(
            self._source.pks[0],
            self._target.pks[0],
            using=self._wishes.using,
            batch_size=self._wishes.batch_size,
        )

    def _collect(self, journal: Journal) -> None:
        Collector(
            self._graph,
            journal,
            self._source,
            is_move=self._wishes.mode == "move",
            check=self._wishes.check,
        ).collect(self._types)

    def _translator(self, keys: Mapped | Handed) -> Translator:
        return Translator(self._graph, keys, self._source, self._target, using=self._wishes.using)

    def _holdings(self) -> Holdings:
        return Holdings(self._graph, self._target, using=self._wishes.using)

    def _occupied(self) -> Occupied:
        return Occupied(self._target, using=self._wishes.using)

    def _verify(self, journal: Journal, *, with_files: bool, with_contents: bool) -> None:
        Verifier(
            self._graph,
            journal,
            self._translator(Mapped(journal, self._holdings())),
            self._target,
            self._report,
            check=self._wishes.check,
        ).verify(
            with_adopted=self._wishes.on_conflict == "update",
            with_files=with_files,
            with_contents=with_contents,
        )
        self._across()

    def _across(self) -> None:
        for text in links_across(
            self._graph,
            self._source,
            self._target,
            using=self._wishes.using,
            batch_size=self._wishes.batch_size,
        ):
            self._report.find(text)


def _types(names: Sequence[str]) -> list[DataType]:
    if names and "all" not in names:
        found = [data_type(name) for name in dict.fromkeys(names)]
        for kind in found:
            if kind.conf.shared:
                raise WrongUsageError(
                    f"--type {kind.name}: it is shared by all tenants, and stays where it is."
                )
        return found
    if "all" in names and len(names) > 1:
        raise WrongUsageError("--type: either all, or names.")
    found = [kind for kind in data_types() if not kind.conf.shared]
    if not found:
        raise WrongUsageError(
            "There is no data of a tenant: name it in MANAGEMENT_COMMANDS['data']['types']."
        )
    return found
