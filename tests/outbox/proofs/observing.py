"""What the proofs look at: the log of the handlers, and the table as anybody sees it."""

import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from django_outbox.models import OutboxAttempt, OutboxJob
from tests.outbox.outbox_handlers import read_log

__all__ = ["Observer", "began", "done", "held_at_death"]


def began(log: Path, *, pids: Collection[int] = ()) -> list[int]:
    """Return the jobs that handlers began, in that order; ``pids``: in these processes alone."""
    return _jobs(log, "began", pids)


def done(log: Path, *, pids: Collection[int] = ()) -> list[int]:
    """Return the jobs whose handlers came to their end, in that order."""
    return _jobs(log, "done", pids)


def _jobs(log: Path, word: str, pids: Collection[int]) -> list[int]:
    rows = [row for row in read_log(log) if row["word"] == word]
    return [row["job"] for row in rows if not pids or row["pid"] in pids]


def held_at_death(pids: Collection[int], *, using: str = "default") -> set[int]:
    """Return the jobs that were taken over from the workers with these process ids."""
    attempts = OutboxAttempt.objects.using(using).values_list("job_id", "worker")
    return {job_id for job_id, worker in attempts if int(worker.split(":")[1]) in pids}


@dataclass
class Observer:
    """
    Somebody who looks at the table all the time.

    A job that was seen COMPLETED was acknowledged, durably: it must not be claimed again.
    """

    using: str = "default"
    seen: dict[int, int] = field(default_factory=dict)

    def look(self) -> dict[str, int]:
        """Remember what is COMPLETED; return how many jobs have which status."""
        rows = OutboxJob.objects.using(self.using).values_list("pk", "status", "claim_no")
        statuses: Counter[str] = Counter()
        for job_id, status, claim_no in rows:
            statuses[status] += 1
            if status == OutboxJob.Status.COMPLETED:
                self.seen.setdefault(job_id, claim_no)
        return dict(statuses)

    def wait_until_done(self, jobs: int, *, seconds: float = 180) -> None:
        """Look until so many jobs are COMPLETED and there is no other."""
        deadline = time.monotonic() + seconds
        while (statuses := self.look()) != {"COMPLETED": jobs}:
            assert time.monotonic() < deadline, f"not within {seconds} s: {statuses}"
            time.sleep(0.02)

    def check(self) -> None:
        """Fail when a job was claimed again after it had been seen COMPLETED."""
        now = OutboxJob.objects.using(self.using).values_list("pk", "claim_no")
        assert dict(now) == self.seen
