"""From what was asked for to an order: names are found, and what cannot be is refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django_system_ops.conf import get_conf
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.formats import Limits
from django_system_ops.services.data_types import DataType, data_type
from django_system_ops.services.importing.orders import (
    OnConflict,
    Order,
    importing_problem,
    key_of,
)
from django_system_ops.services.tenants import Tenants, resolve_tenants

__all__ = ["Asked", "make_order"]

_CONFLICTS = ("error", "skip", "update")
_LEVELS = ("strict", "lenient")


@dataclass(frozen=True)
class Asked:
    """The options of the command; None is what was not said."""

    type_name: str
    tenant: str | None
    database: str
    mapping: Mapping[str, str]
    key: tuple[str, ...]
    on_conflict: str
    validation: str | None
    is_resumed: bool
    is_again: bool
    batch_size: int | None
    is_dry_run: bool


def make_order(
    asked: Asked,
    *,
    now: datetime,
    check: Callable[[], None] = lambda: None,
    advance: Callable[[int], None] = lambda _rows: None,
) -> Order:
    """
    Return what is to be done.

    Raises:
        WrongUsageError: a name is of nothing, or two options do not go together.
        ImproperlyConfigured: the settings of the type are wrong.
    """
    conf = getattr(get_conf(), "import")
    kind = data_type(asked.type_name)
    if problem := importing_problem(kind.model):
        raise WrongUsageError(f"--type {kind.name}: {problem}.")
    level = asked.validation or conf.validation_level
    _refuse(asked, level)
    key = key_of(kind, asked.key)
    if asked.on_conflict != "error" and not key:
        raise WrongUsageError(
            f"--on-conflict={asked.on_conflict} needs to know which row is there already: name its "
            f"fields with --key, or in MANAGEMENT_COMMANDS['data']['types']['{kind.name}']['key']."
        )
    return Order(
        kind=kind,
        now=now,
        using=asked.database,
        tenants=_tenants(asked, kind),
        mapping=asked.mapping,
        key=key,
        on_conflict=cast(OnConflict, asked.on_conflict),
        is_strict=level == "strict",
        batch_size=conf.batch_size if asked.batch_size is None else asked.batch_size,
        is_resumed=asked.is_resumed,
        is_again=asked.is_again,
        is_dry_run=asked.is_dry_run,
        most_errors=conf.max_errors,
        shown_errors=conf.report_errors,
        limits=limits_for(conf.max_text_characters),
        check=check,
        advance=advance,
    )


def limits_for(characters: int) -> Limits:
    """Return the limits of files whose texts may be so long."""
    # A character of UTF-8 has four bytes at most.
    return Limits(field_chars=characters, row_bytes=max(Limits.row_bytes, 4 * characters))


def _refuse(asked: Asked, level: str) -> None:
    # From Python no parser has looked at them.
    for option, value, known in (
        ("--on-conflict", asked.on_conflict, _CONFLICTS),
        ("--validation", level, _LEVELS),
    ):
        if value not in known:
            raise WrongUsageError(f"{option} is one of {', '.join(known)}, got {value!r}.")
    if asked.batch_size is not None and asked.batch_size < 1:
        raise WrongUsageError(f"--batch-size must be 1 or more, got {asked.batch_size}.")
    if asked.is_resumed and asked.is_again:
        raise WrongUsageError("--resume goes on and --again begins anew: choose one.")
    if asked.is_resumed and asked.is_dry_run:
        raise WrongUsageError("--resume has nothing to go on with in a --dry-run: leave one out.")
    if asked.is_resumed and level == "strict":
        raise WrongUsageError(
            "--resume: a strict import is done as a whole or not at all, so that there is nothing "
            "to go on with. Use it with --validation=lenient, as the import was begun."
        )


def _tenants(asked: Asked, kind: DataType) -> Tenants:
    tenants = resolve_tenants(asked.tenant, using=asked.database)
    if len(tenants.names) > 1:
        raise WrongUsageError(
            f"--tenant {tenants}: rows come in for one tenant. Leave --tenant out if each row of "
            "the file says whose it is."
        )
    if kind.conf.shared and not tenants.is_all:
        raise WrongUsageError(
            f"--tenant {tenants}: {kind.name} is shared by all tenants; leave --tenant out."
        )
    return tenants
