"""``MANAGEMENT_COMMANDS["cleanup"]``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from django_opskit.conf import SettingsModel
from django_system_ops.conf.lists import a_list

__all__ = ["CleanupSettings", "CleanupTypeSettings"]


class CleanupTypeSettings(SettingsModel):
    """One kind of what ages: the rows of a model, or the files in a directory."""

    model: str = Field("", description='Whose rows age, such as "assistants.Chat".')
    date_field: str = Field("", description="Its field that says how old a row is.")
    tenant: str = Field(
        "", description='The way from it to its tenant, such as "tenant" or "chat__tenant".'
    )
    shared: bool = Field(
        False, description="Whether its rows are no tenant's; --tenant NAME leaves them alone."
    )
    days: int | None = Field(
        None, ge=1, description="How many days are kept; else those of cleanup."
    )
    filter: Mapping[str, Any] = Field(
        {}, description='Lookups that a row has to meet besides, such as {"status": "closed"}.'
    )
    delete_files: bool = Field(
        True, description="Whether the files of removed rows are removed from their storage."
    )
    directory: str | Path = Field(
        "",
        description="In place of a model: where files age; a relative one is below BASE_DIR. "
        "Files are no tenant's: it is shared by itself.",
    )
    patterns: Sequence[str] = Field(
        ("*",), description="Which files of the directory: patterns of their names."
    )

    @field_validator("patterns", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        return a_list(value, "*.tmp")

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if bool(self.model) == bool(self.directory):
            raise ValueError("it has to have a model or a directory, and not both.")
        if self.model and not self.date_field:
            raise ValueError("a model needs a date_field.")
        if self.tenant and (self.shared or self.directory):
            raise ValueError("what has a tenant is not shared: leave one of them out.")
        return self


class CleanupSettings(SettingsModel):
    """What is old, and how fast it goes."""

    batch_size: int = Field(1000, ge=1, description="How many rows one transaction removes.")
    concurrent_jobs: int = Field(
        4, ge=1, le=64, description="How many batches run side by side; on SQLite always one."
    )
    days: int = Field(30, ge=1, description="How many days are kept where nothing else is said.")
    types: Mapping[str, CleanupTypeSettings] = Field(
        {},
        description="What ages, by names for --type; chats, logs, temporary_files and analytics "
        "are known by name, and command_runs is built in.",
    )

    @field_validator("types")
    @classmethod
    def _built_in_stays(
        cls, value: Mapping[str, CleanupTypeSettings]
    ) -> Mapping[str, CleanupTypeSettings]:
        for name in value:
            if name == "command_runs":
                raise ValueError("command_runs is built in: see history.keep_days.")
            if not name.replace("-", "_").isidentifier():
                raise ValueError(f"{name!r} is no name: write letters, digits, - and _.")
        return value
