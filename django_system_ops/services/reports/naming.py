"""What groups are called that are rows of another model: two of one name stay two."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from django.db import models

from django_system_ops.conf import get_conf
from django_system_ops.services.field_paths import field_at
from django_system_ops.services.reports.measuring import Section
from django_system_ops.services.tenants import tenant_model
from django_system_ops.services.texts import clean

__all__ = ["names_of"]


def names_of(section: Section, keys: Collection[Any]) -> dict[Any, str]:
    """
    Return what the groups of a section are called, by their keys; nothing where keys are values.

    Of those with the same name each has its tenant's behind it, and its key where that is not
    enough.
    """
    name_field = section.conf.group_name_field
    if not name_field:
        return {}
    foreign_key: Any = field_at(section.model, section.conf.group)
    model, target = foreign_key.related_model, foreign_key.target_field.name
    tenant = _tenant_path(model) if section.tenants.is_all else ""
    choices = dict(getattr(field_at(model, name_field), "flatchoices", ()))
    rows = model._base_manager.using(section.using).filter(
        **{f"{target}__in": [key for key in keys if key is not None]}
    )
    names, tenants = {}, {}
    for key, name, *whose in rows.values_list(target, name_field, *([tenant] if tenant else [])):
        text = choices.get(name, name)
        names[key] = "" if text is None else clean(str(text))
        tenants[key] = [clean(str(one)) for one in whose if one is not None]
    return _told_apart(names, tenants)


def _tenant_path(model: type[models.Model]) -> str:
    """Return the way to the name of a row's tenant; empty where it has none, or several."""
    tenant = tenant_model()
    found = [
        field.name
        for field in model._meta.concrete_fields
        if tenant is not None
        and isinstance(field, models.ForeignKey)
        and field.related_model._meta.concrete_model is tenant._meta.concrete_model
    ]
    return f"{found[0]}__{get_conf().tenants.name_field}" if len(found) == 1 else ""


def _told_apart(names: Mapping[Any, str], tenants: Mapping[Any, list[str]]) -> dict[Any, str]:
    labels = dict(names)
    with_keys = {key: [*tenants[key], f"#{clean(str(key))}"] for key in names}
    for marks in (tenants, with_keys):
        counts = Counter(labels.values())
        for key in [one for one, text in labels.items() if counts[text] > 1 and marks[one]]:
            labels[key] = f"{names[key]} ({', '.join(marks[key])})".strip()
    return labels
