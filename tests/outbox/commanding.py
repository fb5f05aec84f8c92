"""Commands called in the test's process, and jobs for them to find."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from django_outbox.models import OutboxJob


def run(name: str, *args: object, **options: Any) -> str:
    out = StringIO()
    call_command(name, *args, stdout=out, **options)
    return out.getvalue()


def document(name: str, *args: object) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(name, *args, "--json"))
    return answer


def store(count: int = 1, *, days_ago: float = 0, **fields: Any) -> list[OutboxJob]:
    """Store jobs that were made, and finished unless they are open, so long ago."""
    moment = timezone.now() - timedelta(days=days_ago)
    is_open = fields.setdefault("status", "PENDING") in ("PENDING", "IN_PROGRESS")
    fields = {"job_type": "TEST_JOB", "created_at": moment, "run_after": moment, **fields}
    jobs = [OutboxJob(finished_at=None if is_open else moment, **fields) for _ in range(count)]
    OutboxJob.objects.bulk_create(jobs, batch_size=1000)
    return list(OutboxJob.objects.order_by("-pk")[:count])
