"""The app in Django's admin."""

from django_health_check_job.admin.checks import CheckAdmin, StateChangeAdmin
from django_health_check_job.admin.results import HeathCheckJobAdmin

__all__ = ["CheckAdmin", "HeathCheckJobAdmin", "StateChangeAdmin"]
