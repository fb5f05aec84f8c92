"""What an export is to have: an order, and the pieces that it comes to."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone

from django_system_ops.conf import get_conf
from django_system_ops.engine.backup_names import slug
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.formats import keeps_types
from django_system_ops.services.data_types import DataType, data_type, data_types
from django_system_ops.services.exporting.columns import Columns
from django_system_ops.services.exporting.cursors import Cursor, CursorFile
from django_system_ops.services.tenants import Tenants

__all__ = ["Order", "Piece", "moved_on", "pieces_of"]

_Field = Any
# What says of the others what is in them.
_RESERVED = ("manifest",)


@dataclass(frozen=True)
class Order:
    """
    What is wanted.

    Attributes:
        types: names of data; all that the site has named if empty.
        tenants: whose; each has files of its own.
        since, until: rows whose date is not before the one and before the other; aware.
        incremental: rows since the last export of this kind.
        fields: the fields of the one type that is named; else those of the settings.
        guard: whether texts are kept from being formulas.
        split_rows: how many rows a file has at most.
        replace: whether the export that is in the place makes room.
    """

    types: Sequence[str]
    format: str
    path: Path
    tenants: Tenants = field(default_factory=Tenants)
    using: str = "default"
    since: datetime | None = None
    until: datetime | None = None
    incremental: bool = False
    fields: Sequence[str] = ()
    include_secrets: bool = False
    guard: bool = True
    compress: bool = False
    split_rows: int | None = None
    replace: bool = False

    @property
    def has_dates(self) -> bool:
        """Return whether rows are chosen by their dates."""
        return self.incremental or self.since is not None or self.until is not None


@dataclass(frozen=True)
class Piece:
    """
    The rows of one type and one tenant.

    Attributes:
        stem: the name of its file without an ending.
        tenant: its name; empty where all are meant.
        left_out: secret fields that stay.
        since: of an incremental export: rows from here on; None for all.
        remark: what is worth a word.
    """

    kind: DataType
    tenant: str
    stem: str
    rows: "models.QuerySet[Any]" = field(repr=False)
    columns: Columns
    left_out: Sequence[str]
    since: datetime | None = None
    remark: str = ""
    cursor: CursorFile | None = None
    shape: str = ""


def pieces_of(order: Order) -> tuple[list[Piece], dict[str, str]]:
    """
    Return the pieces of an order, and which types are left out, with the reason.

    A type that is named must fit; of all types, those that do not fit are left out.

    Raises:
        WrongUsageError: nothing of that name, or it does not fit what is asked.
        ImproperlyConfigured: the settings are wrong.
    """
    kinds = [data_type(name) for name in order.types] or data_types()
    if not kinds:
        raise WrongUsageError(
            "The site has named no data: list it in MANAGEMENT_COMMANDS['data']['types']."
        )
    if order.fields and len(order.types) != 1:
        raise WrongUsageError("--fields is for one type: name it with --type.")
    skipped: dict[str, str] = {}
    pieces: list[Piece] = []
    for kind in kinds:
        if reason := _misfit(kind, order):
            if order.types:
                raise WrongUsageError(f"{kind.name}: {reason}.")
            skipped[kind.name] = reason
        else:
            pieces += _pieces(kind, order)
    return _told_apart(pieces), skipped


def _misfit(kind: DataType, order: Order) -> str:
    if kind.conf.shared and not order.tenants.is_all:
        return f"its rows are shared by all tenants, and not those of {order.tenants}"
    if order.has_dates and not kind.conf.date_field:
        return "it has no date_field, which --since, --until and --incremental need"
    return ""


def _pieces(kind: DataType, order: Order) -> Iterator[Piece]:
    fields, left_out = _fields(kind, order)
    columns = Columns(fields, has_types=keeps_types(order.format))
    shape = _shape(kind, columns)
    for tenant, stem in _stems(kind.name, order.tenants):
        name = tenant.names[0] if tenant.names else ""
        rows = kind.rows(tenant, using=order.using)
        piece = Piece(kind, name, stem, rows, columns, left_out)
        if order.incremental:
            yield _incremental(piece, order.using, shape)
        else:
            yield replace(piece, rows=rows.filter(_dated(kind, order.since, order.until)))


def _stems(name: str, tenants: Tenants) -> Iterator[tuple[Tenants, str]]:
    """Yield the tenants one by one with the names of their files."""
    if tenants.is_all:
        yield tenants, name
        return
    for tenant, pk in zip(tenants.names, tenants.pks, strict=True):
        yield Tenants((tenant,), (pk,)), "-".join(filter(None, (name, slug(tenant))))


def _told_apart(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces with names for their files that no two of them share."""
    # Some disks take two names for one that differ in case alone.
    counts = Counter(one.stem.lower() for one in pieces) + Counter(_RESERVED)
    return [
        replace(one, stem=f"{one.stem}-{_digest(one)}") if counts[one.stem.lower()] > 1 else one
        for one in pieces
    ]


def _digest(piece: Piece) -> str:
    return hashlib.sha256(json.dumps([piece.kind.name, piece.tenant]).encode()).hexdigest()[:8]


def _fields(kind: DataType, order: Order) -> tuple[list[_Field], list[str]]:
    """Return the fields that go out, and the names of the secret ones that do not."""
    known: dict[str, _Field] = {one.name: one for one in (*kind.fields, *kind.many_to_many)}
    if not order.fields and kind.conf.fields:
        known = {name: known[name] for name in kind.conf.fields}
    secret = [name for name in kind.conf.secret_fields if name in known]
    wanted = list(order.fields) or list(known)
    if unknown := [name for name in wanted if name not in known]:
        raise WrongUsageError(
            f"--fields: {kind.name} has no field {unknown[0]!r}. Known: {', '.join(known)}."
        )
    if twice := [name for name in wanted if wanted.count(name) > 1]:
        raise WrongUsageError(f"--fields: {twice[0]!r} is named twice.")
    if order.include_secrets:
        return [known[name] for name in wanted], []
    if asked := [name for name in order.fields if name in secret]:
        raise WrongUsageError(f"--fields: {asked[0]!r} is secret: add --include-secrets.")
    left = [known[name] for name in wanted if name not in secret]
    if not left:
        raise WrongUsageError(f"{kind.name}: all its fields are secret: add --include-secrets.")
    return left, [name for name in secret if name in wanted]


def _incremental(piece: Piece, using: str, shape: str) -> Piece:
    file = CursorFile.of(piece.kind.name, piece.tenant, using)
    last = file.read()
    piece = replace(piece, cursor=file, shape=shape)
    if last is None:
        return replace(piece, remark="the first of its kind: all rows")
    if last.shape != shape:
        return replace(piece, remark="its fields or its filter are others now: all rows")
    since = last.moment - timedelta(seconds=get_conf().export.overlap_seconds)
    condition = _dated(piece.kind, since, None)
    name = piece.kind.conf.date_field
    if piece.kind.model._meta.get_field(name).null:
        # Nobody knows when these changed: rather twice than never.
        condition |= Q(**{f"{name}__isnull": True})
    return replace(piece, rows=piece.rows.filter(condition), since=since)


def _dated(kind: DataType, since: datetime | None, until: datetime | None) -> Q:
    """Return the condition that a row's date is in ``[since, until)``; of dates, the days."""
    name, condition = kind.conf.date_field, Q()
    if not name:
        return condition
    has_time = isinstance(kind.model._meta.get_field(name), models.DateTimeField)
    if since is not None:
        condition &= Q(**{f"{name}__gte": since if has_time else timezone.localdate(since)})
    if until is not None:
        # A day counts if any of it is before the end.
        last = timezone.localdate(until - timedelta(microseconds=1))
        condition &= Q(**{f"{name}__lt": until}) if has_time else Q(**{f"{name}__lte": last})
    return condition


def _shape(kind: DataType, columns: Columns) -> str:
    facts = [kind.conf.model, kind.conf.date_field, dict(kind.conf.filter), columns.names]
    text = json.dumps(facts, cls=DjangoJSONEncoder, default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def moved_on(piece: Piece, moment: datetime) -> None:
    """Write down that a piece is out as it was at a moment."""
    if piece.cursor is not None:
        piece.cursor.write(Cursor(moment, piece.shape))
