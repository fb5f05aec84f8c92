"""``manage.py outbox_status``: how many jobs wait, how long, and who works."""

import dataclasses
import math
from typing import Any

from django.core.management.base import CommandError, CommandParser

from django_opskit.commands import OpsCommand, UsageError
from django_outbox.management.queues import add_queue_option, declared_or_known
from django_outbox.services.status import OutboxStatus, QueueStatus, outbox_status


class Command(OpsCommand):
    """Show queues and workers; quick at any size, since counting stops at 10,000."""

    help = "Show how many outbox jobs wait, how long, and which workers run."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; each default is the one in :meth:`handle`."""
        add_queue_option(parser)
        parser.add_argument(
            "--exact", action="store_true", help="Count to the end (reads every open job)."
        )
        parser.add_argument(
            "--fail-if-older-than",
            type=float,
            default=None,
            metavar="SECONDS",
            help="Exit with 1 when a due job has waited longer.",
        )

    def handle(
        self,
        *args: Any,
        queue: list[str] | None = None,
        exact: bool = False,
        fail_if_older_than: float | None = None,
        **options: Any,
    ) -> None:
        """Print the state; CommandError (status 1) when a job has waited too long."""
        if fail_if_older_than is not None and not 0 <= fail_if_older_than < math.inf:
            raise UsageError(
                f"fail-if-older-than must be 0 seconds or more, got {fail_if_older_than}."
            )
        found = outbox_status(declared_or_known(queue), limit=None if exact else 10_000)
        self.result(dataclasses.asdict(found), *_lines(found))
        waited_s = found.oldest_due_seconds
        if fail_if_older_than is not None and waited_s > fail_if_older_than:
            raise CommandError(
                f"A due job has waited {waited_s:.0f} s, longer than {fail_if_older_than:g} s."
            )


def _lines(found: OutboxStatus) -> list[str]:
    columns = ("due", "later", "in progress", "failed", "lanes")
    rows = [["queue", *columns, "oldest due"]]
    for queue in found.queues:
        counts = [_count(queue, name.replace(" ", "_")) for name in columns]
        waited_s = queue.oldest_due_seconds
        oldest = "-" if waited_s is None else f"{waited_s:.0f} s"
        name = queue.queue if queue.is_declared else f"{queue.queue} (not declared)"
        rows.append([name, *counts, oldest])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]
    lines += [
        f"worker {worker.name}: {', '.join(worker.queues)}; {worker.concurrency} at once, "
        f"seen {worker.seen_seconds_ago:.0f} s ago{'' if worker.is_live else ', silent'}"
        for worker in found.workers
    ]
    return lines if found.workers else [*lines, "no workers"]


def _count(queue: QueueStatus, name: str) -> str:
    return f"{getattr(queue, name):,}{'+' if name in queue.at_least else ''}"
