"""
Which jobs a worker takes only when a thread is free for them.

Each claim counts an attempt, so that a payload that kills its worker runs out of them. The jobs
that merely waited beside it pay as well: once, and not again and again until they are buried
without ever having run.
"""

from django_outbox.models import OutboxJob

__all__ = ["DIED", "SILENT", "is_delicate"]

#: Why a job came back from a worker that is known to be dead.
DIED = "The worker {worker} died while it held the job."
#: Why a job came back whose lease was over.
SILENT = "The worker {worker} gave no sign of life until its lease was over."

_BEGINNING = DIED.partition("{worker}")[0]
_ENDINGS = tuple(reason.partition("{worker}")[2] for reason in (DIED, SILENT))


def is_delicate(job: OutboxJob) -> bool:
    """
    Say whether a claimed job must not wait for a thread: it begins now, or goes back.

    Its last attempt ended with its worker, so it may be what killed it; or this attempt is its
    last one, and a worker that dies would bury it unseen.
    """
    if job.attempts >= job.max_attempts:
        return True
    error = job.last_error
    return bool(error) and error.startswith(_BEGINNING) and error.endswith(_ENDINGS)
