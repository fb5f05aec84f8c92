"""The options that say which jobs a command means, and the check that some were given."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from django_opskit.commands import UsageError
from django_outbox.management.queues import add_queue_option, declared_or_known
from django_outbox.models import JobStatus
from django_outbox.services.selection import Selection

__all__ = ["add_selectors", "selection_from"]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_BIGINT_MAX = 2**63 - 1


def add_selectors(parser: CommandParser) -> None:
    """Add ``--id``, ``--job-type``, ``--queue``, ``--error-contains``, ``--limit``, ``--all``."""
    parser.add_argument(
        "--id",
        type=int,
        action="append",
        default=None,
        metavar="ID",
        help="This job; may be given several times.",
    )
    parser.add_argument(
        "--job-type",
        action="append",
        default=None,
        metavar="TYPE",
        help="Only jobs of this type; may be given several times.",
    )
    add_queue_option(parser)
    parser.add_argument(
        "--error-contains",
        default="",
        metavar="TEXT",
        help="Only jobs whose last error holds this text.",
    )
    parser.add_argument(
        "--limit", type=int, default=None, metavar="COUNT", help="At most so many, oldest first."
    )
    parser.add_argument(
        "--all", action="store_true", help="Needed when nothing else says which jobs are meant."
    )


def selection_from(
    statuses: Sequence[JobStatus],
    *,
    failed_since: str = "",
    all: bool = False,  # the option's name
    limit: int | None = None,
    **options: Any,
) -> Selection:
    """
    Return what the options mean.

    Raises:
        UsageError: a value cannot be right, or nothing says which jobs are meant.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit must be 1 or more, got {limit}.")
    for job_id in options.get("id") or ():
        if not 0 < job_id <= _BIGINT_MAX:
            raise UsageError(f"id must be a job's number, got {job_id}.")
    names = ("id", "job_type", "queue", "error_contains")
    if not (all or failed_since or any(options.get(name) for name in names)):
        raise UsageError(
            "Say which jobs: with --id, --job-type, --queue, --error-contains and the like, or "
            "--all for every one."
        )
    return Selection(
        statuses=statuses,
        ids=options.get("id") or (),
        job_types=options.get("job_type") or (),
        queues=declared_or_known(options.get("queue")),
        failed_since=_moment(failed_since) if failed_since else None,
        error_contains=options.get("error_contains") or "",
        limit=limit,
    )


def _moment(text: str) -> datetime | timedelta:
    """Return a length of time for "90m", else the moment that ``text`` names."""
    if length := re.fullmatch(r"(\d{1,6})([smhd])", text):
        return timedelta(**{_UNITS[length[2]]: int(length[1])})
    try:
        moment = parse_datetime(text)
        if moment is None and (day := parse_date(text)):
            moment = datetime(day.year, day.month, day.day)  # noqa: DTZ001  # made aware below
    except ValueError:
        moment = None
    if moment is None:
        raise UsageError(
            f"failed-since must be a moment such as 2026-11-20T08:00 or a time such as 30m, 2h "
            f"or 1d, got {text!r}."
        )
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
