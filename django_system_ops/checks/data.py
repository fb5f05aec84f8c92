"""Whether the data that the settings name exists, and is somebody's."""

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from django_system_ops.conf import get_conf
from django_system_ops.services.data_types import type_problems

__all__ = ["check_data"]


def check_data(**_kwargs: object) -> list[CheckMessage]:
    """E050: a type of ``MANAGEMENT_COMMANDS["data"]`` does not fit the site's models."""
    try:
        return [
            Error(problem, id="django_system_ops.E050")
            for name, conf in get_conf().data.types.items()
            for problem in type_problems(name, conf)
        ]
    except ImproperlyConfigured:
        return []  # said by the check of the setting
