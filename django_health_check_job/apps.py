"""The app: system checks and the mail to ADMINS are connected at start-up, nothing else."""

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class DjangoHealthCheckJobConfig(AppConfig):
    """Configuration of django_health_check_job."""

    name = "django_health_check_job"
    verbose_name = _("Health monitoring")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks and the built-in receiver of state changes."""
        from django_health_check_job.checks import (
            check_published,
            check_settings,
            check_what_is_set,
        )
        from django_health_check_job.services.mailing import mail_change
        from django_health_check_job.signals import state_changed

        checks.register(check_settings)
        checks.register(check_published)
        checks.register(check_what_is_set)
        state_changed.connect(mail_change, dispatch_uid="django_health_check_job.mailing")
