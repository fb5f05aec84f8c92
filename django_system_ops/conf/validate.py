"""``MANAGEMENT_COMMANDS["validation"]``."""

from collections.abc import Sequence

from pydantic import Field, field_validator

from django_opskit.conf import SettingsModel
from django_system_ops.conf.lists import a_list

__all__ = ["ValidateSettings"]


class ValidateSettings(SettingsModel):
    """What validate_system looks at."""

    extra_checks: Sequence[str] = Field(
        (),
        description="Checks of the site's own, by their dotted paths; they run after the app's.",
    )
    examples: int = Field(
        5, ge=1, le=1000, description="How many rows a finding names, unless --sample says."
    )

    @field_validator("extra_checks", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        return a_list(value, "shop.checks.Totals")
