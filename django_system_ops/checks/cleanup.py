"""Whether what cleanup_old_data is to remove exists, is somebody's, and is no danger."""

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from django_system_ops.conf import get_conf
from django_system_ops.services.cleanup.fitting import problems

__all__ = ["check_cleanup"]


def check_cleanup(**_kwargs: object) -> list[CheckMessage]:
    """E020 to E025, W020 and W021: the types of ``MANAGEMENT_COMMANDS["cleanup"]``."""
    try:
        types = get_conf().cleanup.types
    except ImproperlyConfigured:
        return []  # said by the check of the setting
    return [
        (Error if one.is_error else CheckWarning)(
            one.message, hint=one.hint, id=f"django_system_ops.{one.code}"
        )
        for name, kind in types.items()
        for one in problems(name, kind)
    ]
