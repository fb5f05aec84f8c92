"""Does an adapter fit the models that it names?"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from django_job_automation.adapters.models import ModelAdapter, path_of
from django_job_automation.conf import get_conf
from django_job_automation.exceptions import AdapterError
from django_job_automation.models import AbstractJob

__all__ = ["has_index", "problems"]

_NUMBERS = (models.DecimalField, models.FloatField, models.IntegerField)

#: What is wrong, and the way out.
Problem = tuple[str, str]


def problems(adapter: ModelAdapter) -> Iterator[Problem]:
    """Yield what does not fit."""
    try:
        maps: list[tuple[type[models.Model], Any]] = [
            (adapter.sites, adapter.site),
            (adapter.readings, adapter.reading),
            (adapter.jobs, adapter.job),
        ]
    except AdapterError as error:
        yield str(error), "Write it as 'app_label.Model', of an installed app."
        return
    except AttributeError as error:
        yield (
            f"{path_of(adapter)} has no {error.name!r}.",
            "Set site = SiteFields(…) and reading = ReadingFields(…).",
        )
        return
    unknown = [
        problem
        for model, names in maps
        if names is not None
        for problem in _unknown_fields(adapter, model, names)
    ]
    yield from unknown
    if not unknown:
        yield from _unfit_fields(adapter)
    yield from _own_jobs(adapter) if adapter.job is None else _foreign_jobs(adapter)


def has_index(adapter: ModelAdapter) -> bool:
    """Return whether an index or a constraint of the readings begins with site and moment."""
    wanted = [adapter.reading.site, adapter.reading.at]
    meta = adapter.readings._meta
    candidates = [[name.lstrip("-") for name in index.fields] for index in meta.indexes]
    candidates += [
        list(one.fields) for one in meta.constraints if isinstance(one, models.UniqueConstraint)
    ]
    candidates += [list(one) for one in meta.unique_together]
    return any(names[:2] == wanted for names in candidates)


def _unknown_fields(
    adapter: ModelAdapter, model: type[models.Model], names: Any
) -> Iterator[Problem]:
    for place in fields(names):
        name = getattr(names, place.name)
        if name is None:
            continue
        try:
            model._meta.get_field(name)
        except FieldDoesNotExist:
            known = ", ".join(sorted(one.name for one in model._meta.get_fields()))
            yield (
                f"{path_of(adapter)} maps {place.name} to {name!r}, which {model._meta.label} "
                "does not have.",
                f"Its fields are: {known}.",
            )


def _unfit_fields(adapter: ModelAdapter) -> Iterator[Problem]:
    """Yield the fields that are there, and are of a kind that the rules cannot use."""
    maps: list[tuple[type[models.Model], str, tuple[Any, ...]]] = [
        (adapter.sites, str(adapter.site.snoozed_until or ""), (models.DateTimeField,)),
        (adapter.sites, str(adapter.site.commissioned_at or ""), (models.DateField,)),
        (adapter.sites, str(adapter.site.capacity or ""), _NUMBERS),
        (adapter.readings, adapter.reading.at, (models.DateTimeField,)),
        (adapter.readings, adapter.reading.value, _NUMBERS),
    ]
    links = [(adapter.readings, adapter.reading.site)]
    if adapter.job is not None:
        maps.append((adapter.jobs, adapter.job.created_at, (models.DateTimeField,)))
        links.append((adapter.jobs, adapter.job.site))
    for model, name, kinds in maps:
        if name and not isinstance(model._meta.get_field(name), kinds):
            yield (
                f"{model._meta.label}.{name} is no {kinds[0].__name__}.",
                f"{path_of(adapter)} maps it: map another field.",
            )
    for model, name in links:
        field: Any = model._meta.get_field(name)
        related = getattr(field, "related_model", None)
        if not (
            isinstance(field, models.ForeignKey)
            and isinstance(related, type)
            and issubclass(adapter.sites, related)
            and field.target_field.primary_key
        ):
            yield (
                f"{model._meta.label}.{name} is no foreign key to the primary key of "
                f"{adapter.sites._meta.label}.",
                "Rules look sites up by it: map a field that is one.",
            )


def _own_jobs(adapter: ModelAdapter) -> Iterator[Problem]:
    if not issubclass(adapter.jobs, AbstractJob):
        yield (
            f"{path_of(adapter)}: {adapter.job_model} does not derive from AbstractJob, and there "
            "is no map of its fields.",
            "Set job = JobFields(…), open_statuses and new_status.",
        )
    if get_conf().OPEN_STATUSES:
        yield (
            f"JOB_AUTOMATION['OPEN_STATUSES'] is set, and those of {adapter.job_model} are fixed.",
            "Leave it out: they stand in a column that the database computes.",
        )


def _foreign_jobs(adapter: ModelAdapter) -> Iterator[Problem]:
    conf = get_conf()
    closes = [name for name in conf.sections if getattr(conf, name).auto_close_after_clean_runs]
    if closes and adapter.closed_status is None:
        yield (
            f"JOB_AUTOMATION[{closes[0]!r}]['auto_close_after_clean_runs'] is set, and "
            f"{path_of(adapter)} has no closed_status.",
            "Say which status a job has that the rules close.",
        )
    if adapter.new_status not in adapter.effective_statuses:
        yield (
            f"{path_of(adapter)}: new_status {adapter.new_status!r} is none of its open_statuses "
            f"{adapter.effective_statuses}.",
            "A job that is opened has to be an open one, or each run opens another.",
        )
