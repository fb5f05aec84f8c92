"""
Rows from version to version, a batch at a time.

Each batch is one transaction: its rows are locked, the step changes them, the validators look at
what the database holds then, and the columns as they were are on the disk before it ends. A
process that dies on the way leaves whole batches, and the next run goes on behind them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db import Error as DatabaseError

from django_system_ops.engine.version_graph import VersionGraph, version_key
from django_system_ops.exceptions import BadRowError, LockLostError, SystemOpsError
from django_system_ops.services.cleanup.archiving import Archive
from django_system_ops.services.knowledge.journal import Journal, naming_place, require_zstandard
from django_system_ops.services.knowledge.registry import LoadedStep
from django_system_ops.services.knowledge.reports import BadRows, MigrationReport, StepReport
from django_system_ops.services.knowledge.stepping import (
    apply,
    in_transaction,
    own_transactions,
    undone,
    with_culprit,
)
from django_system_ops.services.knowledge.straying import strays, with_strays
from django_system_ops.services.knowledge.table import Survey, Table

__all__ = ["Wishes", "look", "migrate", "strangers", "target_of"]


_OUTSIDE = "were taken there, and the type's filter matches them no more"


@dataclass(frozen=True)
class Wishes:
    """
    How a run is to be done.

    Attributes:
        examples: how many rows are named of those with the same thing wrong.
        check: raises when the run has to end; asked before each batch.
        advance: is told how many rows are done.
    """

    now: datetime
    batch_size: int = 500
    examples: int = 5
    dry_run: bool = False
    check: Callable[[], None] = lambda: None
    advance: Callable[[int], None] = lambda _rows: None


def look(table: Table, wishes: Wishes) -> Survey:
    """Return which rows there are to take further."""
    survey = table.survey(wishes.examples)
    return with_strays(table, survey, size=wishes.batch_size, examples=wishes.examples)


def target_of(table: Table, version: str | None, survey: Survey) -> str:
    """
    Return the version that ``--version`` means, or the newest that the rows can get to.

    Raises:
        WrongUsageError: no step knows it.
    """
    if version is not None:
        return table.registry.named(version)
    graph = table.registry.graph
    reachable = {one for start in survey.present for one in graph.reachable(start)}
    return max(reachable or graph.versions, key=version_key)


def migrate(table: Table, target: str, survey: Survey, wishes: Wishes) -> MigrationReport:
    """
    Take the rows to the version ``target``, or in a dry run try it and leave nothing of it.

    What goes wrong ends the run and is in the report, with what was done until then.

    Raises:
        SystemOpsError: inside a transaction; nothing was done.
        LockLostError: the run has to end; what was done stays done.
    """
    if not wishes.dry_run:
        own_transactions(table.using)
        require_zstandard()
    run = (_Trial if wishes.dry_run else _Run)(table, target, survey, wishes)
    error: Exception | None = None
    try:
        run.work()
    except LockLostError:
        raise
    except (SystemOpsError, DatabaseError, OSError) as caught:
        error = caught
    is_done = error is None and not wishes.dry_run
    last = look(table, wishes) if is_done else survey
    key = version_key(target)
    newer = {one: count for one, count in survey.counts.items() if version_key(one) > key}
    return MigrationReport(
        target,
        tuple(run.reports.values()),
        survey.counts.get(target, 0),
        newer,
        tuple(_stuck(table, target, last, wishes, is_done=is_done)),
        run.journal.folder if run.journal.is_begun else None,
        error,
    )


def _stuck(
    table: Table, target: str, survey: Survey, wishes: Wishes, *, is_done: bool
) -> Iterator[BadRows]:
    """Yield the rows that cannot get to a version, or, when all is done, have come meanwhile."""
    graph = table.registry.graph
    for version, count in survey.counts.items():
        if version_key(version) >= version_key(target):
            continue
        leads = graph.path(version, target) is not None
        if leads and not is_done:
            continue
        reason = "came meanwhile: run it again" if leads else f"no steps lead on to {target}"
        examples = [(pk, "") for pk, _ in table.examples(version, wishes.examples)]
        yield BadRows(version, reason, count, examples)
    for one, reason in (
        *((one, f"no steps lead on to {target}") for one in survey.strays),
        *((one, _OUTSIDE) for one in survey.outside),
    ):
        version = str(one.version)
        leads = graph.path(version, target) is not None
        if version_key(version) < version_key(target) and (reason is _OUTSIDE or not leads):
            yield BadRows(version, reason, one.count, [(pk, "") for pk, _ in one.examples])
    yield from strangers(survey, graph)


def strangers(survey: Survey, graph: VersionGraph) -> Iterator[BadRows]:
    """Yield the rows of no version, and of versions that no step knows, or not in these words."""
    for one in survey.strangers:
        if one.version is None:
            reason = "have no version"
            examples = [(pk, "") for pk, _ in one.examples]
        else:
            reason = "have a version that no step knows"
            examples = [(pk, _written(str(version), graph)) for pk, version in one.examples]
        yield BadRows(None, reason, one.count, examples)


def _written(version: str, graph: VersionGraph) -> str:
    with suppress(ValueError):
        if known := graph.spelled(version):
            # Rows are found by the column as it is: an index knows nothing of numbers with dots.
            return f"{version!r}, which steps call {known!r}"
    return repr(version)


class _Run:
    """A run that changes rows: step by step, all rows of one before the next."""

    def __init__(self, table: Table, target: str, survey: Survey, wishes: Wishes) -> None:
        self._table = table
        self._target = target
        self._present = survey.present
        self._wishes = wishes
        self._steps = table.registry.passes_to(target, survey.present)
        self.reports = {one.path: StepReport(one) for one in self._steps}
        self.journal = Journal(table, target, self._steps, wishes.now)

    def work(self) -> None:
        for number, step in enumerate(self._steps):
            with ExitStack() as files:
                archive: Archive | None = None
                for keys, is_chosen in self._batches(step.from_version):
                    if archive is None:
                        archive = self.journal.open_step(number)
                        files.callback(_close, archive)
                    self._batch(step, keys, archive, is_chosen=is_chosen)
        self.journal.finish()

    def _batches(self, version: str) -> Iterator[tuple[list[Any], bool]]:
        """Yield keys, and whether the filter chooses them, or they were taken there."""
        last, size = None, self._wishes.batch_size
        self._wishes.check()
        while keys := self._table.keys(version, last, size):
            yield keys, True
            last = keys[-1]
            self._wishes.check()
        for keys in strays(self._table, version, size):
            yield keys, False
            self._wishes.check()

    def _batch(
        self, step: LoadedStep, keys: Sequence[Any], archive: Archive, *, is_chosen: bool
    ) -> None:
        def record(images: Iterable[dict[str, Any]]) -> None:
            archive.write(iter(images))

        try:
            with naming_place(archive.path):
                count = in_transaction(
                    self._table,
                    lambda: self._step(step, keys, record, is_chosen=is_chosen),
                    archive=archive,
                )
        except (BadRowError, DatabaseError) as error:
            raise self._named(
                step, keys, error, lambda some: self._step(step, some, is_chosen=is_chosen)
            ) from error
        self._count(step, count)
        self._wishes.advance(count)

    def _count(self, step: LoadedStep, count: int) -> None:
        report = self.reports[step.path]
        report.rows += count
        report.batches += 1

    def _named(
        self,
        step: LoadedStep,
        keys: Sequence[Any],
        error: Exception,
        again: Callable[[Sequence[Any]], int],
    ) -> SystemOpsError:
        culprit = with_culprit(self._table, keys, error, again)
        return SystemOpsError(
            f"The step {step} stopped at {culprit}. Nothing of this batch was changed, and the "
            "batches before it stay; mend the row or the step, and run it again."
        )

    def _step(
        self,
        step: LoadedStep,
        keys: Sequence[Any],
        record: Callable[[Iterable[dict[str, Any]]], object] = lambda _images: None,
        *,
        is_chosen: bool,
    ) -> int:
        return apply(
            self._table,
            step.forward,
            self._table.locked(keys, step.from_version, is_chosen=is_chosen),
            before=step.from_version,
            after=step.to_version,
            validators=self._table.registry.validators(step.to_version),
            record=record,
        )


class _Trial(_Run):
    """A dry run: each batch goes all the way, and back."""

    def work(self) -> None:
        graph, registry = self._table.registry.graph, self._table.registry
        for start in self._present:
            path = graph.path(start, self._target) or (start,)
            steps = [
                step
                for before, after in pairwise(path)
                if (step := registry.step(before, after)) is not None
            ]
            for keys, is_chosen in self._batches(start) if steps else ():
                self._try(steps, keys, is_chosen=is_chosen)

    def _try(self, steps: Sequence[LoadedStep], keys: Sequence[Any], *, is_chosen: bool) -> None:
        done: list[tuple[LoadedStep, int]] = []
        current = steps[0]

        def all_of_them(some: Sequence[Any]) -> int:
            nonlocal current
            done.clear()
            for current in steps:
                is_first = current is steps[0]
                count = self._step(current, some, is_chosen=is_chosen and is_first)
                done.append((current, count))
            return len(some)

        try:
            undone(self._table, lambda: all_of_them(keys))
        except (BadRowError, DatabaseError) as error:
            raise self._named(current, keys, error, all_of_them) from error
        for step, count in done:
            self._count(step, count)
        self._wishes.advance(len(keys))


def _close(archive: Archive) -> None:
    with naming_place(archive.path):
        archive.close()
