"""The received messages in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_outbox.admin.keyset import OutboxKeysetAdmin
from django_outbox.models import Inbox

__all__ = ["InboxAdmin"]

_MOST_CONSUMERS = 100


@admin.register(Inbox)
class InboxAdmin(OutboxKeysetAdmin):
    """What consumers have received, to look up a message by its whole id."""

    list_display = ("id", "consumer", "message_id", "received_at")
    list_display_links = ("id", "message_id")
    search_fields = ("message_id",)
    search_help_text = _("A whole message id.")
    fields = ("consumer", "message_id", "received_at")
    actions = None

    class Media:
        css = {"all": ("django_outbox/admin.css",)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: a message that is forgotten would be worked on twice."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the messages of that id, whichever consumers received them."""
        if not search_term.strip():
            return queryset, False
        # The index begins with the consumer.
        consumers = _consumers(Inbox.objects.using(queryset.db))
        return queryset.filter(consumer__in=consumers, message_id=search_term.strip()), False


def _consumers(inbox: QuerySet[Inbox]) -> list[str]:
    """Return the consumers' names, from one to the next along the index."""
    names: list[str] = []
    ordered = inbox.order_by("consumer").values_list("consumer", flat=True)
    name = ordered.first()
    while name is not None and len(names) < _MOST_CONSUMERS:
        names.append(name)
        name = ordered.filter(consumer__gt=name).first()
    return names
