"""
What holds for which sites: the settings, what people set for all, for a group, for a site.

The narrower wins, key by key. Each scope that differs costs one statement per rule, however many
sites it has; sites with the same settings share one.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, router, transaction
from django.db.models import Case, IntegerField, Q, Value, When

from django_job_automation.adapters import ModelAdapter, get_adapter, parse, path_of
from django_job_automation.conf import JobAutomationSettings
from django_job_automation.exceptions import OverrideError, VersionConflictError
from django_job_automation.models import GLOBAL, SettingsOverride

__all__ = [
    "Effective",
    "Part",
    "Stored",
    "check",
    "conf_of_site",
    "effective",
    "replace",
    "stored",
    "update",
]

# The same type everywhere: a site has one open job of a type, whatever its settings.
_GLOBAL_ONLY = ("job_type_id",)

_GROUP, _SITE = "group:", "site:"
_LONGEST_SCOPE = 255

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """Sites that share their settings."""

    conf: JobAutomationSettings
    sites: Q


@dataclass(frozen=True)
class Effective:
    """
    Who has which settings.

    Attributes:
        conf: of the sites that nobody set anything for.
        parts: all sites, each in one part.
        overrides: what people set, by scope.
    """

    conf: JobAutomationSettings
    parts: tuple[Part, ...]
    overrides: Mapping[str, Values]


@dataclass(frozen=True)
class Stored:
    """What people set for one scope, and its version; 0 when they set nothing."""

    values: Values
    version: int


def effective(adapter: ModelAdapter) -> Effective:
    """
    Return who has which settings, in one query, or two when single sites have their own.

    Raises:
        ImproperlyConfigured: the settings are wrong.
        OverrideError: what was set does not fit them any more.
    """
    rows = dict(
        SettingsOverride.objects.using(_using()).values_list("scope", "values").order_by("scope")
    )
    # Said by name when it is wrong, before anything is laid over it.
    base = JobAutomationSettings.read()
    rows = {scope: _current(values) for scope, values in rows.items()}
    conf = _laid(base, [rows.get(GLOBAL, {})])
    groups = {scope.removeprefix(_GROUP): rows[scope] for scope in rows if scope.startswith(_GROUP)}
    single = {scope.removeprefix(_SITE): rows[scope] for scope in rows if scope.startswith(_SITE)}
    if not groups and not single:
        return Effective(conf, (Part(conf, Q()),), rows)
    return Effective(conf, tuple(_parts(adapter, base, rows, groups, single)), rows)


def conf_of_site(adapter: ModelAdapter, site_pk: Any) -> JobAutomationSettings:
    """Return the settings of one site, as a run would use them."""
    settings = effective(adapter)
    for part in settings.parts[1:]:
        if adapter.all_sites().filter(part.sites, pk=site_pk).exists():
            return part.conf
    return settings.conf


def stored(scope: str = GLOBAL) -> Stored:
    """Return what people set for a scope."""
    row = SettingsOverride.objects.using(_using()).filter(scope=scope).first()
    return Stored({}, 0) if row is None else Stored(row.values, row.version)


def replace(
    values: Values, *, scope: str = GLOBAL, version: int | None, changed_by: str, user: Any = None
) -> Stored:
    """
    Set the keys of a scope; those that are left out are as in the settings again.

    Args:
        values: sections of rules, as in ``JOB_AUTOMATION``; any key may be left out.
        scope: "" for all sites, or "group:NAME", or "site:SITE_ID".
        version: the one that the caller has seen; None changes whatever is there.
        changed_by: for the record.
        user: for the history.

    Raises:
        OverrideError: says which key is wrong, and the way out; nothing is changed.
        VersionConflictError: somebody else was faster; nothing is changed.
    """
    check(values, scope=scope)
    using = _using()
    rows = SettingsOverride.objects.using(using)
    try:
        with transaction.atomic(using=using):
            row = rows.select_for_update().filter(scope=scope).first()
            found = 0 if row is None else row.version
            if version is not None and version != found:
                raise VersionConflictError(version, found)
            if row is None:
                row = SettingsOverride(scope=scope, version=0)
            row.values, row.version = dict(values), found + 1
            row.updated_by = changed_by[:200]
            row._history_user = user  # type: ignore[attr-defined]  # django-simple-history's
            row.save(using=using)
    except IntegrityError:
        # Two who set something for the first time.
        raise VersionConflictError(version or 0, 1) from None
    return Stored(row.values, row.version)


def update(
    values: Values, *, scope: str = GLOBAL, version: int | None, changed_by: str, user: Any = None
) -> Stored:
    """Set some keys of a scope, and leave the others; arguments and errors as of replace()."""
    before = stored(scope)
    if version is not None and version != before.version:
        raise VersionConflictError(version, before.version)
    _check_shape(values, scope)
    merged = _merged([_current(before.values), values])
    return replace(merged, scope=scope, version=before.version, changed_by=changed_by, user=user)


def check(values: Values, *, scope: str = GLOBAL) -> None:
    """Raise OverrideError when these values cannot be set for a scope."""
    _check_shape(values, scope)
    _laid(JobAutomationSettings.read(), [values])


def _check_shape(values: Any, scope: str) -> None:
    if not isinstance(values, Mapping):
        raise OverrideError([f"Settings are a dict, got {type(values).__name__}."])
    if scope != GLOBAL and not (scope.startswith((_GROUP, _SITE)) and scope.partition(":")[2]):
        raise OverrideError(
            [f"The scope is '', 'group:NAME' or 'site:SITE_ID', got {scope!r}."],
        )
    if len(scope) > _LONGEST_SCOPE:
        raise OverrideError([f"A scope has {_LONGEST_SCOPE} characters at most, got {len(scope)}."])
    _check_scope(scope)
    sections = JobAutomationSettings.read().sections
    problems = [
        f"{name!r} cannot be set here: it is one of {', '.join(sections)}."
        for name in values
        if name not in sections
    ]
    for name in sections:
        section = values.get(name, {})
        if not isinstance(section, Mapping):
            problems.append(f"{name} is a dict, got {type(section).__name__}.")
        elif scope != GLOBAL:
            problems += [
                f"{name}[{key!r}] is the same for all sites: set it for them."
                for key in _GLOBAL_ONLY
                if key in section
            ]
    if problems:
        raise OverrideError(problems)


def _check_scope(scope: str) -> None:
    """Refuse the scope of what no site can be called, or be in."""
    kind, _colon, name = scope.partition(":")
    if not kind:
        return
    adapter = get_adapter()
    field = adapter.site.key if f"{kind}:" == _SITE else adapter.site.group
    if field is None:
        raise OverrideError([f"{path_of(adapter)} maps no field for the group of {scope!r}."])
    if parse(adapter.sites, field, name) is None:
        label = adapter.sites._meta.label
        raise OverrideError([f"{scope!r}: {name!r} is no value of {label}.{field}."])


def _parts(
    adapter: ModelAdapter,
    base: JobAutomationSettings,
    rows: Mapping[str, Values],
    groups: Mapping[str, Values],
    single: Mapping[str, Values],
) -> Iterable[Part]:
    """Yield the parts: the rest, each group, and sites by what they share."""
    key, group = adapter.site.key, adapter.site.group
    if group is None and groups:
        raise OverrideError(
            [f"Groups have settings, and {path_of(adapter)} maps no field for the group."]
        )
    overall = rows.get(GLOBAL, {})
    # What is no value of the field any more, as the adapter may have changed, is no site's.
    by_site = _parsed(adapter, key, single)
    by_group = _parsed(adapter, group, groups) if group else {}
    not_single = ~Q(**{f"{key}__in": list(by_site)}) if by_site else Q()
    not_grouped = ~Q(**{f"{group}__in": list(by_group)}) if by_group else Q()
    yield Part(_laid(base, [overall]), not_grouped & not_single)
    for value, values in by_group.items():
        yield Part(_laid(base, [overall, values]), Q(**{str(group): value}) & not_single)
    shared: dict[str, tuple[JobAutomationSettings, list[Any]]] = {}
    # Which texts are the same, the database says: it may take A for a.
    layers = list(by_group.values())
    folded = {str(value).casefold(): values for value, values in by_site.items()}
    for value, layer in _known(adapter, list(by_site), list(by_group)):
        its = layers[layer] if layer is not None else {}
        own = by_site.get(value, folded.get(str(value).casefold(), {}))
        conf = _laid(base, [overall, its, own])
        same = json.dumps(conf.document(), sort_keys=True)
        shared.setdefault(same, (conf, []))[1].append(value)
    for conf, keys in shared.values():
        yield Part(conf, Q(**{f"{key}__in": keys}))


def _parsed(adapter: ModelAdapter, name: str, rows: Mapping[str, Values]) -> dict[Any, Values]:
    """Return the rows by the value of a field that they are about."""
    found = {parse(adapter.sites, name, text): values for text, values in rows.items()}
    found.pop(None, None)
    return found


def _known(
    adapter: ModelAdapter, keys: list[Any], groups: list[Any]
) -> Iterable[tuple[Any, int | None]]:
    """Return those of these keys that sites have, and which of these groups each is in."""
    if not keys:
        return []
    key, group = adapter.site.key, adapter.site.group
    whens = [When(Q(**{str(group): one}), then=Value(at)) for at, one in enumerate(groups)]
    nowhere = Value(None, IntegerField())
    layer = Case(*whens, default=nowhere) if whens else nowhere
    rows = adapter.all_sites().filter(**{f"{key}__in": keys}).annotate(opskit_layer=layer)
    found: Iterable[tuple[Any, int | None]] = rows.values_list(key, "opskit_layer")
    return found


def _laid(base: JobAutomationSettings, layers: Iterable[Values]) -> JobAutomationSettings:
    """Return the settings with these layers over them."""
    over = _merged(layers)
    if not any(over.values()):
        return base
    raw = JobAutomationSettings.raw()
    assert isinstance(raw, dict), "it was read"
    merged = {**raw, **{name: {**raw.get(name, {}), **over[name]} for name in over}}
    if problems := JobAutomationSettings.problems_of(merged):
        raise OverrideError([f"{one.message} {one.hint}".strip() for one in problems])
    return JobAutomationSettings.parsed(merged)


def _current(values: Values) -> Values:
    """Return what was set without the sections of rules that are gone."""
    sections = JobAutomationSettings.read().sections
    return {name: section for name, section in values.items() if name in sections}


def _merged(layers: Iterable[Values]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for values in layers:
        for name, section in values.items():
            found[name] = {**found.get(name, {}), **section}
    return found


def _using() -> str:
    return router.db_for_write(SettingsOverride)
