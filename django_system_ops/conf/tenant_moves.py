"""``MANAGEMENT_COMMANDS["tenant_moves"]``."""

from collections.abc import Mapping, Sequence

from pydantic import Field, field_validator

from django_opskit.conf import SettingsModel
from django_system_ops.conf.lists import a_list

__all__ = ["TenantMoveSettings"]


class TenantMoveSettings(SettingsModel):
    """What migrate_tenant_data has to know beside the types of ``data``."""

    batch_size: int = Field(
        1000, ge=1, le=5000, description="How many rows one transaction of a copy writes."
    )
    shared: Sequence[str] = Field(
        (),
        description='Models whose rows are no tenant\'s, such as "auth.User": links to them stay. '
        "Types that are shared need not be repeated here.",
    )
    generic: Mapping[str, str] = Field(
        {},
        description="Models whose rows belong to whomever the row that they point at belongs to, "
        'with their generic foreign key: {"comments.Comment": "target"}.',
    )
    leave: Sequence[str] = Field(
        (), description="Models whose rows stay where they are, such as logs of changes."
    )

    @field_validator("shared", "leave", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        return a_list(value, "auth.User")
