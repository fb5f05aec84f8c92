"""The job, for Django's Tasks API."""

import time

from django.tasks import task

from benchmarks.programs.protocol import note


@task()
def bench(number: int, seconds: float) -> None:
    """Leave a line, and take the time that the job is to take."""
    note(number)
    if seconds:
        time.sleep(seconds)
