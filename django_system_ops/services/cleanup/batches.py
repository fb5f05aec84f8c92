"""
One batch after the other: a short transaction each, and a cursor that never goes back.

Asking for "the first thousand" again and again would walk over what was removed before, more each
time, until a vacuum comes. The cursor is the primary key of the last row that was looked at.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from django.db import Error as DatabaseError
from django.db import connections, models, transaction

from django_system_ops.engine.pacing import Pace
from django_system_ops.services.cleanup.archiving import Archive, archive_rows
from django_system_ops.services.cleanup.files import files_of
from django_system_ops.services.cleanup.gathering import Rows, Scope, gather
from django_system_ops.services.cleanup.kinds import RowKind
from django_system_ops.services.cleanup.ledger import NoLedger
from django_system_ops.services.cleanup.relations import Cascade, Model
from django_system_ops.services.cleanup.removing import Counting, Removing, carry_out
from django_system_ops.services.cleanup.statements import (
    LazyDelete,
    Stopwatch,
    is_lock_timeout,
    patiently,
    writing,
)
from django_system_ops.services.cleanup.tally import Tally

__all__ = ["Batches", "CascadeBatches", "Plan", "RangeBatches", "Step"]

# How many rows a statement is about, however large the batch.
_ROWS_PER_STATEMENT = 1000


@dataclass(frozen=True)
class Plan:
    """
    How the rows of a type go.

    Attributes:
        rows: that are to go.
        by_range: whether they take nothing along, so that a statement can remove what is between
            two keys.
        by_key: of which models each row has to be known.
        gone: what a dry run has counted.
    """

    kind: RowKind
    cascade: Cascade
    rows: "models.QuerySet[models.Model]"
    batch_size: int
    by_range: bool
    by_key: Callable[[Model], bool]
    archive: Archive | None = None
    dry_run: bool = False
    gone: NoLedger = field(default_factory=NoLedger)

    @property
    def using(self) -> str:
        """Return the database."""
        return self.kind.using

    @property
    def has_files(self) -> bool:
        """Return whether files go with the rows: these must not come back then."""
        return any(node.files for node in self.cascade.nodes.values())

    @contextmanager
    def writing(self, *, is_lazy: bool = False) -> Iterator[None]:
        """Begin a batch: the transaction, and what the archive keeps only if that ends well."""
        # The archive first: who waits for it holds no row.
        archived = self.archive.batch() if self.archive else nullcontext()
        with archived, writing(self.kind.model, self.using, is_lazy=is_lazy):
            yield

    def window(self, after: Any, until: Any) -> "models.QuerySet[models.Model]":
        """Return the rows between two keys; None is no limit."""
        rows = self.rows if after is None else self.rows.filter(pk__gt=after)
        return rows if until is None else rows.filter(pk__lte=until)


@dataclass(frozen=True)
class Step:
    """
    What a batch did, the key that it came to, and whether the window has no more.

    ``has_met`` says that somebody held a row, which may be left.
    """

    tally: Tally
    last: Any
    is_last: bool
    has_met: bool = False


class Batches(Protocol):
    """Makes one batch after the other; each job has its own."""

    def step(self, after: Any, until: Any) -> Step:
        """Do away with the next rows of a window."""


class RangeBatches:
    """Rows that take nothing along: nobody looks at them one by one."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._pace = Pace(plan.batch_size, target_seconds=_patience(plan.using), least=10)
        self._careful = CascadeBatches(plan)
        self._delete = LazyDelete(plan.using, plan.window)
        #: Whether most numbers are keys of old rows, as far as was seen.
        self._is_dense = True

    def step(self, after: Any, until: Any) -> Step:
        """Remove what is between two keys, in one statement that asks for the age itself."""
        plan, watch = self._plan, Stopwatch()
        size = self._pace.size
        with watch.on(plan.using):
            last = self._bound(after, until, size)
            try:
                count = self._delete(after, last)
            except DatabaseError as error:
                if not is_lock_timeout(error):
                    raise
                # Somebody holds one of them: the others go without it.
                return replace(self._careful.step(after, until), has_met=True)
        self._pace.took(watch.longest)
        self._is_dense = count * 4 >= size
        tally = Tally(longest_seconds=watch.longest)
        if count:
            tally.rows[plan.kind.model._meta.label] += count
        return Step(tally, last, last == until)

    def _bound(self, after: Any, until: Any, size: int) -> Any:
        """Return the key up to which there are ``size`` rows at most."""
        if self._is_dense and isinstance(after, int) and isinstance(until, int):
            # So many numbers are not more rows: nobody has to be asked.
            return min(after + size, until)
        keys = self._plan.window(after, until).order_by("pk").values_list("pk", flat=True)
        found = list(keys[size - 1 : size])
        return found[0] if found else until


class CascadeBatches:
    """Rows that take others along: these are found first, and go first."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._pace = Pace(plan.batch_size, target_seconds=1.0)
        self._rows_pace = Pace(
            _ROWS_PER_STATEMENT,
            target_seconds=_patience(plan.using),
            least=50,
            size=_ROWS_PER_STATEMENT // 2,
        )
        self._scope = Scope(
            plan.cascade, plan.using, plan.by_key, lambda: self._rows_pace.size, plan.gone
        )
        self._removing = Removing(self._scope)
        self._counting = Counting(self._scope, plan.gone)

    def step(self, after: Any, until: Any) -> Step:
        """Do away with the next rows; a batch that met somebody else's is tried again."""
        return patiently(self._plan.using, partial(self._step, after, until))

    def _step(self, after: Any, until: Any) -> Step:
        plan, watch, started = self._plan, Stopwatch(), time.perf_counter()
        size = self._pace.size
        with watch.on(plan.using):
            if plan.dry_run:
                roots = self._roots(after, until, size, lock=False)
                tally = self._count(roots)
            else:
                with plan.writing(is_lazy=not plan.has_files):
                    roots = self._roots(after, until, size, lock=True)
                    tally = self._remove(roots)
        self._rows_pace.took(watch.longest)
        self._pace.took(time.perf_counter() - started)
        tally.longest_seconds = watch.longest
        last = next(reversed(roots), until)
        return Step(tally, last, len(roots) < size or last == until)

    def _roots(self, after: Any, until: Any, size: int, *, lock: bool) -> Rows:
        plan = self._plan
        rows = plan.window(after, until).order_by("pk")
        features = connections[plan.using].features
        if lock and features.has_select_for_update:
            # What somebody else holds is in use, and stays. What is ours cannot be touched any
            # more: rows that came to be younger were seen as that.
            ups = [name for name in _links_up(plan.kind.model) if _is_joined(rows)]
            of = ("self", *ups) if ups and features.has_select_for_update_of else ()
            rows = rows.select_for_update(
                skip_locked=features.has_select_for_update_skip_locked, of=of
            )
        columns = plan.cascade.root.columns
        return {row[0]: row for row in rows.values_list(*columns)[:size]}

    def _remove(self, roots: Rows) -> Tally:
        plan, scope = self._plan, self._scope
        closure = gather(scope, roots)
        tally = Tally(protected=closure.protected, kept=closure.kept)
        if plan.archive is not None and any(closure.rows.values()):
            tally.archived = plan.archive.write(archive_rows(scope, closure))
        files = files_of(scope, closure)
        tally.rows, tally.nulled = carry_out(scope, closure, self._removing)
        transaction.on_commit(lambda: files.remove(tally), using=plan.using)
        return tally

    def _count(self, roots: Rows) -> Tally:
        plan, scope = self._plan, self._scope
        fresh = plan.gone.fresh(plan.cascade.root.label, roots)
        closure = gather(scope, {key: row for key, row in roots.items() if key in fresh})
        tally = Tally(protected=closure.protected, kept=closure.kept)
        files = files_of(scope, closure)
        tally.rows, tally.nulled = carry_out(scope, closure, self._counting)
        files.remove(tally, dry_run=True, gone=plan.gone)
        return tally


def _patience(using: str) -> float:
    """Return how long a statement may take, in seconds."""
    # SQLite writes each page that a batch has touched anew: the smaller the batches, the more of
    # the same pages. Others wait for its one writer as they do for any.
    return 1.0 if connections[using].vendor == "sqlite" else 0.1


def _links_up(model: Model) -> list[str]:
    return [link.name for link in model._meta.parents.values() if link is not None]


def _is_joined(rows: "models.QuerySet[models.Model]") -> bool:
    return len(rows.query.alias_map) > 1
