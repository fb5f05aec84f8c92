"""A run: file by file and batch by batch, all or nothing or what is good."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils import timezone, translation

from django_system_ops.exceptions import SystemOpsError, WrongUsageError
from django_system_ops.formats import BadRow, Row, read_rows
from django_system_ops.formats.sizes import size_of
from django_system_ops.models import ImportCheckpoint
from django_system_ops.services.cleanup.statements import writing
from django_system_ops.services.importing.batches import Outcome
from django_system_ops.services.importing.checkpoints import (
    find_checkpoint,
    new_checkpoint,
    order_for,
    refuse_second,
    require_table,
)
from django_system_ops.services.importing.intake import Intake
from django_system_ops.services.importing.orders import Order
from django_system_ops.services.importing.rejects import Rejects, rejects_place
from django_system_ops.services.importing.reports import FileReport, ImportReport
from django_system_ops.services.importing.sources import Source, SourceList

__all__ = ["import_files"]

_Item = Row | BadRow

# A batch is closed at so many characters too: 500 rows may be 500 books.
_MOST_CHARACTERS = 4_000_000
_NESTED = {list, dict}


class _UndoError(Exception):
    """Takes a transaction back; nobody outside hears of it."""


def import_files(order: Order, files: SourceList, *, rejects_elsewhere: Path) -> ImportReport:
    """
    Bring the rows of files in, or in a dry run say what would become of them.

    What is wrong with rows and files is in the report. A strict run that has anything there has
    changed nothing.

    Raises:
        WrongUsageError: a file came in before, or was begun in another way; nothing was done.
        LockLostError: the run has to end; a lenient one can be resumed.
    """
    require_table(order.using)
    report = ImportReport(
        type_name=order.kind.name,
        tenant="" if order.tenants.is_all else str(order.tenants),
        is_strict=order.is_strict,
        is_dry_run=order.is_dry_run,
        left_alone=dict(files.skipped),
    )
    # Messages of fields are translated, and what commands write is English.
    with translation.override("en"):
        known = {one: find_checkpoint(order, one.sha256) for one in files.sources}
        for source, checkpoint in known.items():
            if checkpoint is not None:
                refuse_second(order, source, checkpoint)
        run = _Run(order, report, rejects_elsewhere, known)
        if order.is_strict or order.is_dry_run:
            run.whole(files.sources)
        else:
            for source in files.sources:
                run.in_batches(source, is_alone=len(files.sources) == 1)
    return report


class _Run:
    def __init__(
        self,
        order: Order,
        report: ImportReport,
        elsewhere: Path,
        known: dict[Source, ImportCheckpoint | None],
    ) -> None:
        self._order, self._report, self._elsewhere = order, report, elsewhere
        self._known = known

    def whole(self, sources: Sequence[Source]) -> None:
        """Bring all files in, or none: in one transaction."""
        try:
            with writing(self._order.model, self._order.using):
                for source in sources:
                    self._read_whole(source)
                    if self._order.is_strict and self._has_enough_errors():
                        break
                if self._order.is_dry_run or self._report.rejected or self._report.failures:
                    raise _UndoError
        except _UndoError:
            self._report.is_kept = False
        else:
            for source in sources:
                Rejects(self._rejects_place(source)).remove()

    def in_batches(self, source: Source, *, is_alone: bool) -> None:
        """
        Bring the good rows of a file in, a transaction for each batch.

        A file that does not fit is no reason to leave others out.
        """
        try:
            self._in_batches(source)
        except WrongUsageError as error:
            if is_alone:
                raise
            self._report.files[-1].failure = str(error)

    def _in_batches(self, source: Source) -> None:
        known, report = self._known[source], self._begun(source)
        is_resumed = self._order.is_resumed and known is not None
        checkpoint = known if is_resumed else new_checkpoint(self._order, source, known)
        assert checkpoint is not None
        place = self._rejects_place(source)
        rejects = Rejects(place, keep_bytes=checkpoint.rejects_bytes if is_resumed else 0)
        if is_resumed:
            _take_over(report, checkpoint, rejects)
            if checkpoint.is_finished:
                # It may have been killed between its last commit and this.
                report.rejects = rejects.finish()
                return
        intake = Intake(self._order_for(source), source)
        with self._timed(report), ExitStack() as stack:
            stack.callback(rejects.close)
            for items, is_last in _batches(
                self._items(source, report, skip=checkpoint.rows_read), self._order.batch_size
            ):
                self._order.check()
                with writing(self._order.model, self._order.using):
                    outcome = intake.take(items)
                    rejects.write(outcome.rejected)
                    self._advance(checkpoint, outcome, len(items))
                    checkpoint.rejects_bytes = rejects.size
                    checkpoint.is_finished = is_last and not report.failure
                    checkpoint.save(using=self._order.using)
                report.add(outcome, shown_errors=self._order.shown_errors)
                report.rows_read = checkpoint.rows_read
                self._order.advance(len(items))
            if not report.failure:
                report.rejects = rejects.finish()

    def _read_whole(self, source: Source) -> None:
        report, known = self._begun(source), self._known[source]
        checkpoint = new_checkpoint(self._order, source, known)
        intake = Intake(self._order_for(source), source)
        with self._timed(report):
            items = self._items(source, report, skip=0)
            for some, _is_last in _batches(items, self._order.batch_size):
                self._order.check()
                outcome = intake.take(some)
                report.add(outcome, shown_errors=self._order.shown_errors)
                self._advance(checkpoint, outcome, len(some))
                report.rows_read = checkpoint.rows_read
                self._order.advance(len(some))
                if self._order.is_strict and self._has_enough_errors():
                    most = self._order.most_errors
                    report.remarks.append(
                        f"stopped looking at row {report.rows_read:,}: {most:,} are wrong"
                    )
                    break
            checkpoint.is_finished = True
            checkpoint.save(using=self._order.using)

    def _rejects_place(self, source: Source) -> Path:
        return rejects_place(source.path, self._elsewhere, owner=self._order.owner)

    def _begun(self, source: Source) -> FileReport:
        report = FileReport(source.path, source.format, source.sha256)
        self._report.files.append(report)
        known = self._known[source]
        if known is not None and known.is_finished and not self._order.is_resumed:
            moment = timezone.localtime(known.updated_at).strftime("%Y-%m-%d %H:%M:%S")
            remark = f"came in before, on {moment}"
            if self._order_for(source) is not self._order:
                remark += ": what is there still is skipped"
            report.remarks.append(remark)
        return report

    def _order_for(self, source: Source) -> Order:
        return order_for(self._order, source, self._known[source])

    def _items(self, source: Source, report: FileReport, *, skip: int) -> Iterator[_Item]:
        """Yield the rows of a file; where it cannot be read any further, the report says so."""
        try:
            with source.opened() as file:
                rows = read_rows(
                    file, source.format, limits=self._order.limits, guarded=source.is_guarded
                )
                yield from islice(rows, skip, None)
        except WrongUsageError:
            raise
        except SystemOpsError as error:
            report.failure = f"{source.path.name}: {error}"

    def _advance(self, checkpoint: Any, outcome: Outcome, count: int) -> None:
        checkpoint.rows_read += count
        checkpoint.created += outcome.created
        checkpoint.updated += outcome.updated
        checkpoint.skipped += outcome.skipped
        checkpoint.rejected += len(outcome.rejected)
        checkpoint.updated_at = timezone.now()

    def _has_enough_errors(self) -> bool:
        return self._report.rejected >= self._order.most_errors

    @contextmanager
    def _timed(self, report: FileReport) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            report.seconds = time.monotonic() - started


def _take_over(report: FileReport, checkpoint: ImportCheckpoint, rejects: Rejects) -> None:
    """Count what the runs before have done."""
    report.rows_read = checkpoint.rows_read
    report.created, report.updated = checkpoint.created, checkpoint.updated
    report.skipped, report.rejected = checkpoint.skipped, checkpoint.rejected
    if checkpoint.is_finished:
        report.remarks.append("came in already: there was nothing left to do")
        return
    report.remarks.append(f"goes on behind row {checkpoint.rows_read:,}")
    if rejects.has_lost:
        report.remarks.append("the rows that were rejected before are gone from their file")


def _batches(items: Iterable[_Item], size: int) -> Iterator[tuple[list[_Item], bool]]:
    """Yield the rows in batches, and with each whether it is the last; an empty file has one."""
    batch: list[_Item] = []
    characters = 0
    for item in items:
        if len(batch) >= size or characters >= _MOST_CHARACTERS:
            yield batch, False
            batch, characters = [], 0
        batch.append(item)
        if isinstance(item, Row):
            # Texts by themselves, since most values are.
            values = item.values.values()
            characters += sum([len(one) for one in values if type(one) is str])
            characters += sum([size_of(one) for one in values if type(one) in _NESTED])
    yield batch, True
