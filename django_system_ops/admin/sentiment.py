"""What messages feel like: each of them, and days."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from django_opskit.keyset_admin import KeysetAdmin
from django_system_ops.models import SentimentAggregate, SentimentScore

__all__ = ["SentimentAggregateAdmin", "SentimentScoreAdmin"]


class _WrittenByCommands(KeysetAdmin):
    """Rows that are sums of each other: nobody takes one out by hand."""

    actions = None
    change_list_template = "django_system_ops/keyset_list.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: analyze_sentiment keeps scores and sums alike."""
        return False


@admin.register(SentimentScore)
class SentimentScoreAdmin(_WrittenByCommands):
    """The messages, those that were scored last first."""

    list_display = (
        "message_model",
        "message_key",
        "label",
        "score",
        "language",
        "day",
        "backend",
        "analysed_at",
    )
    list_display_links = ("message_model", "message_key")
    list_filter = ("label",)
    filter_parameters = ("label__exact",)


@admin.register(SentimentAggregate)
class SentimentAggregateAdmin(_WrittenByCommands):
    """The days, by agents and tenants."""

    list_display = (
        "day",
        "tenant",
        "agent",
        "positive",
        "negative",
        "neutral",
        "unknown",
        "mean",
        "backend",
    )
    readonly_fields = ("mean",)

    @admin.display(description=_("mean score"))
    def mean(self, sums: SentimentAggregate) -> str:
        """Return the mean score with two digits; a dash where nothing has one."""
        if (mean := sums.mean_score) is None:
            return "-"
        return str(number_format(f"{mean:.2f}"))
