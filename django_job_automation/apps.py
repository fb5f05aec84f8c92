"""The app: its system checks are connected at start-up, nothing else."""

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class DjangoJobAutomationConfig(AppConfig):
    """Configuration of django_job_automation."""

    name = "django_job_automation"
    verbose_name = _("Job automation")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from django_job_automation.checks import check_adapter, check_settings

        checks.register(check_settings)
        checks.register(check_adapter)
