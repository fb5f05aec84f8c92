"""What runs by itself: written for those who start it, and watched."""

from django_system_ops.services.schedules.celery import celery_entries
from django_system_ops.services.schedules.crontab import crontab
from django_system_ops.services.schedules.overdue import Watched, tell_overdue, watched
from django_system_ops.services.schedules.running import run_scheduled
from django_system_ops.services.schedules.systemd import systemd_units

__all__ = [
    "Watched",
    "celery_entries",
    "crontab",
    "run_scheduled",
    "systemd_units",
    "tell_overdue",
    "watched",
]
