"""What is wrong with the setting."""

from django_opskit.conf import settings_check
from django_system_ops.conf import ManagementCommandsSettings

__all__ = ["check_settings"]

#: E001 to E003: the setting ``MANAGEMENT_COMMANDS``.
check_settings = settings_check(ManagementCommandsSettings, "django_system_ops")
