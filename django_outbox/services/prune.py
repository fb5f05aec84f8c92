"""
Deleting what is over, in short transactions that cannot stall.

The table has no index on ``finished_at`` on purpose: every report of a worker would pay for it.
The primary key is in the order of time, near enough: the walk goes up along it, a bounded stretch
at a time, and ends at the first stretch that is too young as a whole. Two walks at once share
the work, and a walk that is stopped has lost nothing.
"""

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connections, router
from django.db.models import Count, Exists, Max, Min, Model, OuterRef, Q, QuerySet

from django_opskit.conflicts import is_conflict
from django_outbox.backends.contention import impatient_transaction
from django_outbox.conf import get_conf
from django_outbox.models import Inbox, JobStatus, OutboxAttempt, OutboxJob
from django_outbox.services.server_clock import server_now

__all__ = ["KEEP_DAYS", "PruneOrder", "Pruned", "prune"]

#: Days that finished jobs are kept when nobody says otherwise.
KEEP_DAYS = 30

_BY_DEFAULT = (JobStatus.COMPLETED, JobStatus.CANCELLED)


@dataclass(frozen=True)
class PruneOrder:
    """
    What may go.

    Attributes:
        days: jobs that finished more days ago; None asks each queue's ``KEEP_DAYS``, or 30.
        statuses: dead letters go only when FAILED is among them.
        queues: empty for all.
        orphans: failed attempts whose job is gone, too.
        inbox_days: received messages that are older, too; None for none.
        batch: rows looked at in one step, which is one transaction at most.
        max_seconds: stop after so long.
    """

    days: int | None = None
    statuses: Collection[JobStatus] = _BY_DEFAULT
    queues: Sequence[str] = ()
    orphans: bool = False
    inbox_days: int | None = None
    batch: int = 1_000
    max_seconds: float = math.inf


@dataclass
class Pruned:
    """
    How many rows went.

    ``skipped`` ones wait for the next run, since another transaction was in the way;
    ``is_complete`` is False when the time was over before the end of the tables.
    """

    jobs: int = 0
    attempts: int = 0
    orphans: int = 0
    inbox: int = 0
    skipped: int = 0
    is_complete: bool = True


def prune(order: PruneOrder, *, using: str | None = None, dry_run: bool = False) -> Pruned:
    """
    Delete what ``order`` allows, and return how much that was.

    With ``dry_run`` everything is looked at, counted and kept; ``attempts`` is 0 then.
    """
    return _Walk(order, using or router.db_for_write(OutboxJob), dry_run).run()


class _Walk:
    """One run; a walk of its own along each table."""

    def __init__(self, order: PruneOrder, using: str, dry_run: bool) -> None:
        self.order = order
        self.using = using
        self.dry_run = dry_run
        self.pruned = Pruned()
        self.ends_at = time.monotonic() + order.max_seconds
        # The server's clock wrote the moments that are compared with it.
        self.now = server_now(using)

    def run(self) -> Pruned:
        condition, youngest = self._finished_long_ago()
        jobs = OutboxJob.objects.using(self.using)
        self._go(jobs, jobs.filter(condition), "created_at", youngest, self._delete_jobs)
        if self.order.orphans:
            attempts = OutboxAttempt.objects.using(self.using)
            has_job = Exists(jobs.filter(pk=OuterRef("job_id")))
            self._go(attempts, attempts.exclude(has_job), "", self.now, self._delete_orphans)
        if self.order.inbox_days is not None:
            inbox = Inbox.objects.using(self.using)
            cutoff = self._ago(self.order.inbox_days)
            old = inbox.filter(received_at__lt=cutoff)
            self._go(inbox, old, "received_at", cutoff, self._delete_messages)
        return self.pruned

    def _ago(self, days: int) -> datetime:
        return self.now - timedelta(days=days)

    def _finished_long_ago(self) -> tuple[Q, datetime]:
        """Return the condition for a job to go, and the latest moment that it knows."""
        wanted = Q(status__in=list(self.order.statuses))
        if self.order.queues:
            wanted &= Q(queue__in=list(self.order.queues))
        if self.order.days is not None:
            cutoff = self._ago(self.order.days)
            return wanted & Q(finished_at__lt=cutoff), cutoff
        own = {
            name: self._ago(queue.KEEP_DAYS)
            for name, queue in get_conf().QUEUES.items()
            if queue.KEEP_DAYS is not None
        }
        usual = self._ago(KEEP_DAYS)
        old = ~Q(queue__in=list(own)) & Q(finished_at__lt=usual)
        for name, cutoff in own.items():
            old |= Q(queue=name, finished_at__lt=cutoff)
        return wanted & old, max([usual, *own.values()])

    def _go(
        self,
        rows: QuerySet[Any],
        doomed: QuerySet[Any],
        age_field: str,
        youngest: datetime,
        delete: Callable[[list[int]], None],
    ) -> None:
        last = 0
        while True:
            if time.monotonic() >= self.ends_at:
                self.pruned.is_complete = False
                return
            stretch = rows.filter(pk__gt=last).order_by("pk")[: self.order.batch]
            facts: dict[str, Any] = {"count": Count("*"), "last": Max("pk")}
            if age_field:
                facts["oldest"] = Min(age_field)
            seen = stretch.aggregate(**facts)
            if not seen["count"] or (age_field and seen["oldest"] > youngest):
                return
            ids = list(
                doomed.filter(pk__gt=last, pk__lte=seen["last"])
                .order_by("pk")
                .values_list("pk", flat=True)
            )
            try:
                if ids:
                    delete(ids)
            except DatabaseError as error:
                if not is_conflict(error):
                    raise
                self.pruned.skipped += len(ids)
            last = seen["last"]

    def _delete_jobs(self, ids: list[int]) -> None:
        if self.dry_run:
            self.pruned.jobs += len(ids)
            return
        jobs = OutboxJob.objects.using(self.using)
        # Run again meanwhile, a job is not finished any more, or was finished just now.
        still_old = jobs.filter(finished_at__lt=self.now)
        with impatient_transaction(self.using):
            deleted = self._delete_rows(still_old, ids)
            kept = jobs.filter(pk__in=ids).values_list("pk", flat=True)
            gone = sorted(set(ids) - set(kept))
            attempts = OutboxAttempt.objects.using(self.using).filter(job_id__in=gone)
            deleted_attempts = attempts.delete()[0]
        self.pruned.jobs += deleted
        self.pruned.attempts += deleted_attempts

    def _delete_orphans(self, ids: list[int]) -> None:
        self.pruned.orphans += self._delete(OutboxAttempt.objects.using(self.using), ids)

    def _delete_messages(self, ids: list[int]) -> None:
        self.pruned.inbox += self._delete(Inbox.objects.using(self.using), ids)

    def _delete(self, rows: QuerySet[Any], ids: list[int]) -> int:
        if self.dry_run:
            return len(ids)
        with impatient_transaction(self.using):
            return self._delete_rows(rows, ids)

    def _delete_rows(self, rows: QuerySet[Any], ids: list[int]) -> int:
        """Delete those of ``ids`` that are among ``rows`` and that nobody else holds."""
        connection = connections[self.using]
        # SQLite has no locks on rows, and a transaction that reads first may not get to write.
        if connection.features.has_select_for_update_skip_locked:
            free = rows.filter(pk__in=ids).select_for_update(skip_locked=True)
            ids = list(free.values_list("pk", flat=True))
            if connection.vendor == "mysql":
                return self._delete_by_key(rows.model, ids)
        return rows.filter(pk__in=ids).delete()[0]

    def _delete_by_key(self, model: type[Model], ids: list[int]) -> int:
        # Asked for no order, MariaDB reads all of a small table (FORCE INDEX does not help) and
        # waits for rows that are no business of ours.
        if not ids:
            return 0
        connection = connections[self.using]
        table = connection.ops.quote_name(model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {table} WHERE id IN ({', '.join(['%s'] * len(ids))}) "  # noqa: S608  # our own names
                "ORDER BY id LIMIT %s",
                [*ids, len(ids)],
            )
            return int(cursor.rowcount)
