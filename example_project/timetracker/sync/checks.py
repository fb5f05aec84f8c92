"""System checks of the synchronisation."""

from django_opskit.conf import settings_check
from timetracker.sync.conf import SyncSettings

__all__ = ["check_settings"]

check_settings = settings_check(SyncSettings, "timetracker_sync")
