"""What may go wrong between a worker and its job, made to happen in a test."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import F

from django_opskit.clock import ServerTime
from django_outbox.exceptions import UnknownJobTypeError
from django_outbox.models import OutboxJob
from django_outbox.services.attempts import Result
from django_outbox.services.execution import execute
from django_outbox.services.registry import registry
from django_outbox.services.settlement import settle

__all__ = ["Faults", "InjectedFault", "faults", "run_with_faults"]

_OTHER_WORKER = "another-worker:0:injected"


class InjectedFault(Exception):  # noqa: N818  # a fault, and not an error of anybody
    """What ``faults(fail_times=...)`` raises in place of the handler."""


@dataclass
class Faults:
    """
    What is to go wrong with the jobs of a type, each so many times.

    Attributes:
        happened: the faults so far, by their names, in order.
    """

    job_type: str | None
    fail_times: int
    crash_before_effect: int
    crash_after_effect: int
    lose_lease: int
    slow_seconds: float
    happened: list[str] = field(default_factory=list)

    def next_one(self) -> str | None:
        """Take the fault that comes next; None when there is none left."""
        for name in ("fail_times", "crash_before_effect", "crash_after_effect", "lose_lease"):
            left = getattr(self, name)
            if left > 0:
                setattr(self, name, left - 1)
                self.happened.append(name)
                return name
        return None


_active: list[Faults] = []


@contextmanager
def faults(
    job_type: str | None = None,
    *,
    fail_times: int = 0,
    crash_before_effect: int = 0,
    crash_after_effect: int = 0,
    lose_lease: int = 0,
    slow_seconds: float = 0.0,
) -> Iterator[Faults]:
    """
    Make jobs go wrong that ``drain`` or ``run_inline`` runs in the block.

    Several kinds happen one after the other, in the order of the arguments, one for each
    attempt. What is injected here is never raised in the test.

    Args:
        job_type: the jobs it happens to; None for all.
        fail_times: so many attempts raise :class:`InjectedFault` and do not reach the handler.
            The next attempt is due later, as after any error: ``drain(include_later=True)``.
        crash_before_effect: so many times the worker dies before it calls the handler.
        crash_after_effect: so many times the worker dies when the handler is done and its job
            is not yet reported: what it wrote stays, and the job runs again. An ``atomic``
            handler shares the transaction of its report, so that both are undone.
        lose_lease: so many times another worker takes the job while the handler runs: what it
            wrote stays, what it reports is refused, and the job runs again. The other one dies
            at once.
        slow_seconds: sleep so long before each call of the handler.

    After a crash or a lost lease the lease counts as over, so that the job is due again at once.
    """
    active = Faults(
        job_type, fail_times, crash_before_effect, crash_after_effect, lose_lease, slow_seconds
    )
    _active.append(active)
    try:
        yield active
    finally:
        _active.remove(active)


def run_with_faults(job: OutboxJob, *, using: str) -> Result | None:
    """Run and settle a claimed job; None where a fault has happened to it."""
    fault = None
    for active in reversed(_active):
        if active.job_type in (None, job.job_type):
            time.sleep(active.slow_seconds)
            fault = fault or active.next_one()
    match fault:
        case None:
            result = execute(job, using=using)
            settle([result], using=using)
            return result
        case "fail_times":
            settle([Result(job, 0.0, InjectedFault("by django_outbox.testing"))], using=using)
        case "crash_before_effect":
            _let_lease_end(job, using)
        case "crash_after_effect":
            return _crash_after_effect(job, using)
        case "lose_lease":
            taken = {"claim_no": F("claim_no") + 1, "worker": _OTHER_WORKER}
            OutboxJob.objects.using(using).filter(pk=job.pk).update(**taken)
            settle([execute(job, using=using)], using=using)
            _let_lease_end(job, using)
    return None


def _crash_after_effect(job: OutboxJob, using: str) -> Result | None:
    if _is_atomic(job):
        with transaction.atomic(using=using):
            result = execute(job, using=using)
            transaction.set_rollback(True, using=using)
    else:
        result = execute(job, using=using)
    if result.error is not None:
        # There was no effect after which it could crash.
        settle([result], using=using)
        return result
    _let_lease_end(job, using)
    return None


def _is_atomic(job: OutboxJob) -> bool:
    try:
        return registry.get(job.job_type).atomic
    except UnknownJobTypeError:
        return False


def _let_lease_end(job: OutboxJob, using: str) -> None:
    held = OutboxJob.objects.using(using).filter(pk=job.pk, lease_until__isnull=False)
    held.update(lease_until=ServerTime(-1))
