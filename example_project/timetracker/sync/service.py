"""A source's task list, taken over into TaskCache: all of it, or nothing."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from timetracker.models import SyncRun, TaskSource
from timetracker.sync.client import TaskClient
from timetracker.sync.comparison import Comparison, Sent, compare, read
from timetracker.sync.engine.addresses import shown
from timetracker.sync.engine.cursor import written
from timetracker.sync.lease import Lease
from timetracker.sync.report import SyncReport
from timetracker.sync.task_cache import write_changes

__all__ = ["sync_tasks"]

logger = logging.getLogger(__name__)

_FULL, _INCREMENTAL = SyncRun.Mode.FULL, SyncRun.Mode.INCREMENTAL


def _nothing(*args: object) -> None:
    """Stand in for what a caller does not want to hear of."""


def sync_tasks(
    client: TaskClient,
    *,
    now: datetime,
    mode: str | None = None,
    dry_run: bool = False,
    max_deactivate_percent: int | None = None,
    on_page: Callable[[int], None] = _nothing,
) -> SyncReport:
    """
    Read the source of ``client`` and make our tasks like it.

    Everything is read before anything is written, and written in one transaction: tasks, their
    history, how far we have read, and how the run went. Of a run that fails, only its row in
    SyncRun remains. A run over the whole list deactivates the tasks of this source that it no
    longer holds; tasks of other sources, and of none, stay as they are.

    Args:
        client: reads the source.
        now: the moment at which the run starts.
        mode: "full" or "incremental"; None is incremental when possible. As long as no run
            has succeeded, every one is full.
        dry_run: report what would change, and write nothing at all.
        max_deactivate_percent: in place of the setting.
        on_page: called with the number of tasks on each page.

    Raises:
        SyncBusyError: another run is at work on this source.
        FetchError: the list could not be read completely.
        GuardError: too large a share of the active tasks would be deactivated.
        SyncLostError: this run was silent for so long that another took its place.
    """
    limit = client.conf.MAX_DEACTIVATE_PERCENT
    if max_deactivate_percent is not None:
        limit = max_deactivate_percent
    if dry_run:
        source = TaskSource.objects.filter(url=client.url).first() or TaskSource(url=client.url)
        is_full = mode == _FULL or not source.cursor
        sent = read(client, source, is_full=is_full, alive=_nothing, on_page=on_page)
        comparison = compare(sent, source, limit_percent=limit, lock=False)
        return _report(client, mode, sent, comparison, run_id=None)

    lease = Lease.take(
        client.url,
        full=mode == _FULL,
        now=now,
        seconds=client.conf.lease_seconds,
        monotonic=client.timing.monotonic,
    )
    source, run = lease.source, lease.run
    try:
        sent = read(client, source, is_full=run.mode == _FULL, alive=lease.renew, on_page=on_page)
        with transaction.atomic():
            lease.confirm()
            comparison = compare(sent, source, limit_percent=limit, lock=True)
            changes = comparison.plan.changes
            reason = f"sync_tasks run {run.pk}"
            write_changes(changes, comparison.rows, reason=reason, now=lease.now)
            report = _report(client, mode, sent, comparison, run_id=run.pk)
            lease.succeed(report.counters(), **_read_so_far(sent, lease.now))
    except BaseException as error:
        lease.fail(error)
        raise
    _log(report)
    return report


def _report(
    client: TaskClient, asked: str | None, sent: Sent, comparison: Comparison, *, run_id: int | None
) -> SyncReport:
    return SyncReport(
        source=client.url,
        mode=_FULL if sent.is_full else _INCREMENTAL,
        dry_run=run_id is None,
        fell_back=sent.is_full and asked == _INCREMENTAL,
        not_modified=sent.server_time is None,
        plan=comparison.plan,
        left_active=comparison.left_active,
        run_id=run_id,
    )


def _read_so_far(sent: Sent, now: datetime) -> dict[str, Any]:
    """Return what the source's row shall hold after a run that succeeded."""
    values: dict[str, Any] = {"synced_at": now, "etag": sent.etag}
    if sent.server_time is not None:
        values["cursor"] = written(sent.server_time)
    if sent.is_full:
        values["full_synced_at"] = now
    return values


def _log(report: SyncReport) -> None:
    """Write one line per change and per rejection, then the sums."""
    for change in report.changes:
        logger.info(
            "run=%s task=%r action=%s fields=%s",
            report.run_id,
            change.external_id,
            change.action,
            ",".join(change.changed_fields),
        )
    for rejection in report.rejections:
        logger.warning(
            "run=%s rejected=%r reason=%r", report.run_id, rejection.record, rejection.reason
        )
    sums = " ".join(f"{name}={count}" for name, count in report.counters().items())
    logger.info(
        "run=%s source=%s mode=%s %s", report.run_id, shown(report.source), report.mode, sums
    )
