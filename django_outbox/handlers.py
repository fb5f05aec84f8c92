"""
What an app's ``outbox_handlers.py`` needs.

``@handler("JOB_TYPE")`` registers the functions that do the jobs. The rest is for use inside of
them: what they may ask about their job, tell about it, and raise.
"""

from django_outbox.exceptions import FailNow, LeaseLost, Snooze
from django_outbox.services.context import aset_progress, current_job, ensure_lease, set_progress
from django_outbox.services.registry import Handler, handler

__all__ = [
    "FailNow",
    "Handler",
    "LeaseLost",
    "Snooze",
    "aset_progress",
    "current_job",
    "ensure_lease",
    "handler",
    "set_progress",
]
