"""What the app needs of the site."""

from django.conf import settings
from django.core.checks import CheckMessage, Error

__all__ = ["check_time_zones"]


def check_time_zones(**_kwargs: object) -> list[CheckMessage]:
    """Report a site without time zones: heartbeats and locks compare with the server's clock."""
    if settings.USE_TZ:
        return []
    return [
        Error(
            "USE_TZ is off: heartbeats of commands cannot be compared with the database's clock.",
            hint="Set USE_TZ = True.",
            id="django_system_ops.E007",
        )
    ]
