"""What is known of the files that came in, and how far those are that did not yet."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connections
from django.utils import timezone

from django_system_ops.exceptions import WrongUsageError
from django_system_ops.models import ImportCheckpoint
from django_system_ops.services.importing.orders import Order
from django_system_ops.services.importing.sources import Source

__all__ = ["find_checkpoint", "new_checkpoint", "order_for", "refuse_second", "require_table"]


def require_table(using: str) -> None:
    """
    Do nothing if the database that rows go into has the table of checkpoints.

    Raises:
        WrongUsageError: it has none, and rows and checkpoints have to be in one transaction.
    """
    table = ImportCheckpoint._meta.db_table
    if table not in connections[using].introspection.table_names():
        raise WrongUsageError(
            f"--database {using!r} has no table {table}, which says how far a file is in: run "
            f"migrate django_system_ops --database {using}."
        )


def find_checkpoint(order: Order, sha256: str) -> ImportCheckpoint | None:
    """Return what is known of a file of these bytes, for this type and tenant."""
    return (
        ImportCheckpoint.objects.using(order.using)
        .filter(file_sha256=sha256, type_name=order.kind.name, tenant=order.tenant_key)
        .first()
    )


def new_checkpoint(order: Order, source: Source, known: ImportCheckpoint | None) -> Any:
    """Return a checkpoint at the beginning of a file, in the place of the one that is known."""
    return ImportCheckpoint(
        pk=known.pk if known is not None else None,
        file_sha256=source.sha256,
        type_name=order.kind.name,
        tenant=order.tenant_key,
        file_name=source.path.name[-255:],
        options=_options(order, source),
        started_at=order.now,
        updated_at=order.now,
    )


def order_for(order: Order, source: Source, known: ImportCheckpoint | None) -> Order:
    """
    Return what is to be done with a file.

    One that came in before, in the same way, skips the rows that are there still, unless it is to
    begin anew: that they are in their own way is no error.
    """
    if known is None or not known.is_finished or order.is_resumed or order.is_again:
        return order
    if order.on_conflict != "error" or not order.key:
        return order
    wanted = {**_options(order, source), "on_conflict": known.options.get("on_conflict")}
    return replace(order, on_conflict="skip") if wanted == known.options else order


def refuse_second(order: Order, source: Source, known: ImportCheckpoint) -> None:
    """
    Do nothing if a file that came in before may come in again, or go on.

    Raises:
        WrongUsageError: its rows would be there twice, or it was begun in another way.
    """
    name, moment = source.path.name, _said(known.updated_at)
    if order.is_resumed:
        options = _options(order, source)
        if known.options != options:
            raise WrongUsageError(
                f"--resume: {name} was begun with {_difference(known.options, options)}. "
                "Go on as it was begun, or begin anew with --again."
            )
        return
    is_harmless = order.key and order.on_conflict != "error"
    if order.is_again or is_harmless or order.is_dry_run:
        return
    if not known.is_finished:
        raise WrongUsageError(
            f"{name} was begun, and got to row {known.rows_read:,} on {moment}: go on with "
            "--resume, or begin anew with --again."
        )
    if not order.key:
        raise WrongUsageError(
            f"{name} came in already, on {moment}: {known.created:,} rows. Without a key they "
            "would be there twice: name one with --key and choose --on-conflict, or say --again."
        )


def _options(order: Order, source: Source) -> dict[str, Any]:
    """Return what a run that goes on has to repeat: what is asked, and how the file is read."""
    return {**order.options(), "format": source.format, "guarded": source.is_guarded}


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    return " and ".join(
        f"{name} {before.get(name)!r}, not {value!r}"
        for name, value in now.items()
        if before.get(name) != value
    )


def _said(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S")
