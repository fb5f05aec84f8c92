"""
Delete what is older than its time, in batches that nobody has to wait for.

Single results go first; the hourly and daily figures, which were added up along with them, stay for
as long as their own settings say.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import router, transaction
from django.db.models import Model, QuerySet

from django_health_check_job.conf import HealthCheckJobSettings
from django_health_check_job.models import (
    Delivery,
    HeathCheckJob,
    MonitorRound,
    Receipt,
    Rollup,
    StateChange,
)
from django_opskit.browsing import first_key_since

__all__ = ["CleanupReport", "cleanup"]

#: Rows that one statement deletes: some 50 ms, so that monitors write on in between.
BATCH = 5_000


@dataclass(frozen=True)
class CleanupReport:
    """How many rows of each kind were deleted, or would be."""

    results: int = 0
    rounds: int = 0
    hourly: int = 0
    daily: int = 0
    changes: int = 0
    unsent: int = 0
    receipts: int = 0

    @property
    def total(self) -> int:
        """Return the sum."""
        return sum(asdict(self).values())


def cleanup(
    conf: HealthCheckJobSettings,
    *,
    now: datetime,
    dry_run: bool = False,
    keep_days: float | None = None,
    on_batch: Callable[[int], None] = lambda _count: None,
) -> CleanupReport:
    """
    Delete what is older than the settings allow, and say how much that was.

    Args:
        conf: the settings.
        now: ages count from here.
        dry_run: count only.
        keep_days: instead of KEEP_DAYS, for single results.
        on_batch: called with the rows of each batch.
    """

    def before(days: float) -> datetime:
        return now - timedelta(days=days)

    single = before(conf.KEEP_DAYS if keep_days is None else keep_days)
    hourly, daily = before(conf.KEEP_HOURLY_DAYS), before(conf.KEEP_DAILY_DAYS)
    rollups = _rows(Rollup)
    old: dict[str, QuerySet[Any]] = {
        "results": _older(HeathCheckJob, "created_at", single),
        "rounds": _older(MonitorRound, "started_at", single),
        "hourly": rollups.filter(span=Rollup.Span.HOUR, starts_at__lt=hourly),
        "daily": rollups.filter(span=Rollup.Span.DAY, starts_at__lt=daily),
        "changes": _older(StateChange, "at", daily).exclude(announced_at=None),
        "unsent": _older(Delivery, "created_at", before(conf.KEEP_UNSENT_DAYS)),
        "receipts": _rows(Receipt).filter(received_at__lt=before(conf.KEEP_UNSENT_DAYS)),
    }
    counts = {}
    for name, rows in old.items():
        counts[name] = rows.count() if dry_run else sum(_delete(rows, on_batch))
    return CleanupReport(**counts)


def _rows(model: type[Model]) -> QuerySet[Any]:
    return model._default_manager.using(router.db_for_write(model)).order_by()


def _older(model: type[Model], column: str, moment: datetime) -> QuerySet[Any]:
    """
    Return the rows before ``moment``, found along the keys, which grow with time.

    They only seem to where a clock was wrong, of a site that sends above all: so no row goes that
    is not itself old, and an old one that hides among younger ones waits until they are old too.
    """
    rows = _rows(model)
    old = rows.filter(**{f"{column}__lt": moment})
    key = first_key_since(rows, column, moment)
    return old if key is None else old.filter(pk__lt=key)


def _delete(rows: QuerySet[Any], on_batch: Callable[[int], None]) -> Iterator[int]:
    """Delete batch by batch, and yield how many each was."""
    while True:
        keys = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
        if not keys:
            return
        with transaction.atomic(using=rows.db):
            # By the ends of the batch: five thousand keys would not fit into every statement.
            batch = rows.filter(pk__gte=keys[0], pk__lte=keys[-1])
            deleted = batch._raw_delete(rows.db)
        on_batch(deleted)
        yield deleted
        # Others who write get their turn, on SQLite too.
        time.sleep(0.01)
