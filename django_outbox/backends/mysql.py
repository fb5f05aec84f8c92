"""
MariaDB 10.5 and later, MySQL 8.0.11 and later.

InnoDB locks index records one by one, in the order in which a statement meets them, so two
statements that meet them in different orders deadlock; and an INSERT locks its neighbours in a
unique index until its transaction ends. So that a site's transactions never pay for that, every
statement goes for the row itself (the primary key) first, and on MariaDB a claim never waits: it
leaves contended rows for the next one. What deadlocks all the same is tried again, except inside
a caller's transaction, which the server has rolled back as a whole.
"""

import random
import time
from collections.abc import Callable, Collection, Sequence
from itertools import chain
from typing import TypeVar

from django.db import IntegrityError, OperationalError, connections, transaction

from django_opskit.clock import LATER_SQL, NOW_SQL, ServerTime
from django_outbox.backends.base import (
    WINDOW_SQL,
    Head,
    NewJob,
    due_priorities,
    insert_parameters,
    window_parameters,
)
from django_outbox.backends.bulk import insert_around_twins
from django_outbox.backends.lane_pages import lane_heads
from django_outbox.models import OutboxJob, OutboxJobQuerySet

__all__ = ["MySQLStore"]

_T = TypeVar("_T")

_COLUMNS = """
INSERT INTO outbox_job
    (queue, job_type, dedup_key, payload, status, priority, run_after, attempts, max_attempts,
     group_key, window_key, worker, claim_no, created_at, last_error)
VALUES """

_ROW = f"""
(%s, %s, %s, %s, 'PENDING', %s, COALESCE(%s, {LATER_SQL["mysql"]}), 0, %s, %s, {{window}}, '', 0,
 {NOW_SQL["mysql"]}, '')"""

# LAST_INSERT_ID(id) makes the id of the row that was met the statement's result.
_OR_MEET = """
ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)
"""

_OVERWRITE = """,
    queue = VALUES(queue), payload = VALUES(payload), priority = VALUES(priority),
    run_after = VALUES(run_after), attempts = 0, max_attempts = VALUES(max_attempts),
    group_key = VALUES(group_key), last_error = ''
"""

_IN_WINDOW = f"""
SELECT id FROM outbox_job WHERE job_type = %s AND window_key = {WINDOW_SQL["mysql"]}
"""

_PENDING = "SELECT id FROM outbox_job WHERE (job_type, pending_key) IN ({keys})"

_TAKE = f"""
UPDATE outbox_job FORCE INDEX (PRIMARY) SET
    status = 'IN_PROGRESS', attempts = LEAST(attempts, 32766) + 1, claim_no = claim_no + 1,
    worker = %s, started_at = {NOW_SQL["mysql"]}, lease_until = {LATER_SQL["mysql"]}
WHERE status = 'PENDING' AND id IN ({{ids}})
"""

# MySQL has no such prefix, and its shortest timeout is a second.
_WITHOUT_WAITING = "SET STATEMENT innodb_lock_wait_timeout = 0 FOR "

_DEADLOCK = 1213
_LOCK_WAIT_TIMEOUT = 1205
_MAX_TRIES = 8


class MySQLStore:
    """No RETURNING that both know: a short transaction around a change and its reading."""

    vendor = "mysql"

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def insert(self, new: NewJob, *, replace: bool, wake_up: bool) -> OutboxJob:
        """Store the job, or return its twin; see ``backends.base.Store``. Nobody is woken."""
        return self._retrying(lambda: self._insert(new, replace=replace))

    def claim(
        self, *, queue: str, limit: int, worker: str, lease_seconds: float
    ) -> list[OutboxJob]:
        """Take due jobs; see ``backends.base.Store``."""
        return self._retrying(lambda: self._claim(queue, limit, worker, lease_seconds))

    def heads(self, *, queue: str, after: str, lanes: int) -> list[Head]:
        """Return the heads of lanes; see ``backends.base.Store``."""
        return lane_heads(queue, after=after, lanes=lanes, using=self.alias)

    def take(self, ids: Collection[int], *, worker: str, lease_seconds: float) -> list[OutboxJob]:
        """Take heads; see ``backends.base.Store``."""
        taken = self._retrying(lambda: self._take_heads(list(ids), worker, lease_seconds))
        return sorted(taken, key=lambda job: job.group_key)

    def insert_many(self, jobs: Sequence[NewJob]) -> int:
        """Store many jobs; see ``backends.base.Store``."""
        return insert_around_twins(
            jobs, lock_twins=self._lock_twins, insert=self._insert_rows, using=self.alias
        )

    def _take_heads(self, ids: list[int], worker: str, lease_seconds: float) -> list[OutboxJob]:
        with transaction.atomic(using=self.alias):
            # By the primary key, and in its order.
            locked = self._lockable().filter(pk__in=ids).order_by("pk")
            return self._taken(list(locked.values_list("pk", flat=True)), worker, lease_seconds)

    def _insert_rows(self, jobs: Sequence[NewJob]) -> None:
        connection = connections[self.alias]
        rows = ", ".join([_ROW.format(window="NULL")] * len(jobs))
        parameters = [value for job in jobs for value in insert_parameters(job, connection)]
        with connection.cursor() as cursor:
            cursor.execute(_COLUMNS + rows, parameters)

    def _lock_twins(self, keys: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Lock the pending twins by their primary keys, as ``_locked_twin`` does with one."""
        sql = _PENDING.format(keys=", ".join(["(%s, %s)"] * len(keys)))
        with connections[self.alias].cursor() as cursor:
            cursor.execute(sql, [value for key in keys for value in key])
            ids = [job_id for (job_id,) in cursor.fetchall()]
        twins = OutboxJob.objects.using(self.alias).pending().filter(pk__in=ids)
        locked = twins.order_by("pk").select_for_update()
        return {
            (job_type, str(key)) for job_type, key in locked.values_list("job_type", "dedup_key")
        }

    def _insert(self, new: NewJob, *, replace: bool) -> OutboxJob:
        # Either way the row is locked until the transaction ends, so it can still be read.
        with transaction.atomic(using=self.alias, savepoint=False):
            if new.dedup_key is not None and not replace:
                twin = self._locked_twin(new) or self._in_window(new)
                if twin is not None:
                    return twin
            connection = connections[self.alias]
            row, parameters = _ROW.format(window="NULL"), insert_parameters(new, connection)
            if new.window_seconds is not None:
                row = _ROW.format(window=WINDOW_SQL["mysql"])
                parameters += window_parameters(new)
            with connection.cursor() as cursor:
                sql = _COLUMNS + row + _OR_MEET + (_OVERWRITE if replace else "")
                cursor.execute(sql, parameters)
                stored_id = cursor.lastrowid
            # Under REPEATABLE READ a plain read misses a twin that came after the snapshot.
            return OutboxJob.objects.using(self.alias).select_for_update().get(pk=stored_id)

    def _locked_twin(self, new: NewJob) -> OutboxJob | None:
        """
        Return the pending twin, locked by its primary key.

        INSERT ... ON DUPLICATE KEY would lock the unique index first and the row after it, and
        a claim does it the other way round.
        """
        jobs = OutboxJob.objects.using(self.alias).pending()
        twin = (
            jobs.filter(job_type=new.job_type, dedup_key=new.dedup_key)
            .values_list("pk", flat=True)
            .first()
        )
        return None if twin is None else jobs.filter(pk=twin).select_for_update().first()

    def _in_window(self, new: NewJob) -> OutboxJob | None:
        """
        Return the job of the same window, which is not pending.

        Without a lock: its worker must be able to write down how it ended.
        """
        if new.window_seconds is None:
            return None
        with connections[self.alias].cursor() as cursor:
            cursor.execute(_IN_WINDOW, (new.job_type, *window_parameters(new)))
            row = cursor.fetchone()
        return (
            None if row is None else OutboxJob.objects.using(self.alias).filter(pk=row[0]).first()
        )

    def _claim(self, queue: str, limit: int, worker: str, lease_seconds: float) -> list[OutboxJob]:
        priorities = due_priorities(queue, using=self.alias)
        highest = next(priorities, None)
        if highest is None:
            return []
        claimed: list[OutboxJob] = []
        with transaction.atomic(using=self.alias):
            for priority in chain([highest], priorities):
                ids = self._lock(queue, priority, limit - len(claimed))
                taken = self._taken(ids, worker, lease_seconds)
                claimed += sorted(taken, key=lambda job: (job.run_after, job.pk))
                if len(claimed) >= limit:
                    break
        return claimed

    def _lock(self, queue: str, priority: int, limit: int) -> list[int]:
        """Return the ids alone: the index answers, and each row is read once, after the change."""
        return list(
            self._lockable()
            .filter(queue=queue, group_key="", priority=priority)
            .order_by("run_after", "pk")
            .values_list("pk", flat=True)[:limit]
        )

    def _lockable(self) -> OutboxJobQuerySet:
        skip_locked = connections[self.alias].features.has_select_for_update_skip_locked
        due = OutboxJob.objects.using(self.alias).pending().filter(run_after__lte=ServerTime())
        return due.select_for_update(skip_locked=skip_locked)

    def _taken(self, ids: list[int], worker: str, lease_seconds: float) -> list[OutboxJob]:
        if ids and not self._take(ids, worker, lease_seconds):
            # One row's index entry is locked: the others need not wait for it.
            ids = [one for one in ids if self._take([one], worker, lease_seconds)]
        return list(OutboxJob.objects.using(self.alias).filter(pk__in=ids, worker=worker))

    def _take(self, ids: list[int], worker: str, lease_seconds: float) -> bool:
        """
        Mark rows that are locked already; False when one of them cannot be had at once.

        One cannot be had at all whose lane another job has taken meanwhile.

        They are asked for their status all the same: with innodb_rollback_on_timeout the server
        gives up the locks when it gives up waiting.
        """
        connection = connections[self.alias]
        statement = _TAKE.format(ids=", ".join(["%s"] * len(ids)))
        if getattr(connection, "mysql_is_mariadb", False):
            statement = _WITHOUT_WAITING + statement
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, (worker, lease_seconds, *ids))
        except IntegrityError:
            return False
        except OperationalError as error:
            # This one undoes the statement and leaves the transaction; a deadlock does not.
            if error.args[0] != _LOCK_WAIT_TIMEOUT:
                raise
            return False
        return True

    def _retrying(self, action: Callable[[], _T]) -> _T:
        for tries in range(1, _MAX_TRIES + 1):
            try:
                return action()
            except OperationalError as error:
                # Not a lock wait that timed out: the caller has waited long enough by then.
                lost = error.args and error.args[0] == _DEADLOCK
                if not lost or tries == _MAX_TRIES or connections[self.alias].in_atomic_block:
                    raise
            time.sleep(random.uniform(0.001, 0.01) * tries)  # noqa: S311
        raise AssertionError("unreachable: the last try returns or raises")
