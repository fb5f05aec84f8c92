"""
A history of what people edit, by django-simple-history.

Only apps that bring that library import this module.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from simple_history.models import HistoricalRecords  # type: ignore[import-untyped]  # no types

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

__all__ = ["edit_history"]


def edit_history(
    verbose_name: "StrPromise",
    verbose_name_plural: "StrPromise",
    *,
    excluded_fields: Sequence[str] = (),
) -> Any:
    """
    Return a history with the same columns on every site, whatever its global settings are.

    Args:
        verbose_name: of one entry.
        verbose_name_plural: of several.
        excluded_fields: those that no person edits.
    """
    return HistoricalRecords(
        excluded_fields=list(excluded_fields),
        verbose_name=verbose_name,
        verbose_name_plural=verbose_name_plural,
        history_id_field=models.BigAutoField(),
        history_change_reason_field=models.CharField(max_length=100, null=True),
    )
