"""The types of what ages: from the settings, and the one that is built in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, models
from django.utils import timezone

from django_system_ops.conf import get_conf
from django_system_ops.conf.cleanup import CleanupTypeSettings
from django_system_ops.exceptions import SystemOpsError, WrongUsageError
from django_system_ops.models import CommandRun
from django_system_ops.services.cleanup import fitting
from django_system_ops.services.tenants import Tenants, of_tenants

__all__ = ["BUILT_IN", "KNOWN", "FolderKind", "Kind", "RowKind", "Selection", "select_kinds"]

#: Published names: a type of one of them that is not configured is skipped, and named.
KNOWN = ("chats", "logs", "temporary_files", "analytics")
#: The history of commands.
BUILT_IN = "command_runs"

_UNCONFIGURED = "it is not configured in MANAGEMENT_COMMANDS['cleanup']['types']"
_NOBODYS = "it is shared by all tenants, and --tenant names some"


@dataclass(frozen=True)
class RowKind:
    """
    Rows of a model.

    Attributes:
        condition: what they have to meet besides their age, their tenant included.
        using: the database that they are in.
    """

    name: str
    days: float
    model: type[models.Model]
    date_field: str
    condition: models.Q
    delete_files: bool
    using: str

    def cutoff(self, now: datetime) -> date:
        """Return the moment, or for a field of dates the day, before which a row is old."""
        moment = now - timedelta(days=self.days)
        if isinstance(self.model._meta.get_field(self.date_field), models.DateTimeField):
            return moment
        return timezone.localdate(moment) if timezone.is_aware(moment) else moment.date()

    def old_rows(self, now: datetime) -> "models.QuerySet[models.Model]":
        """Return the rows that are to go: for counting them, for showing them, for removing."""
        rows = self.model._base_manager.using(self.using).order_by()
        plain = rows.filter(self.condition)
        if self.is_joined:
            mine = self.model._base_manager.using(self.using).filter(pk=models.OuterRef("pk"))
            plain = rows.filter(models.Exists(mine.filter(self.condition)))
        return plain.filter(**{f"{self.date_field}__lt": self.cutoff(now)})

    @property
    def is_joined(self) -> bool:
        """
        Return whether the condition is about other tables.

        It is asked of each row by itself then: what is filtered stays one table, which can be
        locked, and where no row comes twice.
        """
        return len(self.model._base_manager.filter(self.condition).query.alias_map) > 1


@dataclass(frozen=True)
class FolderKind:
    """Files in a directory whose names fit one of the patterns."""

    name: str
    days: float
    directory: Path
    patterns: tuple[str, ...]


Kind = RowKind | FolderKind


@dataclass(frozen=True)
class Selection:
    """
    What a run looks at.

    Attributes:
        skipped: the types that it leaves alone, each with the reason.
    """

    kinds: tuple[Kind, ...]
    skipped: dict[str, str]


def select_kinds(
    names: Sequence[str],
    *,
    days: float | None,
    tenants: Tenants,
    using: str = DEFAULT_DB_ALIAS,
) -> Selection:
    """
    Return the types of these names, or all when there are none.

    Args:
        names: of types.
        days: how many days are kept; None for each type's own. The history of commands follows it
            only where it is named.
        tenants: whose rows; what is shared is left alone when it is somebody's in particular.
        using: the database of the site's models.

    Raises:
        WrongUsageError: there is no type of a name.
        SystemOpsError: a type's settings do not fit its model.
    """
    configured = get_conf().cleanup.types
    known = dict.fromkeys((*configured, *KNOWN, BUILT_IN))
    if unknown := [name for name in names if name not in known]:
        raise WrongUsageError(_no_such_type(unknown[0], list(known)))
    kinds: list[Kind] = []
    kind: Kind
    skipped: dict[str, str] = {}
    for name in dict.fromkeys(names) or known:
        if name == BUILT_IN:
            is_shared, kind = True, _command_runs(days if names else None)
        elif (found := configured.get(name)) is None:
            skipped[name] = _UNCONFIGURED
            continue
        else:
            is_shared = found.shared or bool(found.directory)
            kind = _kind(name, found, days=days, tenants=tenants, using=using)
        if is_shared and not tenants.is_all:
            skipped[name] = _NOBODYS
        else:
            kinds.append(kind)
    return Selection(tuple(kinds), skipped)


def _kind(
    name: str, found: CleanupTypeSettings, *, days: float | None, tenants: Tenants, using: str
) -> Kind:
    if problems := [one for one in fitting.problems(name, found) if one.is_error]:
        first = problems[0]
        raise SystemOpsError(f"{first.message} {first.hint}".strip())
    conf = get_conf()
    kept = days if days is not None else found.days or conf.cleanup.days
    if found.directory:
        directory = conf.below_base(found.directory).resolve()
        return FolderKind(name, kept, directory, tuple(found.patterns))
    model = apps.get_model(found.model)._meta.concrete_model
    assert model is not None
    condition = models.Q(**found.filter)
    if found.tenant:
        condition &= of_tenants(model, found.tenant, tenants)
    return RowKind(name, kept, model, found.date_field, condition, found.delete_files, using)


def _command_runs(days: float | None) -> RowKind:
    history = get_conf().history
    return RowKind(
        name=BUILT_IN,
        days=history.keep_days if days is None else days,
        model=CommandRun,
        date_field="finished_at",
        condition=~models.Q(status__in=(CommandRun.Status.PENDING, CommandRun.Status.RUNNING)),
        delete_files=False,
        using=history.database,
    )


def _no_such_type(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"--type {name!r}: there is no such type.{hint} Known: {', '.join(names)}."
