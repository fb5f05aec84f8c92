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
from collections.abc import Callable
from itertools import chain
from typing import TypeVar

from django.db import OperationalError, connections, transaction

from django_outbox.backends.base import NewJob, due_priorities, insert_parameters
from django_outbox.clock import LATER_SQL, NOW_SQL, ServerTime
from django_outbox.models import OutboxJob

__all__ = ["MySQLStore"]

_T = TypeVar("_T")

# LAST_INSERT_ID(id) makes the id of the row that was met the statement's result.
_INSERT = f"""
INSERT INTO outbox_job
    (queue, job_type, dedup_key, payload, status, priority, run_after, attempts, max_attempts,
     group_key, window_key, worker, claim_no, created_at, last_error)
VALUES (%s, %s, %s, %s, 'PENDING', %s, COALESCE(%s, {LATER_SQL["mysql"]}), 0, %s, %s, %s, '', 0,
        {NOW_SQL["mysql"]}, '')
ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)
"""

_OVERWRITE = """,
    queue = VALUES(queue), payload = VALUES(payload), priority = VALUES(priority),
    run_after = VALUES(run_after), attempts = 0, max_attempts = VALUES(max_attempts),
    last_error = ''
"""

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

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def insert(self, new: NewJob, *, replace: bool) -> OutboxJob:
        """Store the job, or return its pending twin; see ``backends.base.Store``."""
        return self._retrying(lambda: self._insert(new, replace=replace))

    def claim(
        self, *, queue: str, limit: int, worker: str, lease_seconds: float
    ) -> list[OutboxJob]:
        """Take due jobs; see ``backends.base.Store``."""
        return self._retrying(lambda: self._claim(queue, limit, worker, lease_seconds))

    def _insert(self, new: NewJob, *, replace: bool) -> OutboxJob:
        # Either way the row is locked until the transaction ends, so it can still be read.
        with transaction.atomic(using=self.alias, savepoint=False):
            if new.dedup_key is not None and not replace:
                twin = self._locked_twin(new)
                if twin is not None:
                    return twin
            connection = connections[self.alias]
            with connection.cursor() as cursor:
                cursor.execute(
                    _INSERT + (_OVERWRITE if replace else ""), insert_parameters(new, connection)
                )
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

    def _claim(self, queue: str, limit: int, worker: str, lease_seconds: float) -> list[OutboxJob]:
        priorities = due_priorities(queue, using=self.alias)
        highest = next(priorities, None)
        if highest is None:
            return []
        claimed: list[OutboxJob] = []
        with transaction.atomic(using=self.alias):
            for priority in chain([highest], priorities):
                ids = self._lock(queue, priority, limit - len(claimed))
                if ids and not self._take(ids, worker, lease_seconds):
                    # One row's index entry is locked: the others need not wait for it.
                    ids = [one for one in ids if self._take([one], worker, lease_seconds)]
                taken = OutboxJob.objects.using(self.alias).filter(pk__in=ids, worker=worker)
                claimed += taken.order_by("run_after", "pk")
                if len(claimed) >= limit:
                    break
        return claimed

    def _lock(self, queue: str, priority: int, limit: int) -> list[int]:
        """Return the ids alone: the index answers, and each row is read once, after the change."""
        skip_locked = connections[self.alias].features.has_select_for_update_skip_locked
        return list(
            OutboxJob.objects.using(self.alias)
            .pending()
            .filter(queue=queue, group_key="", priority=priority, run_after__lte=ServerTime())
            .order_by("run_after", "pk")
            .select_for_update(skip_locked=skip_locked)
            .values_list("pk", flat=True)[:limit]
        )

    def _take(self, ids: list[int], worker: str, lease_seconds: float) -> bool:
        """
        Mark rows that are locked already; False when one of them cannot be had at once.

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
