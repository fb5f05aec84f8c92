"""
What the time tracker leaves to workers through Django's Tasks API.

The day's sums have a handler of the outbox instead (``outbox_handlers``): they are asked for by
key, however often a day is saved. A task is a function with arguments and a result.
"""

from django.utils import timezone

from django_opskit.tasks import task
from timetracker.models import Employee
from timetracker.services import summarise_open_days

__all__ = ["summarise_employee"]


@task
def summarise_employee(employee_id: int) -> int:
    """Compute the sums of the employee's open days anew; return how many days there were."""
    try:
        return summarise_open_days(employee_id, now=timezone.now())
    except Employee.DoesNotExist:
        # Trying again would not bring them back.
        return 0
