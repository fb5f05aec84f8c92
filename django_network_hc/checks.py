"""System checks of django_network_hc."""

from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from django_network_hc.conf import NetworkHcSettings, get_conf
from django_opskit.conf import settings_check

__all__ = ["check_folder", "check_settings"]

#: E001 to E003: the setting ``NETWORK_HC``.
check_settings = settings_check(NetworkHcSettings, "django_network_hc")


def check_folder(**_kwargs: object) -> list[CheckMessage]:
    """Warn when the files of the networks lie where the web server hands them out."""
    try:
        root = get_conf().root
    except ImproperlyConfigured:
        return []  # said by the check above
    public = {name: getattr(settings, name, None) for name in ("MEDIA_ROOT", "STATIC_ROOT")}
    return [
        CheckWarning(
            f"NETWORK_HC['SCRIPT_DIR'] is {str(root)!r}, inside {name}, which the public may read.",
            hint="Move it elsewhere: the admin hands out its files to those who may see them.",
            id="django_network_hc.W001",
        )
        for name, folder in public.items()
        if folder and root.is_relative_to(Path(folder).absolute())
    ]
