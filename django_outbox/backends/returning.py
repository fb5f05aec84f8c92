"""PostgreSQL and SQLite: partial indexes, ON CONFLICT and RETURNING do it in one statement."""

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar

from django.db import connections

from django_outbox.backends.base import WINDOW_SQL, NewJob, insert_parameters, window_parameters
from django_outbox.backends.rows import COLUMNS, fetch_jobs, fetch_values
from django_outbox.clock import LATER_SQL, NOW_SQL
from django_outbox.exceptions import OutboxError
from django_outbox.models import JobStatus, OutboxJob

__all__ = ["PENDING_ARBITER", "ReturningStore", "insert_sql", "plain_insert_sql"]

# Each round needs a worker to claim the pending twin between two statements of ours.
_MAX_ROUNDS = 50

#: The predicate of the index outbox_job_one_pending, in its very order: SQLite compares the two
#: term by term where PostgreSQL proves one from the other.
PENDING_ARBITER = "(job_type, dedup_key) WHERE dedup_key IS NOT NULL AND status = 'PENDING'"

_INSERT = """
INSERT INTO outbox_job
    (queue, job_type, dedup_key, payload, status, priority, run_after, attempts, max_attempts,
     group_key, window_key, worker, claim_no, created_at, last_error)
VALUES (%s, %s, %s, {json}, 'PENDING', %s, {run_after}, 0, %s, %s, {window}, '', 0, {now}, '')
"""

_OVERWRITE = """DO UPDATE SET
    queue = EXCLUDED.queue, payload = EXCLUDED.payload, priority = EXCLUDED.priority,
    run_after = EXCLUDED.run_after, attempts = 0, max_attempts = EXCLUDED.max_attempts,
    group_key = EXCLUDED.group_key, last_error = ''"""

_PENDING_TWIN = """
SELECT {columns}{notify} FROM outbox_job
WHERE job_type = %s AND dedup_key = %s AND status = 'PENDING' {lock}
"""

_IN_WINDOW = """
SELECT {columns} FROM outbox_job WHERE job_type = %s AND window_key = {window}
"""

# What the server decides about a job that was just stored; the rest is known.
_DECIDED = ("id", "payload", "run_after", "created_at", "window_key")


class ReturningStore:
    """What the two databases share; the subclasses spell the differences."""

    vendor: ClassVar[str]
    json_parameter: ClassVar[str]
    moment_parameter: ClassVar[str]
    twin_lock: ClassVar[str]
    # Told of a job in the statement that stores it: one more would be one more round trip.
    notify: ClassVar[str]
    claim_sql: ClassVar[str]
    take_sql: ClassVar[str]

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def insert(self, new: NewJob, *, replace: bool, wake_up: bool) -> OutboxJob:
        """Store the job, or return its twin; see ``backends.base.Store``."""
        has_window = new.window_seconds is not None
        is_for_now = new.run_after is None and not new.delay_seconds
        conflict = "" if new.dedup_key is None else "replace" if replace else "return"
        sql = insert_sql(
            type(self),  # type: ignore[arg-type]  # mypy takes a class for its instances
            conflict="meet" if has_window else conflict,
            is_for_now=is_for_now,
            wake_up=wake_up,
        )
        parameters = insert_parameters(new, connections[self.alias], is_for_now=is_for_now)
        if has_window:
            parameters += window_parameters(new)
        for _ in range(_MAX_ROUNDS):
            stored = self._stored(new, sql, parameters, is_whole=conflict == "replace")
            twin = stored or self._twin(new, wake_up=wake_up)
            if twin is not None:
                return twin
            # A worker claimed the twin just now, so the new job has to be one of its own.
        raise OutboxError(
            f"Job {new.job_type!r} with dedup_key {new.dedup_key!r} could not be stored: its "
            f"pending twin was claimed {_MAX_ROUNDS} times in a row. Enqueue it again."
        )

    def _stored(
        self, new: NewJob, sql: str, parameters: Sequence[Any], *, is_whole: bool
    ) -> OutboxJob | None:
        if is_whole:
            return next(iter(fetch_jobs(sql, parameters, using=self.alias)), None)
        rows = fetch_values(sql, parameters, _DECIDED, using=self.alias)
        if not rows:
            return None
        values = _known(new) | dict(zip(_DECIDED, rows[0], strict=False))
        names = [field.attname for field in OutboxJob._meta.concrete_fields]
        return OutboxJob.from_db(self.alias, names, [values[name] for name in names])

    def _twin(self, new: NewJob, *, wake_up: bool) -> OutboxJob | None:
        # A worker that looks in vain, since it is locked, has to look again after the commit.
        pending = _PENDING_TWIN.format(
            columns=COLUMNS, notify=self.notify if wake_up else "", lock=self.twin_lock
        )
        found = self._rows(pending, (new.job_type, new.dedup_key))
        if not found and new.window_seconds is not None:
            same = _IN_WINDOW.format(columns=COLUMNS, window=WINDOW_SQL[self.vendor])
            found = self._rows(same, (new.job_type, *window_parameters(new)))
        return found[0] if found else None

    def _rows(self, sql: str, parameters: Sequence[Any]) -> list[OutboxJob]:
        return fetch_jobs(sql, parameters, using=self.alias)

    def _claim(self, sql: str, parameters: Sequence[Any]) -> list[OutboxJob]:
        return self._rows(
            sql.format(columns=COLUMNS, now=NOW_SQL[self.vendor], later=LATER_SQL[self.vendor]),
            parameters,
        )


# What happens to a job with a key that meets another. With a window there are two ways to meet;
# without an arbiter either will do.
_CONFLICTS = {
    "": "",
    "return": f"ON CONFLICT {PENDING_ARBITER} DO NOTHING",
    "replace": f"ON CONFLICT {PENDING_ARBITER} {_OVERWRITE}",
    "meet": "ON CONFLICT DO NOTHING",
}


@cache
def insert_sql(
    store: type[ReturningStore], *, conflict: str, is_for_now: bool, wake_up: bool
) -> str:
    """
    Return the statement that stores one job.

    It is as short as the job allows: the server reads it anew each time, which is a good part of
    what a small INSERT costs.
    """
    columns = COLUMNS if conflict == "replace" else ", ".join(_DECIDED)
    notify = store.notify if wake_up else ""
    insert = plain_insert_sql(
        store,  # type: ignore[arg-type]  # mypy takes a class for its instances
        has_window=conflict == "meet",
        is_for_now=is_for_now,
    )
    return f"{insert} {_CONFLICTS[conflict]} RETURNING {columns}{notify}"


@cache
def plain_insert_sql(
    store: type[ReturningStore], *, has_window: bool = False, is_for_now: bool = False
) -> str:
    """Return the statement that stores a job without looking for its twin."""
    now, later = NOW_SQL[store.vendor], LATER_SQL[store.vendor]
    return _INSERT.format(
        json=store.json_parameter,
        run_after=now if is_for_now else f"COALESCE({store.moment_parameter}, {later})",
        now=now,
        window=WINDOW_SQL[store.vendor] if has_window else "NULL",
    )


def _known(new: NewJob) -> dict[str, Any]:
    return {
        "queue": new.queue,
        "job_type": new.job_type,
        "dedup_key": new.dedup_key,
        "group_key": new.group_key,
        "status": JobStatus.PENDING.value,
        "priority": new.priority,
        "attempts": 0,
        "max_attempts": new.max_attempts,
        "worker": "",
        "lease_until": None,
        "claim_no": 0,
        "started_at": None,
        "finished_at": None,
        "last_error": "",
        "result": None,
        "progress": None,
    }
