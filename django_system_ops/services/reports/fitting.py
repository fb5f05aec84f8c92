"""Whether the reports in the settings fit the site's models and tenants."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldError, ImproperlyConfigured, ValidationError
from django.db import models

from django_system_ops.conf import get_conf
from django_system_ops.conf.reports import (
    ReportMetricSettings,
    ReportSectionSettings,
    ReportTypeSettings,
)
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.field_paths import FieldPathError, field_at, leads_to_many
from django_system_ops.services.reports.buckets import BUCKETS
from django_system_ops.services.tenants import tenant_path_problem

__all__ = ["Problem", "problems", "report_types"]

_NUMBERS = (models.IntegerField, models.FloatField, models.DecimalField, models.DurationField)
# What no database can group, or nobody can read.
_NO_GROUPS = (models.JSONField, models.BinaryField)


@dataclass(frozen=True)
class Problem:
    """One thing that does not fit; ``code`` is the number of its check, such as E070."""

    code: str
    message: str


def report_types(names: list[str] | None) -> dict[str, ReportTypeSettings]:
    """
    Return the reports that ``--type`` names, or all that there are.

    Raises:
        WrongUsageError: there is none, or none of that name; says how to describe one.
        ImproperlyConfigured: what the settings say of one does not fit the site.
    """
    types = get_conf().reports.types
    where = "MANAGEMENT_COMMANDS['reports']['types']"
    if not types:
        name = names[0] if names else "usage"
        raise WrongUsageError(
            f"There is no report of the type {name!r}, nor any other: describe it in "
            f"{where}[{name!r}], with the models and figures that it is about."
        )
    for name in names or ():
        if name not in types:
            close = get_close_matches(name, types, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise WrongUsageError(
                f"There is no report of the type {name!r}.{hint} Known: {', '.join(types)}. "
                f"Another one is described in {where}[{name!r}]."
            )
    chosen = {name: types[name] for name in names or types}
    for name, conf in chosen.items():
        for problem in problems(name, conf):
            raise ImproperlyConfigured(problem.message)
    return chosen


def problems(name: str, conf: ReportTypeSettings) -> Iterator[Problem]:
    """
    Yield what does not fit about a report of the settings.

    E070: a model. E071: a date_field. E072: the way to the tenant. E073: a filter. E074: a group,
    the field with its name, or the field of a metric.
    """
    for key, section in conf.sections.items():
        place = f"MANAGEMENT_COMMANDS['reports']['types'][{name!r}]['sections'][{key!r}]"
        try:
            model = apps.get_model(section.model)
        except (LookupError, ValueError):
            yield Problem(
                "E070", f"{place}: there is no model {section.model!r}. Write it as 'app.Model'."
            )
            continue
        yield from _of_section(place, section, model)


def _of_section(
    place: str, section: ReportSectionSettings, model: type[models.Model]
) -> Iterator[Problem]:
    if text := _date_problem(model, section.date_field):
        yield Problem("E071", f"{place}['date_field']: {text}.")
    if section.tenant and (text := _tenant_problem(model, section.tenant)):
        yield Problem("E072", f"{place}['tenant']: {text}.")
    if text := _filter_problem(model, section.filter):
        yield Problem("E073", f"{place}['filter']: {text}")
    if section.group not in ("", *BUCKETS) and (text := _group_problem(model, section.group)):
        yield Problem("E074", f"{place}['group']: {text}.")
    elif section.group_name_field and (text := _name_problem(model, section)):
        yield Problem("E074", f"{place}['group_name_field']: {text}.")
    for name, metric in section.metrics.items():
        inside = f"{place}['metrics'][{name!r}]"
        if text := _metric_problem(model, metric):
            yield Problem("E074", f"{inside}[{metric.aggregate!r}]: {text}.")
        if text := _filter_problem(model, metric.filter):
            yield Problem("E073", f"{inside}['filter']: {text}")
        elif leads_to_many(model, metric.filter):
            yield Problem(
                "E073",
                f"{inside}['filter']: it goes where there may be many for one row, which would be "
                "counted as often. Put it into the section's filter.",
            )


def _date_problem(model: type[models.Model], name: str) -> str:
    try:
        field = field_at(model, name)
    except FieldPathError as error:
        return str(error)
    return "" if isinstance(field, models.DateField) else f"{name!r} is no date"


def _tenant_problem(model: type[models.Model], path: str) -> str:
    try:
        return tenant_path_problem(model, path)
    except ImproperlyConfigured as error:
        return str(error).rstrip(".")


def _filter_problem(model: type[models.Model], lookups: Any) -> str:
    try:
        model._base_manager.filter(**lookups)
    except (FieldError, ValueError, TypeError) as error:
        return str(error)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def _group_problem(model: type[models.Model], path: str) -> str:
    try:
        field = field_at(model, path)
    except FieldPathError as error:
        return f"{error}. Name a field, or one of {', '.join(BUCKETS)}"
    return f"{path!r} holds no plain values" if isinstance(field, _NO_GROUPS) else ""


def _name_problem(model: type[models.Model], section: ReportSectionSettings) -> str:
    is_field = section.group not in ("", *BUCKETS)
    group = field_at(model, section.group) if is_field else None
    if not isinstance(group, models.ForeignKey) or not isinstance(group.related_model, type):
        return f"group is {section.group!r}, which is no foreign key"
    try:
        field_at(group.related_model, section.group_name_field)
    except FieldPathError as error:
        return str(error)
    return ""


def _metric_problem(model: type[models.Model], metric: ReportMetricSettings) -> str:
    if not metric.field:
        return ""
    try:
        field = field_at(model, metric.field)
    except FieldPathError as error:
        return str(error)
    if not metric.aggregate.startswith("count") and not isinstance(field, _NUMBERS):
        return f"{metric.field!r} is neither a number nor a duration"
    return ""
