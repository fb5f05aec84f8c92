"""The time tracker's settings: ``TIMETRACKER = {...}``, all optional."""

from django.conf import settings
from pydantic import Field

from django_opskit.conf import AppSettings

__all__ = ["TimetrackerSettings", "get_conf"]


class TimetrackerSettings(AppSettings, setting="TIMETRACKER"):
    """What a site may decide about booking time."""

    EDIT_WINDOW_DAYS: int = Field(
        31, ge=0, description="How many days back a day may still be changed; 0 is today alone."
    )
    ALLOW_TEST_DATA: bool | None = Field(
        None,
        description="Whether seed_testdata may run; None allows it exactly when DEBUG is on.",
    )

    @property
    def test_data_allowed(self) -> bool:
        """Whether an account with a published password may come to exist here."""
        return settings.DEBUG if self.ALLOW_TEST_DATA is None else self.ALLOW_TEST_DATA


def get_conf() -> TimetrackerSettings:
    """Return the settings as they are now."""
    return TimetrackerSettings.read()
