"""What is wrong with the site's own checks for validate_system."""

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from django_system_ops.conf import get_conf
from django_system_ops.exceptions import SystemOpsError

__all__ = ["check_extra_checks"]


def check_extra_checks(**_kwargs: object) -> list[CheckMessage]:
    """E030: one of ``validation.extra_checks`` cannot be had, or has a name that is taken."""
    try:
        if get_conf().validation.extra_checks:
            # Only then: each command of the site would load all of it for nothing.
            from django_system_ops.services.validating import all_checks

            all_checks()
    except SystemOpsError as error:
        hint = "Name classes that need no arguments and have name, help, is_default and run."
        return [Error(str(error), hint=hint, id="django_system_ops.E030")]
    except ImproperlyConfigured:
        return []  # E001 to E003 say it
    return []
