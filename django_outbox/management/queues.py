"""The option ``--queue`` of the commands that look at jobs."""

from collections.abc import Sequence

from django.core.management.base import CommandParser
from django.db import router

from django_opskit.commands import UsageError
from django_outbox.conf import get_conf
from django_outbox.models import OutboxJob
from django_outbox.services.dead import dead_jobs

__all__ = ["add_queue_option", "declared_or_known"]


def add_queue_option(parser: CommandParser) -> None:
    """Add ``--queue NAME``, which may be given several times."""
    parser.add_argument(
        "--queue",
        action="append",
        default=None,
        metavar="NAME",
        help="Only this queue; may be given several times (default: all).",
    )


def declared_or_known(queues: Sequence[str] | None) -> Sequence[str]:
    """
    Return ``queues``; UsageError names one that is neither declared nor in any job.

    A queue that is declared no longer may still have jobs, and those are what one looks for.
    """
    declared = get_conf().QUEUES
    for name in queues or ():
        if name not in declared and not _has_jobs(name):
            raise UsageError(
                f"Queue {name!r} is not declared in OUTBOX['QUEUES'] and has no open job; "
                f"declared: {', '.join(declared)}."
            )
    return queues or ()


def _has_jobs(queue: str) -> bool:
    # Finished jobs have no index by queue; of the dead ones there are few enough to look.
    alias = router.db_for_write(OutboxJob)
    jobs = OutboxJob.objects.using(alias)
    return (
        jobs.pending().filter(queue=queue).exists()
        or jobs.filter(status=OutboxJob.Status.IN_PROGRESS, queue=queue).exists()
        or dead_jobs(using=alias).filter(queue=queue).exists()
    )
