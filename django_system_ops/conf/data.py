"""``MANAGEMENT_COMMANDS["data"]``: the site's data under names that commands know."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from django_opskit.conf import SettingsModel
from django_system_ops.conf.lists import a_list

__all__ = ["DataSettings", "DataTypeSettings"]


class DataTypeSettings(SettingsModel):
    """One kind of the site's data: the rows of a model."""

    model: str = Field(description='Whose rows, such as "assistants.Chat".')
    tenant: str = Field(
        "", description='The way from it to its tenant, such as "tenant" or "chat__tenant".'
    )
    shared: bool = Field(False, description="Whether its rows are no tenant's.")
    date_field: str = Field(
        "", description="Its field that says when a row was made or changed, for --since."
    )
    key: Sequence[str] = Field(
        (), description="The fields that tell one row from another wherever it goes."
    )
    fields: Sequence[str] = Field(
        (), description="The fields that go in and out; all of the model's by default."
    )
    secret_fields: Sequence[str] = Field(
        (), description="Fields that leave the site only when somebody asks for secrets."
    )
    filter: Mapping[str, Any] = Field(
        {}, description='Lookups that a row has to meet, such as {"is_draft": False}.'
    )

    @field_validator("key", "fields", "secret_fields", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        return a_list(value, "slug")

    @model_validator(mode="after")
    def _is_somebodys(self) -> Self:
        if bool(self.tenant) == self.shared:
            raise ValueError("it needs the way to its tenant, or shared: True, and not both.")
        return self


class DataSettings(SettingsModel):
    """What import_knowledge, export_data and migrate_tenant_data know by name."""

    types: Mapping[str, DataTypeSettings] = Field(
        {}, description="The site's data, by names for --type."
    )

    @field_validator("types")
    @classmethod
    def _names_can_be_written(
        cls, value: Mapping[str, DataTypeSettings]
    ) -> Mapping[str, DataTypeSettings]:
        for name in value:
            if name == "all" or not name.replace("-", "_").isidentifier():
                raise ValueError(
                    f"{name!r} is no name: write letters, digits, - and _, and not all."
                )
        return value
