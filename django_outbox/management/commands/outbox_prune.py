"""``manage.py outbox_prune``: finished jobs that nobody needs any more are deleted."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser

from django_opskit.commands import OpsCommand, UsageError
from django_outbox.management.queues import add_queue_option, declared_or_known
from django_outbox.models import JobStatus
from django_outbox.services.prune import KEEP_DAYS, Pruned, PruneOrder, prune

_FINISHED = ("COMPLETED", "CANCELLED", "FAILED")
_MOST_DAYS = 36_500
_LARGEST_BATCH = 10_000


class Command(OpsCommand):
    """Delete old finished jobs and their attempts; dead letters only when asked."""

    help = "Delete outbox jobs that finished long ago; failed ones only with --status FAILED."
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; each default is the one in :meth:`handle`."""
        numbers: Sequence[tuple[str, type, Any, str, str]] = (
            ("--days", int, None, "N", f"Age to go (default: the queue's KEEP_DAYS, {KEEP_DAYS})."),
            ("--inbox-days", int, None, "N", "Delete received messages that are older, too."),
            ("--batch", int, 1_000, "ROWS", "Rows looked at in one step (default: 1000)."),
            ("--max-seconds", float, math.inf, "S", "Stop after so long (default: never)."),
        )
        for option, kind, default, metavar, text in numbers:
            parser.add_argument(option, type=kind, default=default, metavar=metavar, help=text)
        parser.add_argument(
            "--status",
            action="append",
            choices=_FINISHED,
            default=None,
            help="Only these; may be given several times (default: COMPLETED and CANCELLED).",
        )
        add_queue_option(parser)
        parser.add_argument(
            "--attempts", action="store_true", help="Delete attempts whose job is gone, too."
        )

    def handle(
        self,
        *args: Any,
        days: int | None = None,
        inbox_days: int | None = None,
        batch: int = 1_000,
        max_seconds: float = math.inf,
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        """Delete and say how much; UsageError when an option is out of range."""
        for name, given in (("days", days), ("inbox-days", inbox_days)):
            if given is not None and not 0 <= given <= _MOST_DAYS:
                raise UsageError(f"{name} must be 0 to {_MOST_DAYS}, got {given}.")
        if not 1 <= batch <= _LARGEST_BATCH:
            raise UsageError(f"batch must be 1 to {_LARGEST_BATCH}, got {batch}.")
        if not max_seconds > 0:
            raise UsageError(f"max-seconds must be greater than 0, got {max_seconds}.")
        order = PruneOrder(
            days=days,
            statuses=[JobStatus(name) for name in options.get("status") or _FINISHED[:2]],
            queues=declared_or_known(options.get("queue")),
            orphans=options.get("attempts") or False,
            inbox_days=inbox_days,
            batch=batch,
            max_seconds=max_seconds,
        )
        self._report(prune(order, dry_run=dry_run), dry_run=dry_run)

    def _report(self, pruned: Pruned, *, dry_run: bool) -> None:
        counts = dataclasses.asdict(pruned)
        is_complete = counts.pop("is_complete")
        self.counters = counts
        done = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
        verb = "Would delete" if dry_run else "Deleted"
        self.result(
            {**counts, "complete": is_complete, "dry_run": dry_run},
            f"{verb}: {done or 'nothing'}.",
            *([] if is_complete else ["The time was over: the next run goes on."]),
        )
