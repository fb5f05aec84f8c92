"""A run: type by type, in batches, until nothing old is left or the time is over."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from django.db import Error as DatabaseError
from django.db import models

from django_system_ops.exceptions import LockLostError, WrongUsageError
from django_system_ops.services.cleanup.archiving import SUFFIX, Archive, archive_path
from django_system_ops.services.cleanup.batches import (
    Batches,
    CascadeBatches,
    Plan,
    RangeBatches,
    Step,
)
from django_system_ops.services.cleanup.collecting import CollectorBatches
from django_system_ops.services.cleanup.folders import clean_folder
from django_system_ops.services.cleanup.jobs import Brake, Jobs, jobs_for, work_off
from django_system_ops.services.cleanup.kinds import FolderKind, RowKind, Selection
from django_system_ops.services.cleanup.ledger import Ledger, NoLedger
from django_system_ops.services.cleanup.relations import Cascade, Model, cascade_of
from django_system_ops.services.cleanup.reports import CleanupReport, TypeReport
from django_system_ops.services.cleanup.statements import make_durable
from django_system_ops.services.cleanup.tally import Tally

__all__ = ["Wishes", "clean_up"]

# A piece of the keys is so many batches at most: a stretch without old rows takes that long.
_BATCHES_PER_PIECE = 50
_MOST_PIECES = 4096


@dataclass(frozen=True)
class Wishes:
    """
    How a run is to be done.

    Attributes:
        jobs: how many batches beside each other, where that can be.
        max_seconds: after so long no batch begins; None for no limit.
        archive: a directory, or a file for a single type; empty for none.
        check: raises when the run has to end; asked before each batch.
        advance: is told how many rows went.
    """

    now: datetime
    batch_size: int = 1000
    jobs: int = 4
    max_seconds: float | None = None
    archive: str = ""
    dry_run: bool = False
    check: Callable[[], None] = lambda: None
    advance: Callable[[int], None] = lambda _rows: None


def clean_up(selection: Selection, wishes: Wishes) -> CleanupReport:
    """
    Remove what is old, or count it in a dry run.

    What goes wrong ends the run and is in the report, with what was done until then; so is an
    interrupt.

    Raises:
        WrongUsageError: the archive cannot be where it is asked for; nothing was done.
        LockLostError: the run has to end; what was done stays done.
    """
    rows = [kind for kind in selection.kinds if isinstance(kind, RowKind)]
    if wishes.archive.endswith(SUFFIX) and len(rows) != 1:
        raise WrongUsageError(
            f"--archive {wishes.archive!r} is a file, which has room for one type of rows, and "
            f"there are {len(rows)}: name a directory, or one --type."
        )
    return _Run(selection, wishes, rows).report()


class _Run:
    def __init__(self, selection: Selection, wishes: Wishes, rows: Sequence[RowKind]) -> None:
        self._selection = selection
        self._wishes = wishes
        limit = wishes.max_seconds
        deadline = None if limit is None else time.monotonic() + limit
        self._brake = Brake(
            wishes.check, lambda: deadline is not None and time.monotonic() >= deadline
        )
        self._cascades = {
            kind.name: cascade_of(kind.model, using=kind.using, with_files=kind.delete_files)
            for kind in rows
        }
        self._tracked = _tracked(self._cascades.values())
        # Before anything is done: what cannot be archived is not to be found out half-way.
        self._archives = {
            kind.name: archive_path(wishes.archive, kind.name, wishes.now)
            for kind in rows
            if wishes.archive and not wishes.dry_run
        }

    def report(self) -> CleanupReport:
        done: list[TypeReport] = []
        with Ledger() if self._wishes.dry_run else nullcontext(NoLedger()) as gone:
            for kind in self._selection.kinds:
                if isinstance(kind, FolderKind):
                    done.append(self._folder(kind))
                else:
                    done.append(self._rows(kind, gone))
                if done[-1].error is not None:
                    break
        error = done[-1].error if done else None
        return CleanupReport(
            dry_run=self._wishes.dry_run,
            types=tuple(done),
            skipped=self._selection.skipped,
            is_complete=error is None and all(one.is_complete for one in done),
            error=error,
        )

    def _folder(self, kind: FolderKind) -> TypeReport:
        started = time.monotonic()
        cutoff = self._wishes.now - timedelta(days=kind.days)
        report = TypeReport(kind.name, str(kind.directory), kind.days, cutoff, Tally(), 0.0)
        cut_before, self._brake.has_cut = self._brake.has_cut, False
        try:
            tally = clean_folder(
                kind,
                cutoff=cutoff.timestamp(),
                dry_run=self._wishes.dry_run,
                goes_on=self._brake.goes_on,
            )
            report = replace(report, tally=tally, is_complete=not self._brake.has_cut)
        except LockLostError:
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # raised with the report
            report = replace(report, error=error, is_complete=False)
        self._brake.has_cut |= cut_before
        return replace(report, seconds=time.monotonic() - started)

    def _rows(self, kind: RowKind, gone: NoLedger) -> TypeReport:
        wishes, started = self._wishes, time.monotonic()
        cascade = self._cascades[kind.name]
        keys_are_numbers = isinstance(kind.model._meta.pk, models.IntegerField)
        jobs = jobs_for(kind.using, wishes.jobs, keys_are_numbers=keys_are_numbers)
        report = TypeReport(
            kind.name,
            kind.model._meta.label,
            kind.days,
            kind.cutoff(wishes.now),
            Tally(),
            0.0,
            jobs=jobs.count,
            jobs_reason=jobs.reason,
            collector=cascade.collector,
        )
        place = self._archives.get(kind.name)
        archive = Archive(place) if place is not None else None
        report = replace(report, archive=place)
        plan = self._plan(kind, cascade, archive, gone)
        work = _TypeWork(plan, jobs, self._brake, wishes)
        error: BaseException | None = None
        try:
            work.run()
        except LockLostError:
            raise
        except (Exception, KeyboardInterrupt) as caught:  # noqa: BLE001  # raised with the report
            error = caught
        finally:
            if archive is not None:
                archive.close()
        is_complete = error is None and not work.was_cut
        left = None
        is_stopped = isinstance(error, KeyboardInterrupt)
        if not (wishes.dry_run or is_stopped) and (work.has_met or not is_complete):
            left = _left(plan, work.tally.kept)
        return replace(
            report,
            tally=work.tally,
            is_complete=is_complete,
            left=left,
            error=error,
            seconds=time.monotonic() - started,
        )

    def _plan(
        self, kind: RowKind, cascade: Cascade, archive: Archive | None, gone: NoLedger
    ) -> Plan:
        dry_run, tracked = self._wishes.dry_run, self._tracked
        rows = kind.old_rows(self._wishes.now)

        def by_key(model: Model) -> bool:
            node = cascade.nodes.get(model)
            if dry_run and model in tracked:
                return True
            return node is not None and (archive is not None or not node.is_leaf)

        is_one_table = len(rows.query.alias_map) <= 1 and not kind.is_joined
        return Plan(
            kind=kind,
            cascade=cascade,
            rows=rows,
            batch_size=self._wishes.batch_size,
            by_range=is_one_table and not cascade.collector and not by_key(kind.model),
            by_key=by_key,
            archive=archive,
            dry_run=dry_run,
            gone=gone,
        )


class _TypeWork:
    """The rows of one type go, in pieces that the jobs share out among themselves."""

    def __init__(self, plan: Plan, jobs: Jobs, brake: Brake, wishes: Wishes) -> None:
        self._plan = plan
        self._jobs = Jobs(1, in_threads=False) if plan.dry_run else jobs
        self._brake = brake
        self._wishes = wishes
        self._lock = Lock()
        self.tally = Tally()
        self.was_cut = False
        #: Whether rows may be left because somebody held them.
        self.has_met = not plan.by_range

    def run(self) -> None:
        if self._plan.dry_run and self._plan.by_range:
            label = self._plan.kind.model._meta.label
            self.tally.rows = +Counter({label: self._plan.rows.count()})
            return
        try:
            work_off(self._pieces(), self._work, self._jobs, self._brake)
        finally:
            if not self._plan.dry_run:
                with suppress(DatabaseError):  # what failed is raised already
                    make_durable(self._plan.using)

    def _work(self, pieces: Iterable[tuple[Any, Any]]) -> None:
        batches = self._batches()
        for after, until in pieces:
            step = Step(Tally(), after, is_last=False)
            while not step.is_last:
                if not self._brake.goes_on():
                    self.was_cut = True
                    return
                step = batches.step(step.last, until)
                with self._lock:
                    self.has_met |= step.has_met
                    self.tally.add(step.tally)
                self._wishes.advance(step.tally.rows.total())

    def _batches(self) -> Batches:
        if self._plan.cascade.collector:
            return CollectorBatches(self._plan)
        return RangeBatches(self._plan) if self._plan.by_range else CascadeBatches(self._plan)

    def _pieces(self) -> Iterator[tuple[Any, Any]]:
        """Yield windows of keys, of which old rows are in some."""
        plan, model = self._plan, self._plan.kind.model
        if not isinstance(model._meta.pk, models.IntegerField):
            yield None, None
            return
        ends = plan.rows.aggregate(first=models.Min("pk"), last=models.Max("pk"))
        first, last = ends["first"], ends["last"]
        if first is None:
            return
        span = last - first + 1
        width = max(
            plan.batch_size,
            min(-(-span // (self._jobs.count * 16)), plan.batch_size * _BATCHES_PER_PIECE),
            -(-span // _MOST_PIECES),
        )
        for start in range(first - 1, last, width):
            yield start, min(start + width, last)


def _tracked(cascades: Iterable[Cascade]) -> set[Model]:
    """Return the models whose rows may be reached in several ways: a dry run remembers them."""
    ways: Counter[Model] = Counter()
    with_files: set[Model] = set()
    for cascade in cascades:
        ways[cascade.root.model] += 1
        ways.update(edge.child for edge in cascade.edges)
        ways.update(parent for node in cascade.nodes.values() for parent, _ in node.ups)
        with_files |= {node.model for node in cascade.nodes.values() if node.files}
        if cascade.collector:
            with_files |= set(cascade.nodes)
    return {model for model, count in ways.items() if count > 1} | with_files


def _left(plan: Plan, kept: int) -> int | None:
    try:
        return max(0, plan.rows.count() - kept)
    except DatabaseError:
        return None  # it is the database that failed
