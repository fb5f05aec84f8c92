"""The app's entry in INSTALLED_APPS."""

from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _

from django_opskit.conf import settings_check
from timetracker.api.checks import check_settings as check_api_settings
from timetracker.conf import TimetrackerSettings
from timetracker.sync.checks import check_settings as check_sync_settings


class TimetrackerConfig(AppConfig):
    """Employees, the tasks that they may book on, and the time that they booked."""

    name = "timetracker"
    verbose_name = _("Time tracker")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks of the settings."""
        register(settings_check(TimetrackerSettings, self.label))
        register(check_sync_settings)
        register(check_api_settings)
