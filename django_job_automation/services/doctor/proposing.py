"""
Guess an adapter for models: by the kinds of their fields first, then by their names.

A guess is for people to read. What has no likely field is asked for, and what may be left out is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from django.db import DatabaseError, models, router

from django_job_automation.adapters import JobFields, ModelAdapter, ReadingFields, SiteFields
from django_job_automation.models import AbstractJob

__all__ = ["Proposal", "propose"]

_Kinds = tuple["type[models.Field[Any, Any]]", ...]
_TEXT: _Kinds = (models.CharField, models.TextField)
_KEY: _Kinds = (*_TEXT, models.IntegerField, models.UUIDField)
_MOMENT: _Kinds = (models.DateTimeField,)
_DAY: _Kinds = (models.DateField,)  # moments among them
_NUMBER: _Kinds = (models.DecimalField, models.FloatField, models.IntegerField)
_GROUP: _Kinds = _TEXT

#: How such a field is called, the likeliest first.
_WORDS = {
    "key": ("site_id", "code", "number", "serial", "slug", "external_id", "reference", "name"),
    "label": ("site_name", "name", "label", "title", "display_name"),
    "is_active": ("is_active", "active", "in_service", "is_enabled", "enabled", "in_operation"),
    "commissioned_at": (
        *("commissioned_at", "commissioned", "commissioning", "built", "installed"),
        *("installation", "start_date", "created"),
    ),
    "snoozed_until": ("snoozed_until", "snooze", "quiet_until", "muted", "silenced", "paused"),
    "group": ("group", "park", "region", "area", "cluster", "portfolio", "fleet"),
    "capacity": ("capacity", "kwp", "peak_power", "nominal_power", "rated_power"),
    "at": (
        *("reading_date", "taken_at", "read_at", "measured_at", "recorded_at", "timestamp", "ts"),
        *("time", "at", "moment", "date", "created"),
    ),
    "value": (
        *("reading_value", "value", "kwh", "mwh", "wh", "energy", "register", "counter"),
        *("total", "reading", "cumulative"),
    ),
    "type": ("job_type", "type", "kind", "category"),
    "status": ("status", "state", "stage", "phase"),
    "created_at": ("created_at", "opened_at", "created", "opened", "reported", "raised"),
    "description": ("description", "note", "notes", "summary", "details", "text", "comment"),
}
#: Statuses of a job that somebody has done, the likeliest first, and of one that nobody will do.
_DONE = ("closed", "done", "resolved", "completed", "complete", "finished", "fixed", "solved")
_DROPPED = ("cancelled", "canceled", "rejected", "dismissed", "archived", "void", "duplicate")
_STATUSES_LOOKED_AT = 20
_UNKNOWN = "?"


@dataclass(frozen=True)
class Proposal:
    """
    A guess.

    Attributes:
        source: the class, to be put into a module of the site.
        questions: what only people know, a sentence each.
        adapter: the same, at work; None while a question about a field is open.
    """

    source: str
    questions: tuple[str, ...]
    adapter: ModelAdapter | None


def propose(
    site: type[models.Model], reading: type[models.Model], job: type[models.Model] | None
) -> Proposal:
    """Guess an adapter for these models; without one for jobs it asks for one."""
    questions: list[str] = []
    attributes: dict[str, Any] = {
        "site_model": site._meta.label,
        "reading_model": reading._meta.label,
        "job_model": _UNKNOWN if job is None else job._meta.label,
        "site": _site_fields(site, questions),
        "reading": _reading_fields(reading, site, questions),
    }
    if job is None:
        questions.append(
            "Which model holds the jobs? Name yours, or let a new one derive from AbstractJob."
        )
    elif not issubclass(job, AbstractJob):
        attributes |= _jobs(job, site, questions)
    is_open = _UNKNOWN in repr(attributes)
    adapter = None if is_open else type("Proposed", (ModelAdapter,), attributes)()
    return Proposal(_source(site, attributes), tuple(questions), adapter)


def _site_fields(model: type[models.Model], questions: list[str]) -> SiteFields:
    key = _pick(model, "key", _KEY, is_unique=True) or _only(model, _KEY, is_unique=True)
    if key is None and (key := _pick(model, "key", _KEY)):
        questions.append(f"{model._meta.label}.{key} need not be unique: do two sites share one?")
    if key is None:
        key = _pk(model)
        questions.append(
            f"{model._meta.label} has no unique field but its primary key: what do people call it?"
        )
    label = _pick(model, "label", _TEXT, but=(key,))
    return SiteFields(
        key=key,
        label=label,
        is_active=_pick(model, "is_active", (models.BooleanField,), is_whole=True),
        commissioned_at=_pick(model, "commissioned_at", _DAY),
        snoozed_until=_pick(model, "snoozed_until", _MOMENT),
        group=_pick(model, "group", _GROUP, but=(key, label or "")),
        capacity=_pick(model, "capacity", _NUMBER),
    )


def _reading_fields(
    model: type[models.Model], site: type[models.Model], questions: list[str]
) -> ReadingFields:
    at = _pick(model, "at", _MOMENT) or _only(model, _MOMENT)
    value = _pick(model, "value", _NUMBER) or _only(model, _NUMBER)
    label = model._meta.label
    return ReadingFields(
        site=_link(model, site, questions),
        at=_asked(at, f"Which field of {label} holds the moment of the reading?", questions),
        value=_asked(value, f"Which field of {label} holds the register?", questions),
    )


def _jobs(
    model: type[models.Model], site: type[models.Model], questions: list[str]
) -> dict[str, Any]:
    """Return the map of a job's model, and what its statuses seem to mean."""
    label = model._meta.label
    kind, status = _pick(model, "type", _TEXT), _pick(model, "status", _TEXT)
    created_at = _pick(model, "created_at", _MOMENT) or _only(model, _MOMENT)
    fields_ = JobFields(
        site=_link(model, site, questions),
        type=_asked(kind, f"Which field of {label} holds the type of the job?", questions),
        status=_asked(status, f"Which field of {label} holds its status?", questions),
        created_at=_asked(created_at, f"Which field of {label} says since when?", questions),
        description=_pick(model, "description", _TEXT, but=(kind or "", status or "")),
    )
    found: dict[str, Any] = {"job": fields_}
    statuses = _statuses(model, status)
    if not statuses:
        questions.append(f"Which statuses of {label} are open ones, and which has a new job?")
        return {**found, "open_statuses": (_UNKNOWN,), "new_status": _UNKNOWN}
    done = sorted((one for one in statuses if one.lower() in _DONE), key=_likelihood)
    opened = tuple(one for one in statuses if one.lower() not in (*_DONE, *_DROPPED))
    if not opened:
        questions.append(f"Which statuses of {label} are open ones? It has {', '.join(statuses)}.")
        return {**found, "open_statuses": (_UNKNOWN,), "new_status": _UNKNOWN}
    field = _field(model, str(status))
    if not field.flatchoices:
        questions.append(f"Rows of {label} have {', '.join(statuses)}: are there other statuses?")
    if len(done) > 1:
        questions.append(f"Which status has a job that rules close: {' or '.join(done)}?")
    return {
        **found,
        "open_statuses": opened,
        "new_status": field.get_default() if field.get_default() in opened else opened[0],
        "closed_status": done[0] if done else None,
    }


def _likelihood(status: str) -> int:
    return _DONE.index(status.lower())


def _statuses(model: type[models.Model], name: str | None) -> list[str]:
    """Return the statuses that the model or, when it does not say, its table knows."""
    if name is None:
        return []
    known = [str(value) for value, _label in _field(model, name).flatchoices or ()]
    if known:
        return known
    rows = model._default_manager.using(router.db_for_read(model)).order_by()
    rows = rows.exclude(**{f"{name}__isnull": True}).values_list(name, flat=True).distinct()
    try:
        return sorted(str(one) for one in rows[:_STATUSES_LOOKED_AT])
    except DatabaseError:
        return []  # not migrated yet


def _link(model: type[models.Model], site: type[models.Model], questions: list[str]) -> str:
    """Return the foreign key from a model to the site's."""
    links = [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.related_model is site
    ]
    if len(links) > 1:
        questions.append(
            f"{model._meta.label} has more than one foreign key to {site._meta.label}: "
            f"{', '.join(links)}. Is it {links[0]}?"
        )
    question = f"Which foreign key of {model._meta.label} leads to {site._meta.label}? It has none."
    return _asked(links[0] if links else None, question, questions)


def _asked(name: str | None, question: str, questions: list[str]) -> str:
    if name is None:
        questions.append(question)
    return name or _UNKNOWN


def _of_kinds(
    model: type[models.Model], kinds: _Kinds, *, is_unique: bool, but: Iterable[str] = ()
) -> list[str]:
    return [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, kinds)
        and not field.primary_key
        and field.name not in but
        and (field.unique or not is_unique)
    ]


def _pick(
    model: type[models.Model],
    what: str,
    kinds: _Kinds,
    *,
    is_unique: bool = False,
    is_whole: bool = False,
    but: Sequence[str] = (),
) -> str | None:
    """Return the field of a kind whose name is one of the words for it, or has one in it."""
    words = _WORDS[what]
    names = _of_kinds(model, kinds, is_unique=is_unique, but=but)
    whole = [name for word in words for name in names if name.lower() == word]
    parts = [
        name
        for word in words
        for name in names
        if word in name.lower().split("_") or ("_" in word and word in name.lower())
    ]
    return next(iter(whole if is_whole else [*whole, *parts]), None)


def _only(model: type[models.Model], kinds: _Kinds, *, is_unique: bool = False) -> str | None:
    names = _of_kinds(model, kinds, is_unique=is_unique)
    return names[0] if len(names) == 1 else None


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.get_field(name)


def _pk(model: type[models.Model]) -> str:
    primary = model._meta.pk
    assert primary is not None, "a concrete model has a primary key"
    return primary.name


def _source(site: type[models.Model], attributes: dict[str, Any]) -> str:
    """Write the class."""
    used = ["JobFields"] if "job" in attributes else []
    names = ", ".join([*used, "ModelAdapter", "ReadingFields", "SiteFields"])
    lines = [f"from django_job_automation.adapters import {names}", "", ""]
    lines.append(f"class {site._meta.object_name}Adapter(ModelAdapter):")
    for name, value in attributes.items():
        if value is not None:
            lines.append(f"    {name} = {_written(value)}")
    return "\n".join(lines)


def _written(value: Any) -> str:
    """Write a value as formatters do."""
    if isinstance(value, SiteFields | ReadingFields | JobFields):
        inside = "".join(
            f"        {one.name}={_written(given)},\n"
            for one in fields(value)
            if (given := getattr(value, one.name)) is not None
        )
        return f"{type(value).__name__}(\n{inside}    )"
    if isinstance(value, tuple):
        inside = ", ".join(map(_written, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return '"{}"'.format(str(value).replace("\\", "\\\\").replace('"', '\\"'))
