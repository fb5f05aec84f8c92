"""What the page of one job shows besides its columns."""

from dataclasses import dataclass
from typing import Any

from django_outbox.admin.wording import pretty, sentence
from django_outbox.models import JobStatus, OutboxAttempt, OutboxJob
from django_outbox.services.diagnosis import Cause, Diagnosis, diagnose, lane_of

__all__ = ["job_context", "offered_verbs"]

_MOST_ATTEMPTS = 20
_FINISHED = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
_ALARMING = (
    Cause.FAILED,
    Cause.WORKER_SILENT,
    Cause.QUEUE_UNDECLARED,
    Cause.NO_HANDLER,
    Cause.NO_WORKER,
)
_WAITS_FOR_ITS_TIME = (Cause.SCHEDULED, Cause.RETRY_SCHEDULED)


@dataclass(frozen=True)
class Progress:
    """How far a job says it is; ``percent`` only where it has said how much there is to do."""

    done: float
    total: float | None
    percent: int | None
    note: str

    @classmethod
    def of(cls, stored: Any) -> "Progress | None":
        """Read ``OutboxJob.progress``; None where nothing, or something else, is stored."""
        if not isinstance(stored, dict) or not isinstance(stored.get("done"), int | float):
            return None
        done, total = stored["done"], stored.get("total")
        if not isinstance(total, int | float) or total <= 0:
            return cls(done, None, None, str(stored.get("note") or ""))
        percent = round(100 * min(max(done / total, 0), 1))
        return cls(done, total, percent, str(stored.get("note") or ""))


def job_context(job: OutboxJob, *, using: str) -> dict[str, Any]:
    """Return what the template needs, in a fixed number of statements."""
    lane = lane_of(job, using=using)
    diagnosis = diagnose(job, using=using, lane=lane)
    attempts = list(
        OutboxAttempt.objects.using(using)
        .filter(job_id=job.pk)
        .order_by("-claim_no")[: _MOST_ATTEMPTS + 1]
    )
    newest_error = attempts[0].error if attempts else ""
    return {
        "why": sentence(job, diagnosis),
        "needs_attention": diagnosis.cause
        in (
            Cause.FAILED,
            Cause.WORKER_SILENT,
            Cause.QUEUE_UNDECLARED,
            Cause.NO_HANDLER,
            Cause.NO_WORKER,
        ),
        "verbs": offered_verbs(job, diagnosis),
        "lane": lane,
        "payload": pretty(job.payload),
        "result": pretty(job.result) if job.result is not None else "",
        "progress": Progress.of(job.progress),
        "attempts": attempts[:_MOST_ATTEMPTS],
        "has_more_attempts": len(attempts) > _MOST_ATTEMPTS,
        "other_error": job.last_error if job.last_error != newest_error else "",
    }


def offered_verbs(job: OutboxJob, diagnosis: Diagnosis) -> list[str]:
    """Return what may be done with the job now, the likeliest first."""
    if job.status in _FINISHED:
        return ["run_again"]
    if job.status != JobStatus.PENDING:
        return []
    return ["run_now", "cancel"] if diagnosis.cause in _WAITS_FOR_ITS_TIME else ["cancel"]
