"""
The setting ``JOB_AUTOMATION``; the only module that reads it.

The keys inside a rule were published in lower case and stay so; those beside the rules are upper
case, as everywhere else.
"""

from decimal import Decimal
from typing import Any, Self

from django.utils.module_loading import import_string
from pydantic import Field, field_validator, model_validator

from django_opskit.conf import AppSettings, SettingsModel

__all__ = [
    "SECTIONS",
    "JobAutomationSettings",
    "NoComsSettings",
    "RuleSettings",
    "ZeroReadsSettings",
    "get_conf",
]

# A minute and a half: what is shorter is no time between two readings.
_SHORTEST_DAYS = 0.001
_LONGEST_DAYS = 3650.0
_JOB_TYPE_LENGTH = 50

#: The keys that hold the settings of a rule.
SECTIONS = ("NO_COMS", "ZERO_READS")


class RuleSettings(SettingsModel):
    """What every rule has."""

    enabled: bool = Field(True, description="Whether the rule runs.")
    job_type_id: str = Field(
        "",
        min_length=1,
        max_length=_JOB_TYPE_LENGTH,
        description="The type of the jobs that it opens.",
    )
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
    job_type_id: str = Field(
        "no_coms",
        min_length=1,
        max_length=_JOB_TYPE_LENGTH,
        description="The type of the jobs that it opens.",
    )


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
    job_type_id: str = Field(
        "zero_reads",
        min_length=1,
        max_length=_JOB_TYPE_LENGTH,
        description="The type of the jobs that it opens.",
    )


class JobAutomationSettings(AppSettings, setting="JOB_AUTOMATION"):
    """``JOB_AUTOMATION`` in the site's settings."""

    NO_COMS: NoComsSettings = Field(
        default_factory=NoComsSettings, description="The rule for silent sites."
    )
    ZERO_READS: ZeroReadsSettings = Field(
        default_factory=ZeroReadsSettings, description="The rule for flat registers."
    )
    ADAPTER: str = Field(
        "django_job_automation.adapters.DefaultAdapter",
        description="Dotted path of the class that says which models hold sites, readings and "
        "jobs.",
    )
    OPEN_STATUSES: tuple[str, ...] | list[str] | None = Field(
        None,
        min_length=1,
        description="Statuses of a job in a table of your own in which somebody still has to do "
        "something, in place of the adapter's; those of the app's own jobs are fixed.",
    )
    DATA_QUALITY: bool = Field(
        True,
        description="Whether readings of the future, registers that fell and sites that were never "
        "read are kept as findings; they open no job.",
    )
    KEEP_RUNS_DAYS: float = Field(
        400,
        ge=0,
        le=36_500,
        allow_inf_nan=False,
        description="Days after which job_automation_cleanup deletes runs and their findings.",
    )
    MAIL_ADMINS: bool = Field(
        False, description="Whether ADMINS get a mail on a run that failed or has opened jobs."
    )
    FUTURE_TOLERANCE_HOURS: float = Field(
        1,
        ge=0,
        le=24 * _LONGEST_DAYS,
        allow_inf_nan=False,
        description="Hours by which a meter's clock may be fast; readings beyond count as none.",
    )
    MASS_OUTAGE_PERCENT: float | None = Field(
        None,
        gt=0,
        le=100,
        description="When more than so many per cent of the sites fall silent in one run, no job "
        "is opened for them: that is the intake's fault, and said once. None: never.",
    )
    RUN_LEASE_SECONDS: float = Field(
        3600,
        ge=1,
        le=7 * 86_400,
        allow_inf_nan=False,
        description="Seconds after which a run that has said nothing may be taken over from "
        "another host; on the same host a dead one is known at once.",
    )

    @field_validator("ADAPTER")
    @classmethod
    def _is_importable(cls, path: str) -> str:
        try:
            import_string(path)
        except ImportError as error:
            raise ValueError(f"it cannot be imported: {error}") from error
        return path

    @model_validator(mode="after")
    def _types_differ(self) -> Self:
        if self.NO_COMS.job_type_id == self.ZERO_READS.job_type_id:
            raise ValueError(
                f"NO_COMS and ZERO_READS have the same job_type_id, "
                f"{self.NO_COMS.job_type_id!r}: give them two"
            )
        return self

    def rule(self, name: str) -> Any:
        """Return the settings of a rule by its name in lower case, such as ``no_coms``."""
        return getattr(self, name.upper())


def get_conf() -> JobAutomationSettings:
    """Return ``JOB_AUTOMATION`` as it is now; ImproperlyConfigured names what is wrong."""
    return JobAutomationSettings.read()
