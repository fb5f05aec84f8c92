"""The job, for the outbox."""

import time

from benchmarks.programs.protocol import note
from django_outbox.handlers import handler
from django_outbox.models import OutboxJob


@handler("BENCH")
def bench(job: OutboxJob) -> None:
    """Leave a line, and take the time that the job is to take."""
    note(job.payload["n"])
    if job.payload["s"]:
        time.sleep(job.payload["s"])
