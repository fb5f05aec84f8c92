"""Whether the types in the settings fit the site: its models, its tenants, its directories."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.exceptions import (
    EmptyResultSet,
    FieldDoesNotExist,
    FieldError,
    ImproperlyConfigured,
    ValidationError,
)
from django.db import models

from django_system_ops.conf import get_conf
from django_system_ops.conf.cleanup import CleanupTypeSettings
from django_system_ops.services.tenants import tenant_path_problem

__all__ = ["Problem", "danger_of", "problems"]


@dataclass(frozen=True)
class Problem:
    """One thing that does not fit; ``code`` is the number of its check, E... or W...."""

    code: str
    message: str
    hint: str

    @property
    def is_error(self) -> bool:
        """Return whether the type cannot be used."""
        return self.code.startswith("E")


def problems(name: str, kind: CleanupTypeSettings) -> list[Problem]:
    """Return what does not fit about a type of the settings."""
    place = f"MANAGEMENT_COMMANDS['cleanup']['types'][{name!r}]"
    return list(_of_folder(place, kind) if kind.directory else _of_rows(place, kind))


def danger_of(directory: Path) -> str:
    """
    Return why files must not age in ``directory``, a resolved path, or nothing.

    Whatever holds the site, its files or a home is no place for temporary files.
    """
    conf = get_conf()
    places: dict[str, object] = {
        "the root of the file system": "/",
        "the home directory": Path.home(),
        "BASE_DIR": getattr(settings, "BASE_DIR", None),
        "MEDIA_ROOT": settings.MEDIA_ROOT,
        "STATIC_ROOT": settings.STATIC_ROOT,
        "the directory of the backups": conf.backup_path,
        "the state directory": conf.state_path,
    }
    for what, place in places.items():
        if place and Path(str(place)).resolve().is_relative_to(directory):
            return f"it is, or holds, {what}"
    return ""


def _of_folder(place: str, kind: CleanupTypeSettings) -> Iterator[Problem]:
    directory = get_conf().below_base(kind.directory).resolve()
    if danger := danger_of(directory):
        yield Problem(
            "E024",
            f"{place}['directory'] is {str(directory)!r}: {danger}.",
            "Name a directory in which nothing but temporary files is.",
        )
    elif not directory.is_dir():
        yield Problem(
            "W021",
            f"{place}['directory'] is {str(directory)!r}, and there is no such directory.",
            "Make it, or correct the name.",
        )


def _of_rows(place: str, kind: CleanupTypeSettings) -> Iterator[Problem]:
    try:
        model = apps.get_model(kind.model)
    except (LookupError, ValueError):
        yield Problem(
            "E020", f"{place}['model']: there is no model {kind.model!r}.", "Write 'app.Model'."
        )
        return
    dates = sorted(f.name for f in model._meta.get_fields() if isinstance(f, models.DateField))
    if kind.date_field not in dates:
        yield Problem(
            "E021",
            f"{place}['date_field']: {model._meta.label} has no date {kind.date_field!r}.",
            f"Its dates: {', '.join(dates) or 'none'}.",
        )
    elif not _has_index(model, kind.date_field):
        yield Problem(
            "W020",
            f"{place}: {model._meta.label} has no index that begins with {kind.date_field}: each "
            "run reads the whole table to find what is old.",
            f"Add Index(fields=[{kind.date_field!r}]) to its Meta.",
        )
    yield from _of_tenant(place, kind, model)
    try:
        str(model._base_manager.filter(**kind.filter).values("pk").query)
    except EmptyResultSet:
        pass  # it fits, and no row will
    except (FieldError, ValidationError, ValueError, TypeError) as error:
        yield Problem(
            "E025",
            f"{place}['filter'] does not fit {model._meta.label}: {str(error).rstrip('.')}.",
            "Write lookups as for a QuerySet's filter().",
        )


def _of_tenant(
    place: str, kind: CleanupTypeSettings, model: type[models.Model]
) -> Iterator[Problem]:
    if kind.shared:
        return
    if not kind.tenant:
        yield Problem(
            "E023",
            f"{place} says neither whose its rows are nor that they are shared.",
            "Add 'tenant' with the way to the tenant, or 'shared': True.",
        )
        return
    try:
        problem = tenant_path_problem(model, kind.tenant)
    except ImproperlyConfigured as error:
        problem = str(error).rstrip(".")
    if problem:
        yield Problem(
            "E022",
            f"{place}['tenant']: {problem}.",
            "Write the foreign keys that lead to the tenant, with __ between them.",
        )


def _has_index(model: type[models.Model], name: str) -> bool:
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return True
    # An inherited field is a column, and has its index, in the parent's table.
    owner = field.model._meta
    is_indexed = getattr(field, "db_index", False) or getattr(field, "unique", False)
    first = [
        *(one.fields[0].lstrip("-") for one in owner.indexes if one.fields and not one.condition),
        *(
            one.fields[0]
            for one in owner.constraints
            if isinstance(one, models.UniqueConstraint) and one.fields and not one.condition
        ),
        *(names[0] for names in owner.unique_together),
    ]
    return bool(is_indexed or name in first)
