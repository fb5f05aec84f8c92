"""Whether the reports that the settings describe fit the site."""

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from django_system_ops.conf import get_conf
from django_system_ops.services.reports.fitting import problems

__all__ = ["check_reports"]


def check_reports(**_kwargs: object) -> list[CheckMessage]:
    """E070 to E074: the types of ``MANAGEMENT_COMMANDS["reports"]``."""
    try:
        types = get_conf().reports.types
    except ImproperlyConfigured:
        return []  # said by the check of the setting
    return [
        Error(one.message, id=f"django_system_ops.{one.code}")
        for name, conf in types.items()
        for one in problems(name, conf)
    ]
