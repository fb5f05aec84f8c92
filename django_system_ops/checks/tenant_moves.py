"""Whether migrate_tenant_data can know whose every row is."""

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from django_system_ops.conf import get_conf
from django_system_ops.services.tenant_moves.ownership import ownership_problems

__all__ = ["check_tenant_moves"]


def check_tenant_moves(**_kwargs: object) -> list[CheckMessage]:
    """E080 to E084: what the settings say of whose rows are contradicts itself or the models."""
    try:
        get_conf()
        return [
            Error(text, hint=hint, id=f"django_system_ops.{code}")
            for code, text, hint in ownership_problems()
        ]
    except ImproperlyConfigured:
        return []  # said by the check of the setting
