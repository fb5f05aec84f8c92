"""``MANAGEMENT_COMMANDS["schedule"]``."""

from collections.abc import Sequence

from pydantic import Field, field_validator

from django_opskit.conf import SettingsModel
from django_system_ops.conf.lists import a_list
from django_system_ops.engine.cron import CronTime

__all__ = ["ScheduledCommand"]


class ScheduledCommand(SettingsModel):
    """One command that runs by itself, under a name that the site chooses."""

    command: str = Field(min_length=1, description="The command's name.")
    arguments: Sequence[str] = Field((), description="Its arguments, as on the command line.")
    cron: str = Field(
        description='When, in the five fields of cron, such as "0 2 * * *"; in the time zone of '
        "the site."
    )
    alert_after_minutes: float = Field(
        120,
        gt=0,
        description="So long after it was due somebody is told that it has not succeeded.",
    )

    @field_validator("arguments", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        return a_list(value, "--days=30")

    @field_validator("cron")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        CronTime.parse(value)
        return value

    @property
    def time(self) -> CronTime:
        """Return when it is due."""
        return CronTime.parse(self.cron)
