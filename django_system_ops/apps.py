"""The app: its system checks and the recorder of runs are connected at start-up, nothing else."""

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class DjangoSystemOpsConfig(AppConfig):
    """Configuration of django_system_ops."""

    name = "django_system_ops"
    verbose_name = _("System operations")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and record the commands."""
        from django_opskit.signals import command_finished, command_started
        from django_system_ops.checks import CHECKS
        from django_system_ops.services.recording import on_command_finished, on_command_started

        for check in CHECKS:
            checks.register(check)
        command_started.connect(on_command_started, dispatch_uid="django_system_ops")
        command_finished.connect(on_command_finished, dispatch_uid="django_system_ops")
