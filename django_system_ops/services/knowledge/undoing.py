"""
The last migration taken back, a batch at a time, from its last step to its first.

A row goes back by the step's ``backward``; where a step has none, the columns that it changed get
the values that were kept, if nobody has changed the row since. Rows that were made after the
migration are not touched: it has not changed them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from django.db import Error as DatabaseError

from django_system_ops.exceptions import (
    BadRowError,
    LockLostError,
    SystemOpsError,
    WrongUsageError,
)
from django_system_ops.services.knowledge.journal import Migration, State, past_migrations
from django_system_ops.services.knowledge.migrating import Wishes
from django_system_ops.services.knowledge.registry import LoadedStep, Row
from django_system_ops.services.knowledge.reports import BadRows, RollbackReport, WayReport
from django_system_ops.services.knowledge.stepping import (
    apply,
    in_transaction,
    own_transactions,
    undone,
    with_culprit,
)
from django_system_ops.services.knowledge.table import Table

__all__ = ["roll_back"]

_CHANGED = "were changed since, and their step has no way back"
_ELSEWHERE = "have another version by now"


def roll_back(table: Table, wishes: Wishes) -> RollbackReport:
    """
    Take the last migration back, or in a dry run try it and leave nothing of that.

    What goes wrong ends it and is in the report, with what was done until then.

    Raises:
        WrongUsageError: there is none.
        SystemOpsError: inside a transaction; or the file of a migration cannot be read.
        LockLostError: the run has to end; what was done stays done.
    """
    if not wishes.dry_run:
        own_transactions(table.using)
    migrations = _last_migrations(table)
    if not migrations:
        whose = "" if table.tenants.is_all else f" of {table.tenants}"
        raise WrongUsageError(
            f"There is no migration{whose} to take back in database {table.using!r}, or all are "
            "taken back."
        )
    rollback = _Rollback(table, migrations, wishes)
    try:
        if wishes.dry_run:
            # One transaction: a step back stands on the one before it.
            undone(table, rollback.work)
        else:
            rollback.work()
    except LockLostError:
        raise
    except (SystemOpsError, DatabaseError, OSError) as error:
        rollback.report.error = error
    report = rollback.report
    if not (wishes.dry_run or report.error or report.left or report.total("others")):
        for one in migrations:
            one.mark(State.ROLLED_BACK)
    return report


def _last_migrations(table: Table) -> list[Migration]:
    """Return the last migration, with the unfinished ones that it went on with: newest first."""
    found: list[Migration] = []
    for one in past_migrations(table):
        if one.state is State.ROLLED_BACK:
            continue
        if found and (
            one.state is not State.UNFINISHED
            or (one.target, one.tenants) != (found[0].target, found[0].tenants)
        ):
            break
        found.append(one)
    return found


@dataclass(frozen=True)
class _Way:
    """
    One step of a migration, backwards.

    Attributes:
        step: the site's; None if it is registered no more.
        is_exact: an earlier step has no way back, and needs the row as it was then to the letter.
        later: the versions that rows were to leave before this; who still has one was dealt with.
        back: the version before the step, and those before that.
    """

    migration: Migration
    number: int
    before: str
    after: str
    step: LoadedStep | None
    is_exact: bool = False
    later: frozenset[str] = frozenset()
    back: frozenset[str] = frozenset()

    @property
    def goes_back(self) -> bool:
        return self.step is not None and self.step.backward is not None


class _Rollback:
    def __init__(self, table: Table, migrations: Sequence[Migration], wishes: Wishes) -> None:
        self._table = table
        self._wishes = wishes
        self._migrations = migrations
        self.report = self._new_report()

    def work(self) -> int:
        # Again from the beginning, when the transaction of a dry run is done again.
        self.report = self._new_report()
        for way in self._ways():
            images = way.migration.images(way.number)
            report = WayReport(way.before, way.after)
            while some := list(islice(images, self._wishes.batch_size)):
                if report not in self.report.ways[-1:]:
                    self.report.ways.append(report)
                self._wishes.check()
                self._batch(way, some, report)
                self._wishes.advance(len(some))
        return 0

    def _new_report(self) -> RollbackReport:
        return RollbackReport(self._migrations[0].target, [one.folder for one in self._migrations])

    def _ways(self) -> list[_Way]:
        ways = [
            _Way(one, number, before, after, self._table.registry.step(before, after))
            for one in self._migrations
            for number, (before, after) in reversed(list(enumerate(one.steps)))
        ]
        return [
            replace(
                way,
                is_exact=not all(one.goes_back for one in ways[place + 1 :]),
                later=frozenset(one.after for one in ways[:place]) - {way.after},
                back=frozenset(one.before for one in ways[place:]),
            )
            for place, way in enumerate(ways)
        ]

    def _batch(self, way: _Way, images: list[dict[str, Any]], report: WayReport) -> None:
        columns = self._table.columns
        by_key = {columns.key(image["pk"]): image for image in images}
        counts: Counter[str] = Counter()
        left: list[tuple[Any, str, str]] = []

        def work(keys: Sequence[Any]) -> int:
            counts.clear()
            left.clear()
            self._take_back(way, {key: by_key[key] for key in keys}, counts, left)
            return len(keys)

        keys = list(by_key)
        try:
            in_transaction(self._table, lambda: work(keys))
        except (BadRowError, DatabaseError) as error:
            culprit = with_culprit(self._table, keys, error, work)
            raise SystemOpsError(
                f"The way back from {way.after} to {way.before} stopped at {culprit}. Nothing of "
                "this batch was changed, and the batches before it stay; mend the row or the "
                "step, and run it again."
            ) from error
        for name, count in counts.items():
            setattr(report, name, getattr(report, name) + count)
        for key, version, reason in left:
            self._leave(key, version, reason)

    def _take_back(
        self,
        way: _Way,
        images: dict[Any, dict[str, Any]],
        counts: "Counter[str]",
        left: list[tuple[Any, str, str]],
    ) -> None:
        table, columns = self._table, self._table.columns
        rows = table.locked(list(images), way.after, is_chosen=False)
        ready = {row[columns.pk] for row in rows}
        there = table.there(list(images))
        counts["gone"] = len(images) - len(there)
        elsewhere: list[Any] = []
        for key, version in there.items():
            if key in ready or version in way.later - way.back:
                continue
            if version in way.back:
                counts["back_already"] += 1
            elif version == way.after:
                counts["others"] += 1
            else:
                elsewhere.append(key)
        # Of other tenants nothing is said.
        ours = table.ours(elsewhere) if elsewhere else set()
        left += [(key, there[key], _ELSEWHERE) for key in elsewhere if key in ours]
        as_kept, by_step = [], []
        for row in rows:
            image = images[row[columns.pk]]
            is_same = columns.fingerprint(row, way.migration.columns) == image["after"]
            if is_same and (way.is_exact or not way.goes_back):
                as_kept.append(row)
            elif way.goes_back:
                by_step.append(row)
            else:
                left.append((row[columns.pk], way.after, _CHANGED))
        self._restore(way, as_kept, images)
        self._step_back(way, by_step)
        counts["by_image"], counts["by_step"] = len(as_kept), len(by_step)

    def _restore(self, way: _Way, rows: list[Row], images: dict[Any, dict[str, Any]]) -> None:
        columns = self._table.columns
        keys = [row[columns.pk] for row in rows]
        changes = {key: columns.restored(images[key]["before"]) for key in keys}
        self._table.write(changes, way.after, way.before)

    def _step_back(self, way: _Way, rows: list[Row]) -> None:
        if not rows:
            return
        assert way.step is not None and way.step.backward is not None
        apply(
            self._table,
            way.step.backward,
            rows,
            before=way.after,
            after=way.before,
            validators=self._table.registry.validators(way.before),
        )

    def _leave(self, key: Any, version: str, reason: str) -> None:
        for one in self.report.left:
            if (one.version, one.reason) == (version, reason):
                break
        else:
            one = BadRows(version, reason)
            self.report.left.append(one)
        one.count += 1
        if len(one.examples) < self._wishes.examples:
            one.examples.append((str(key), ""))
