"""History of rows: one way to declare it, and verbs for many rows at once."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from simple_history.models import HistoricalRecords  # type: ignore[import-untyped]  # no types
from simple_history.utils import (  # type: ignore[import-untyped]  # no types
    bulk_create_with_history,
    bulk_update_with_history,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

__all__ = [
    "bulk_create_with_history",
    "bulk_update_with_history",
    "history_records",
    "record_deletions",
]


def history_records(
    verbose_name: "StrPromise", verbose_name_plural: "StrPromise", **options: Any
) -> Any:
    """
    Return the history of one model, under names of ours and with the same columns on every site.

    ``SIMPLE_HISTORY_HISTORY_ID_USE_UUID`` and
    ``SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD`` change every history table that
    leaves these two columns open, and so would ask for migrations that are not ours.
    """
    return HistoricalRecords(
        verbose_name=verbose_name,
        verbose_name_plural=verbose_name_plural,
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.CharField(max_length=100, null=True),
        **options,
    )


def record_deletions(rows: Collection[models.Model], *, now: datetime) -> None:
    """
    Write that ``rows``, all of one model, are deleted at ``now``, in one statement.

    simple_history has such a function for created and changed rows only.
    """
    for model in {type(row) for row in rows}:
        history: Any = model.history.model  # type: ignore[attr-defined]  # set by simple_history
        history.objects.bulk_create(
            history(
                history_date=now,
                history_user=history.get_default_history_user(row),
                history_type="-",
                **{field.attname: getattr(row, field.attname) for field in history.tracked_fields},
            )
            for row in rows
        )
