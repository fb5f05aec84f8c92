"""
The setting ``JOB_AUTOMATION``; the only module that reads it.

The keys inside a rule were published in lower case and stay so; those beside the rules are upper
case, as everywhere else. A rule of the site's own, named in ``RULES``, has a key beside the others.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from django_job_automation.own_rules import imported, unfit, with_rules
from django_job_automation.rule_settings import (
    NoComsSettings,
    RuleSettings,
    UnderperformanceSettings,
    ZeroReadsSettings,
)
from django_opskit.conf import AppSettings

__all__ = ["JobAutomationSettings", "get_conf"]

_LONGEST_DAYS = 3650.0
# What the days of the API's dashboard have beside a count for each rule.
_RESERVED = ("DATE", "DAY")


class JobAutomationSettings(AppSettings, setting="JOB_AUTOMATION"):
    """``JOB_AUTOMATION`` in the site's settings."""

    NO_COMS: NoComsSettings = Field(
        default_factory=NoComsSettings, description="The rule for silent sites."
    )
    ZERO_READS: ZeroReadsSettings = Field(
        default_factory=ZeroReadsSettings, description="The rule for flat registers."
    )
    UNDERPERFORMANCE: UnderperformanceSettings = Field(
        default_factory=UnderperformanceSettings,
        description="The rule for sites that count much less than their group.",
    )
    RULES: Sequence[str] = Field(
        (),
        description="Dotted paths of rules of your own, asked after the others; each has its "
        "settings under its name in upper case.",
    )
    ADAPTER: str = Field(
        "django_job_automation.adapters.DefaultAdapter",
        description="Dotted path of the class that says which models hold sites, readings and "
        "jobs.",
    )
    OPEN_STATUSES: Sequence[str] | None = Field(
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
        imported(path)
        return path

    @field_validator("RULES")
    @classmethod
    def _are_rules(cls, paths: Sequence[str]) -> Sequence[str]:
        taken = {*JobAutomationSettings.model_fields, *_RESERVED}
        for path in paths:
            rule = imported(path)
            if problem := unfit(rule):
                raise ValueError(f"{path} {problem}")
            if rule.name.upper() in taken:
                raise ValueError(f"{path} is called {rule.name!r}, which is taken: rename it")
            taken.add(rule.name.upper())
        return paths

    @model_validator(mode="after")
    def _types_differ(self) -> Self:
        by_type: dict[str, str] = {}
        for section in self.sections:
            job_type = getattr(self, section).job_type_id
            if (other := by_type.setdefault(job_type, section)) != section:
                raise ValueError(
                    f"{other} and {section} have the same job_type_id, {job_type!r}: give them two"
                )
        return self

    @property
    def sections(self) -> tuple[str, ...]:
        """Return the keys that hold the settings of a rule, in the order in which rules run."""
        fields = type(self).model_fields
        return tuple(name for name in fields if isinstance(getattr(self, name), RuleSettings))

    def document(self) -> dict[str, Any]:
        """Return everything as JSON has it, which knows no infinity."""
        found: dict[str, Any] = json.loads(self.model_dump_json())
        return found

    def rule(self, name: str) -> Any:
        """Return the settings of a rule by its name in lower case, such as ``no_coms``."""
        return getattr(self, name.upper())

    @classmethod
    def model_for(cls, raw: object) -> "type[JobAutomationSettings]":
        """Return the model with a key for each rule that ``RULES`` names."""
        paths = raw.get("RULES") if isinstance(raw, Mapping) else None
        if not isinstance(paths, tuple | list):
            return cls
        rules = []
        for path in paths:
            try:
                rule = imported(path)
            except ValueError:
                continue  # the validator says so
            if not unfit(rule) and rule.name.upper() not in cls.model_fields:
                rules.append(rule)
        return with_rules(cls, *rules) if rules else cls


def get_conf() -> JobAutomationSettings:
    """Return ``JOB_AUTOMATION`` as it is now; ImproperlyConfigured names what is wrong."""
    return JobAutomationSettings.read()
