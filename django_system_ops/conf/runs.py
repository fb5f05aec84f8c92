"""How runs are recorded, kept from meeting each other, and told about."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from django_opskit.conf import SettingsModel
from django_system_ops.conf.lists import a_list

__all__ = [
    "HistorySettings",
    "LockSettings",
    "NotifySettings",
    "TenantSettings",
    "is_named",
]


def is_named(name: str, patterns: Sequence[str]) -> bool:
    """Return whether one of the patterns means the command."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


class HistorySettings(SettingsModel):
    """``MANAGEMENT_COMMANDS["history"]``."""

    enabled: bool = Field(True, description="Whether runs of commands are recorded.")
    database: str = Field("default", description="In which of the site's databases.")
    commands: Sequence[str] = Field(
        ("*",), description="Which commands are recorded: names, or patterns with *."
    )
    except_commands: Sequence[str] = Field(
        (
            *("health_check", "ops_health_check"),
            *("ops_metrics", "ops_runs", "ops_schedule", "ops_settings"),
        ),
        description="Which are not: names, or patterns with *; by default those that only look "
        "and may be called each minute.",
    )
    keep_days: int = Field(180, ge=1, description="How long a run that is over is kept.")
    output_kib: int = Field(64, ge=0, le=1024, description="How much of the end of its output.")
    heartbeat_seconds: float = Field(
        15, ge=0.1, le=600, description="How often a run says that it lives."
    )
    lost_after_seconds: float = Field(
        120, ge=1, description="After how long without a heartbeat it is taken for lost."
    )

    @field_validator("commands", "except_commands", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        return a_list(value, "backup_data")

    @model_validator(mode="after")
    def _may_miss_a_beat(self) -> Self:
        if self.lost_after_seconds < 2 * self.heartbeat_seconds:
            raise ValueError(
                "lost_after_seconds has to be at least twice heartbeat_seconds: else every long "
                "run is taken for lost."
            )
        return self


class LockSettings(SettingsModel):
    """``MANAGEMENT_COMMANDS["locks"]``."""

    kind: Literal["session", "lease"] = Field(
        "session",
        description='"session": a lock of the database server, free at once when its holder dies; '
        '"lease": a row with a time limit, for servers behind a pooler in transaction mode. '
        "SQLite has leases only.",
    )
    database: str = Field(
        "default",
        description="In which of the site's databases: one that goes past a pooler, where there "
        "is such an alias.",
    )
    lease_seconds: float = Field(
        60, ge=1, description="How long a lease holds without being renewed."
    )


class NotifySettings(SettingsModel):
    """``MANAGEMENT_COMMANDS["notify"]``: who hears of a failure, and of the recovery."""

    commands: Sequence[str] = Field(
        ("backup_data", "restore_backup", "cleanup_old_data"),
        description="Of which commands; names, or patterns with *.",
    )
    email: Sequence[str] = Field((), description="Addresses that get a mail.")
    slack: SecretStr = Field(SecretStr(""), description="An incoming webhook of Slack.")
    teams: SecretStr = Field(
        SecretStr(""), description="The address of a workflow of Microsoft Teams."
    )
    webhook: SecretStr = Field(SecretStr(""), description="An address that gets JSON.")
    webhook_headers: Mapping[str, SecretStr] = Field(
        {}, description="Headers that it gets besides."
    )
    timeout_seconds: float = Field(10, gt=0, le=120, description="How long each may take.")

    @field_validator("commands", "email", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        return a_list(value, "ops@example.com")

    @field_validator("slack", "teams", "webhook")
    @classmethod
    def _is_an_address(cls, value: SecretStr) -> SecretStr:
        if value and not value.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("it has to begin with https:// or http://.")
        return value


class TenantSettings(SettingsModel):
    """``MANAGEMENT_COMMANDS["tenants"]``: for ``--tenant``."""

    model: str = Field("", description='The model of tenants, such as "assistants.Tenant".')
    name_field: str = Field("name", description="The unique field that --tenant names them by.")
