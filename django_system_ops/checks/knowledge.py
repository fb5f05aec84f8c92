"""Whether the steps of migrate_knowledge_base can be had, and fit the rows and each other."""

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from django_system_ops.conf import get_conf

__all__ = ["check_knowledge_base"]


def check_knowledge_base(**_kwargs: object) -> list[CheckMessage]:
    """E090 to E094: the steps of ``MANAGEMENT_COMMANDS["knowledge_base"]``, and their rows."""
    try:
        if not get_conf().knowledge_base.steps:
            return []
        # Only then: each command of the site would load all of it for nothing.
        from django_system_ops.services.knowledge.registry import problems

        return [
            Error(one.message, hint=one.hint or None, id=f"django_system_ops.{one.code}")
            for one in problems()
        ]
    except ImproperlyConfigured:
        return []  # said by the check of the setting
