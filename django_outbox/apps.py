"""The app: system checks are registered at start-up, handlers are found at first use."""

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class DjangoOutboxConfig(AppConfig):
    """Configuration of django_outbox."""

    name = "django_outbox"
    verbose_name = _("Outbox")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from django_opskit.tasks import check_tasks
        from django_outbox.checks import check_databases, check_platform, check_settings

        checks.register(check_settings)
        checks.register(check_platform)
        checks.register(check_tasks)
        checks.register(check_databases, checks.Tags.database)
