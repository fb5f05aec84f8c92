"""The app in Django's admin."""

from django_health_check_job.admin.changes import StateChangeAdmin
from django_health_check_job.admin.checks import CheckAdmin
from django_health_check_job.admin.monitors import MonitorLeaseAdmin
from django_health_check_job.admin.results import HeathCheckJobAdmin
from django_health_check_job.admin.sending import DeliveryAdmin, SenderAdmin

__all__ = [
    "CheckAdmin",
    "DeliveryAdmin",
    "HeathCheckJobAdmin",
    "MonitorLeaseAdmin",
    "SenderAdmin",
    "StateChangeAdmin",
]
