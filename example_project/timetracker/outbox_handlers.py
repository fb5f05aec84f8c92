"""What the outbox's workers do for the time tracker."""

import logging
from datetime import date

from django.utils import timezone

from django_outbox.handlers import handler
from django_outbox.models import OutboxJob
from timetracker.models import Employee
from timetracker.services import DAY_SAVED, summarise_day

logger = logging.getLogger(__name__)


@handler(DAY_SAVED)
def summarise_saved_day(job: OutboxJob) -> None:
    """Compute the sums of the day that ``job`` names."""
    employee_id, day = int(job.payload["employee_id"]), date.fromisoformat(job.payload["date"])
    try:
        summarise_day(employee_id, day, now=timezone.now())
    except Employee.DoesNotExist:
        # Trying again would not bring them back.
        logger.info("employee=%s date=%s: the employee is gone, nothing to sum", employee_id, day)
