"""``MANAGEMENT_COMMANDS["reports"]``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from django_opskit.conf import SettingsModel

__all__ = [
    "AGGREGATES",
    "ReportMetricSettings",
    "ReportSectionSettings",
    "ReportSettings",
    "ReportTypeSettings",
]

#: What a metric may do with its field.
AGGREGATES = ("count", "count_distinct", "sum", "avg", "min", "max", "p50", "p90", "p95", "p99")


class ReportMetricSettings(SettingsModel):
    """One figure: what is done with a field of the rows, or a ratio of two other figures."""

    count: str = Field("", description='Counts the rows ("*"), or those in which a field is set.')
    count_distinct: str = Field("", description="Counts the different values of a field.")
    sum: str = Field("", description="The sum of a field; 0 where there are no rows.")
    avg: str = Field("", description="The mean of a field.")
    min: str = Field("", description="The lowest value of a field.")
    max: str = Field("", description="The highest value of a field.")
    p50: str = Field("", description="The median of a field.")
    p90: str = Field("", description="What 90 % of the values do not exceed, interpolated.")
    p95: str = Field("", description="What 95 % of the values do not exceed, interpolated.")
    p99: str = Field("", description="What 99 % of the values do not exceed, interpolated.")
    ratio: Sequence[str] = Field(
        (), description="Two other metrics: the first divided by the second."
    )
    filter: Mapping[str, Any] = Field(
        {}, description='Lookups that a row has to meet for this metric, such as {"rating__gte": 4}'
    )
    label: str = Field("", description="What it is called in the report; else its name.")
    unit: str = Field(
        "", description='Stands beside the figures; a ratio in "%" is multiplied by 100.'
    )
    hidden: bool = Field(False, description="Whether it is there for a ratio alone, and not shown.")
    places: int | None = Field(
        None, ge=0, le=4, description="Digits after the point; none for counts, else 2 by default."
    )

    @field_validator("ratio", mode="before")
    @classmethod
    def _is_two_names(cls, value: object) -> object:
        if not isinstance(value, (list, tuple)) or len(value) not in (0, 2):
            raise ValueError("write two names of metrics, such as ['good', 'rated'].")
        return value

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        chosen = [one for one in (*AGGREGATES, "ratio") if getattr(self, one)]
        if len(chosen) != 1:
            raise ValueError(
                f"it needs exactly one of {', '.join(AGGREGATES)} and ratio, such as "
                "{'count': '*'}."
            )
        if self.ratio and self.filter:
            raise ValueError("a ratio has no filter of its own: give one to its two metrics.")
        return self

    @property
    def aggregate(self) -> str:
        """Return which of AGGREGATES it is, or ``ratio``."""
        return next(one for one in (*AGGREGATES, "ratio") if getattr(self, one))

    @property
    def field(self) -> str:
        """Return the path of the field; empty where only rows are counted, and for ratios."""
        found = "" if self.ratio else str(getattr(self, self.aggregate))
        return "" if found == "*" else found


class ReportSectionSettings(SettingsModel):
    """One part of a report: figures about the rows of a model whose date is in the period."""

    model: str = Field(description='Whose rows, such as "assistants.Chat".')
    tenant: str = Field(
        "", description='The way from it to its tenant, such as "tenant" or "chat__tenant".'
    )
    shared: bool = Field(
        False, description="Whether its rows are no tenant's; a tenant's own report leaves it out."
    )
    date_field: str = Field(description="Its date or datetime that has to be in the period.")
    filter: Mapping[str, Any] = Field(
        {}, description='Lookups that a row has to meet, such as {"status": "closed"}.'
    )
    group: str = Field(
        "",
        description='A field, such as "channel" or "agent", or "day", "week", "month", "quarter" '
        'or "year" of the date; by default all rows are one.',
    )
    group_name_field: str = Field(
        "",
        description="The field that groups are called by, where group is a foreign key; two of "
        "one name stay two.",
    )
    metrics: Mapping[str, ReportMetricSettings] = Field(
        description='The figures by names, such as {"chats": {"count": "*"}}.'
    )
    title: str = Field("", description="What it is called in the report; else its name.")
    group_label: str = Field("", description="What stands above the groups; else the field's name.")
    labels: Mapping[str, str] = Field(
        {}, description='What values of the group are called, such as {"wa": "WhatsApp"}.'
    )
    chart: Literal["", "bar", "line"] = Field(
        "", description="The first metric as a chart; none by default."
    )
    limit: int = Field(
        20,
        ge=1,
        le=1000,
        description="How many groups are shown, those with the most of the first metric; all "
        "others are one more. Days and weeks are always shown all.",
    )

    @field_validator("metrics")
    @classmethod
    def _has_metrics(
        cls, value: Mapping[str, ReportMetricSettings]
    ) -> Mapping[str, ReportMetricSettings]:
        if not value:
            raise ValueError("it needs one metric or more, such as {'rows': {'count': '*'}}.")
        if all(metric.hidden for metric in value.values()):
            raise ValueError("all its metrics are hidden: show one.")
        for name, metric in value.items():
            _require_name(name)
            for part in metric.ratio:
                if part not in value or value[part].ratio:
                    raise ValueError(
                        f"the ratio {name!r} names {part!r}, which is no metric of the section "
                        "other than a ratio."
                    )
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if bool(self.tenant) == self.shared:
            raise ValueError("it needs the way to its tenant, or shared: True, and not both.")
        if self.chart and not self.group:
            raise ValueError("a chart needs a group.")
        return self


class ReportTypeSettings(SettingsModel):
    """One report: a title, and its sections in the order in which they are shown."""

    title: str = Field("", description="What the report is called; else its name.")
    sections: Mapping[str, ReportSectionSettings] = Field(
        description="Its parts, by names that the JSON has."
    )

    @field_validator("sections")
    @classmethod
    def _has_sections(
        cls, value: Mapping[str, ReportSectionSettings]
    ) -> Mapping[str, ReportSectionSettings]:
        if not value:
            raise ValueError("it needs one section or more.")
        for name in value:
            _require_name(name)
        return value


class ReportSettings(SettingsModel):
    """What generate_reports counts, and where the files go."""

    directory: str | Path = Field(
        "reports",
        description="The directory of the reports; a relative one is below the site's BASE_DIR.",
    )
    types: Mapping[str, ReportTypeSettings] = Field(
        {},
        description="The reports, by names for --type: usage, performance, agents, satisfaction, "
        "or what you like.",
    )

    @field_validator("types")
    @classmethod
    def _names_can_be_written(
        cls, value: Mapping[str, ReportTypeSettings]
    ) -> Mapping[str, ReportTypeSettings]:
        for name in value:
            _require_name(name)
        return value


def _require_name(name: str) -> None:
    if name == "all" or not (name.isascii() and name.replace("-", "_").isidentifier()):
        raise ValueError(f"{name!r} is no name: write ASCII letters, digits, - and _, and not all.")
