"""What can be set of each rule, with the defaults as they were published."""

from decimal import Decimal
from typing import Any

from pydantic import Field, field_validator

from django_opskit.conf import SettingsModel

__all__ = [
    "NoComsSettings",
    "RuleSettings",
    "UnderperformanceSettings",
    "ZeroReadsSettings",
    "job_type_field",
]

# A minute and a half: what is shorter is no time between two readings.
_SHORTEST_DAYS = 0.001
_LONGEST_DAYS = 3650.0
_JOB_TYPE_LENGTH = 50


def job_type_field(default: str) -> Any:
    """Return the field for the type of a rule's jobs."""
    return Field(
        default,
        min_length=1,
        max_length=_JOB_TYPE_LENGTH,
        description="The type of the jobs that it opens.",
    )


class RuleSettings(SettingsModel):
    """What every rule has; a rule of your own derives from it when it has more."""

    enabled: bool = Field(True, description="Whether the rule runs.")
    job_type_id: str = job_type_field("")
    check_duplicate: bool = Field(
        True,
        description="Whether a site with an open job of this type gets no second one; False opens "
        "another with every run.",
    )
    auto_close_after_clean_runs: int = Field(
        0,
        ge=0,
        le=1000,
        description="Runs in a row that find the opposite after which a job that a run opened is "
        "closed; 0 leaves that to people.",
    )

    @field_validator("job_type_id")
    @classmethod
    def _is_printable(cls, text: str) -> str:
        if not text.isprintable():
            raise ValueError("it must be printable")
        return text


class NoComsSettings(RuleSettings):
    """Sites that have stopped talking."""

    days_threshold: float = Field(
        3,
        ge=_SHORTEST_DAYS,
        le=_LONGEST_DAYS,
        allow_inf_nan=False,
        description="Days of 24 hours without a reading after which a site is silent.",
    )
    job_type_id: str = job_type_field("no_coms")


class ZeroReadsSettings(RuleSettings):
    """Sites that talk and no longer count."""

    days_to_check: float = Field(
        4,
        ge=_SHORTEST_DAYS,
        le=_LONGEST_DAYS,
        allow_inf_nan=False,
        description="Days of 24 hours for which the register has to have stood still.",
    )
    readings_to_compare: int = Field(
        3,
        ge=1,
        le=100_000,
        description="At least so many moments of these days have to have been read.",
    )
    min_increase: float | Decimal = Field(
        0.0,
        ge=0,
        le=1e15,
        allow_inf_nan=False,
        description="A rise or fall of up to this, in the unit of the readings, is none.",
    )
    job_type_id: str = job_type_field("zero_reads")


class UnderperformanceSettings(RuleSettings):
    """Sites that count much less than those they can be compared with."""

    enabled: bool = Field(False, description="Whether the rule runs.")
    days_to_check: float = Field(
        7,
        ge=_SHORTEST_DAYS,
        le=_LONGEST_DAYS,
        allow_inf_nan=False,
        description="Days of 24 hours over which sites are compared.",
    )
    percent_of_median: float = Field(
        60,
        gt=0,
        le=100,
        description="A site that counts less than so many per cent of the median of its group is "
        "found.",
    )
    min_sites: int = Field(
        3,
        ge=2,
        le=1_000_000,
        description="A group of fewer sites that can be compared is not judged.",
    )
    job_type_id: str = job_type_field("underperformance")
