"""System checks of the task API."""

from django_opskit.conf import settings_check
from timetracker.api.conf import ApiSettings

__all__ = ["check_settings"]

check_settings = settings_check(ApiSettings, "timetracker_api")
