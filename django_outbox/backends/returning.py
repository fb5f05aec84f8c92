"""PostgreSQL and SQLite: partial indexes, ON CONFLICT and RETURNING do it in one statement."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

from django.db import connections

from django_opskit.clock import LATER_SQL, NOW_SQL
from django_outbox.backends.base import WINDOW_SQL, NewJob, insert_parameters, window_parameters
from django_outbox.backends.claims import RETURNED, fetch_claimed
from django_outbox.backends.floor import Floor
from django_outbox.backends.rows import COLUMNS, bare_job, converters, fetch_jobs
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
VALUES (%s, %s, {key}, {json}, 'PENDING', {priority}, {run_after}, 0, %s, {group}, {window}, '',
    0, {now}, '')
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
_DECIDED = "id, run_after, created_at"
_DECIDED_NOW = "id, run_after"

_RUN_AFTER = OutboxJob._meta.get_field("run_after").cached_col
_PENDING = JobStatus.PENDING.value

# Without the look for white space of json.loads(): what is decoded is of our own encoder.
_decode = json.JSONDecoder().raw_decode


# What a claim does to a job. The attempts stop counting where the column ends.
_TAKEN = """
    status = 'IN_PROGRESS', attempts = {least}(attempts, 32766) + 1, claim_no = claim_no + 1,
    worker = %s, started_at = {now}, lease_until = {later}
"""


class ReturningStore:
    """What the two databases share; the subclasses spell the differences."""

    vendor: ClassVar[str]
    json_parameter: ClassVar[str]
    moment_parameter: ClassVar[str]
    twin_lock: ClassVar[str]
    least: ClassVar[str]
    # Told of a job in the statement that stores it: one more would be one more round trip.
    notify: ClassVar[str]
    notify_now: ClassVar[str]
    claim_sql: ClassVar[str]
    take_sql: ClassVar[str]
    # What a claim returns.
    returned: ClassVar[str] = RETURNED

    def __init__(self, alias: str) -> None:
        self.alias = alias
        #: By queue; a store belongs to one worker.
        self._floors: dict[str, Floor] = {}

    def insert(self, new: NewJob, *, replace: bool, wake_up: bool) -> OutboxJob:
        """Store the job, or return its twin; see ``backends.base.Store``."""
        connection = connections[self.alias]
        conflict = "" if new.dedup_key is None else "replace" if replace else "return"
        is_for_now = new.run_after is None and not new.delay_seconds
        is_bare = is_for_now and not (conflict or new.priority or new.group_key)
        parameters = (
            (new.queue, new.job_type, new.payload_json, new.max_attempts)
            if is_bare
            else insert_parameters(new, connection, is_for_now=is_for_now)
        )
        if new.window_seconds is not None:
            conflict = "meet"
            parameters += window_parameters(new)
        # Otherwise what is sent and what is decided make up the row.
        is_whole = conflict in ("replace", "meet") or _may_change(new.payload_json)
        sql = insert_sql(
            type(self),  # type: ignore[arg-type]  # mypy takes a class for its instances
            conflict,
            is_for_now,
            is_bare,
            is_whole,
            wake_up,
        )
        for _ in range(_MAX_ROUNDS):
            if is_whole:
                stored = next(iter(self._rows(sql, parameters)), None)
            else:
                stored = self._stored(new, sql, parameters, is_for_now)
            twin = stored or self._twin(new, wake_up=wake_up)
            if twin is not None:
                return twin
            # A worker claimed the twin just now, so the new job has to be one of its own.
        raise OutboxError(
            f"Job {new.job_type!r} with dedup_key {new.dedup_key!r} could not be stored: its "
            f"pending twin was claimed {_MAX_ROUNDS} times in a row. Enqueue it again."
        )

    def _stored(
        self, new: NewJob, sql: str, parameters: Sequence[Any], is_for_now: bool
    ) -> OutboxJob | None:
        connection = connections[self.alias]
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            row = cursor.fetchone()
        if row is None:
            return None
        # Of a job that is due at once, one moment is both.
        moments = row[1:2] if is_for_now else row[1:3]
        if _converts_moments(self.alias):
            for convert in converters(_RUN_AFTER, connection):
                moments = [convert(moment, _RUN_AFTER, connection) for moment in moments]
        return _job(new, row[0], moments[0], moments[-1], using=self.alias)

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

    def _claim(self, template: str, parameters: Sequence[Any]) -> list[OutboxJob]:
        """Run a claim; its first two parameters are the worker and the lease's seconds."""
        now, later = NOW_SQL[self.vendor], LATER_SQL[self.vendor]
        taken = _TAKEN.format(least=self.least, now=now, later=later)
        sql = template.format(columns=self.returned, taken=taken, now=now)
        worker, lease_seconds = parameters[:2]
        return fetch_claimed(
            sql, parameters, worker=worker, lease_seconds=lease_seconds, using=self.alias
        )


# What happens to a job with a key that meets another. With a window there are two ways to meet;
# without an arbiter either will do.
_CONFLICTS = {
    "": "",
    "return": f"ON CONFLICT {PENDING_ARBITER} DO NOTHING",
    "replace": f"ON CONFLICT {PENDING_ARBITER} {_OVERWRITE}",
    "meet": "ON CONFLICT DO NOTHING",
}


def _may_change(payload_json: str) -> bool:
    """Say whether it may have numbers of which PostgreSQL makes others: 1e+16 becomes an int."""
    return "e+" in payload_json or "-0.0" in payload_json


@cache
def insert_sql(
    store: type[ReturningStore],
    conflict: str,
    is_for_now: bool,
    is_bare: bool,
    is_whole: bool,
    wake_up: bool,
) -> str:
    """
    Return the statement that stores one job.

    It is as short as the job allows, and has as few parameters: the server reads it anew each
    time, which is a good part of what a small INSERT costs.
    """
    columns = COLUMNS if is_whole else _DECIDED_NOW if is_for_now else _DECIDED
    notify = store.notify_now if is_for_now else store.notify
    insert = plain_insert_sql(
        store,  # type: ignore[arg-type]  # mypy takes a class for its instances
        has_window=conflict == "meet",
        is_for_now=is_for_now,
        is_bare=is_bare,
    )
    return f"{insert} {_CONFLICTS[conflict]} RETURNING {columns}{notify if wake_up else ''}"


@cache
def plain_insert_sql(
    store: type[ReturningStore],
    *,
    has_window: bool = False,
    is_for_now: bool = False,
    is_bare: bool = False,
) -> str:
    """
    Return the statement that stores a job without looking for its twin.

    A bare job has no key, no group and no priority, and the statement no parameters for them.
    """
    now, later = NOW_SQL[store.vendor], LATER_SQL[store.vendor]
    return _INSERT.format(
        key="NULL" if is_bare else "%s",
        json=store.json_parameter,
        priority="0" if is_bare else "%s",
        group="''" if is_bare else "%s",
        run_after=now if is_for_now else f"COALESCE({store.moment_parameter}, {later})",
        now=now,
        window=WINDOW_SQL[store.vendor] if has_window else "NULL",
    )


@cache
def _converts_moments(alias: str) -> bool:
    return bool(converters(_RUN_AFTER, connections[alias]))


def _job(
    new: NewJob, job_id: int, run_after: datetime, created_at: datetime, *, using: str
) -> OutboxJob:
    """Return the model of a job that was just stored."""
    values = {
        "id": job_id,
        "queue": new.queue,
        "job_type": new.job_type,
        "dedup_key": new.dedup_key,
        "window_key": None,
        "group_key": new.group_key,
        "payload": _decode(new.payload_json)[0],
        "status": _PENDING,
        "priority": new.priority,
        "run_after": run_after,
        "attempts": 0,
        "max_attempts": new.max_attempts,
        "worker": "",
        "lease_until": None,
        "claim_no": 0,
        "created_at": created_at,
        "started_at": None,
        "finished_at": None,
        "last_error": "",
        "result": None,
        "progress": None,
    }
    return bare_job(values, using)
