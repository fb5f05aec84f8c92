"""``MANAGEMENT_COMMANDS["health"]``."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from django_opskit.conf import SettingsModel

__all__ = ["BUILT_IN_SERVICES", "ApiSettings", "BacklogSettings", "HealthSettings"]

#: What ``--service`` knows on every site.
BUILT_IN_SERVICES = (
    "database",
    "cache",
    "redis",
    "celery",
    "storage",
    "backlog",
    "api",
    "disk",
)


class ApiSettings(SettingsModel):
    """One HTTP API of others."""

    url: SecretStr = Field(description="Its address; a name and a password in it are not shown.")
    status: int = Field(200, ge=100, le=599, description="The status that it has to answer with.")
    headers: dict[str, SecretStr] = Field({}, description="Headers that it gets; never shown.")
    timeout_seconds: float = Field(5, gt=0, le=600, description="How long it may take.")

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: SecretStr) -> SecretStr:
        try:
            parts = urlsplit(value.get_secret_value())
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
            is_address = is_address and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            raise ValueError("it has to be an address that begins with https:// or http://.")
        return value


class BacklogSettings(SettingsModel):
    """One queue whose length is looked at."""

    callable: str = Field(description="The dotted path of what returns how many wait.")
    warn: float = Field(description="From how many on it is a warning.")
    fail: float = Field(description="From how many on it is a failure.")

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.warn > self.fail:
            raise ValueError("warn must not be above fail.")
        return self


class HealthSettings(SettingsModel):
    """The services that health_check asks."""

    timeout_seconds: float = Field(
        10, gt=0, le=600, description="How long each service may take, counted by itself."
    )
    redis_url: SecretStr = Field(
        SecretStr(""),
        description="A Redis to ask, beside those that the caches and Celery are set up with.",
    )
    celery_app: str = Field(
        "", description='The dotted path of the Celery app, such as "config.celery.app".'
    )
    celery_workers: int = Field(1, ge=1, le=10_000, description="How many workers have to answer.")
    apis: dict[str, ApiSettings] = Field(
        {}, description="HTTP APIs of others to ask, by names that the site chooses."
    )
    backlog: dict[str, BacklogSettings] = Field(
        {}, description="Queues whose length is looked at, by names that the site chooses."
    )
    services: dict[str, str] = Field(
        {},
        description="Checks of the site's own: a name and the dotted path of what raises when "
        "something is wrong.",
    )
    disk_warn_percent: float = Field(
        10, ge=0, le=100, description="Below how much free space there is a warning."
    )
    disk_fail_percent: float = Field(
        3, ge=0, le=100, description="Below how much free space it is a failure."
    )

    @field_validator("services")
    @classmethod
    def _is_new(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name in BUILT_IN_SERVICES:
                raise ValueError(f"{name!r} is there already; choose another name.")
        return value

    @field_validator("services", "apis", "backlog")
    @classmethod
    def _can_be_named(cls, value: dict[str, object]) -> dict[str, object]:
        for name in value:
            if not name.strip() or set(name) & set(",:") or not name.isprintable():
                raise ValueError(f"{name!r} cannot be named: no comma, no colon, no line break.")
        return value

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.disk_fail_percent > self.disk_warn_percent:
            raise ValueError("disk_fail_percent must not be above disk_warn_percent.")
        return self
