"""What goes to the monitoring server, and who sends here, in Django's admin."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_health_check_job.admin.filters import RefusedFilter
from django_health_check_job.admin.wording import ago
from django_health_check_job.models import Delivery, Sender
from django_health_check_job.services.unsent import send_again
from django_opskit.keyset_admin import KeysetAdmin
from django_opskit.readonly_admin import ReadOnlyAdmin

__all__ = ["DeliveryAdmin", "SenderAdmin"]


@admin.register(Delivery)
class DeliveryAdmin(KeysetAdmin):
    """Payloads that the monitoring server has not yet taken, or will not take."""

    list_display = ("id", "created_at", "where", "attempts", "last_error")
    list_display_links = ("id",)
    list_filter = (RefusedFilter,)
    filter_parameters = ("refused",)
    not_in_list = ("payload",)
    readonly_fields = ("where", "pretty_payload")
    actions = ("send_again",)
    change_list_template = "django_health_check_job/keyset_list.html"
    one_page_text = gettext_lazy(
        "Actions work on the rows of one page. For more, use monitor_cleanup."
    )
    fieldsets = (
        (None, {"fields": ("where", "created_at", "attempts", "last_error", "refused_at")}),
        (gettext_lazy("Payload"), {"fields": ("key", "pretty_payload")}),
    )

    class Media:
        css = {"all": ("django_health_check_job/admin.css",)}

    @admin.action(description=gettext_lazy("Send again"), permissions=["change"])
    def send_again(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        """Let the monitor offer refused payloads once more."""
        count = send_again(chosen.values_list("pk", flat=True))
        said = ngettext("%d payload waits again.", "%d payloads wait again.", count) % count
        self.message_user(request, said, messages.SUCCESS if count else messages.WARNING)

    @admin.display(description=gettext_lazy("state"))
    def where(self, delivery: Delivery) -> str:
        """Return whether the server may still take it."""
        return _("waiting") if delivery.refused_at is None else _("refused")

    @admin.display(description=gettext_lazy("payload"))
    def pretty_payload(self, delivery: Delivery) -> str:
        """Return the payload with one key a line."""
        text = json.dumps(json.loads(delivery.payload), indent=2, ensure_ascii=False)
        return format_html('<pre class="hcj-payload" tabindex="0">{}</pre>', text)


@admin.register(Sender)
class SenderAdmin(ReadOnlyAdmin):
    """The sites that have sent their results here."""

    list_display = ("app_id", "heard", "last_seen_at", "first_seen_at")
    ordering = ("app_id",)
    readonly_fields = ("heard",)
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: the check of its silence would forget when it was heard."""
        return False

    @admin.display(description=gettext_lazy("heard"), ordering="last_seen_at")
    def heard(self, sender: Sender) -> str:
        """Return how long ago its last payload came."""
        return ago(sender.last_seen_at, timezone.now())
