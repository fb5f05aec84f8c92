"""The assistants in the admin; what grows for ever is paged by key."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from assistants.models import (
    Agent,
    AnalyticsEvent,
    Chat,
    Document,
    KnowledgeItem,
    Message,
    Tenant,
    Tool,
)
from django_opskit.keyset_admin import KeysetAdmin
from django_opskit.model_admin import AnyModelAdmin

__all__ = [
    "AgentAdmin",
    "AnalyticsEventAdmin",
    "ChatAdmin",
    "DocumentAdmin",
    "KnowledgeItemAdmin",
    "MessageAdmin",
    "TenantAdmin",
    "ToolAdmin",
]


@admin.register(Tenant)
class TenantAdmin(AnyModelAdmin):
    """The tenants."""

    list_display = ("slug", "name")
    search_fields = ("slug", "name")


@admin.register(Tool)
class ToolAdmin(AnyModelAdmin):
    """The tools. Their keys are shown to those alone who may change them."""

    list_display = ("name", "has_key")
    search_fields = ("name",)

    @admin.display(boolean=True, description="API key")
    def has_key(self, tool: Tool) -> bool:
        """Return whether there is one."""
        return bool(tool.api_key)

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Leave the key out for those who only look."""
        return () if self.has_change_permission(request, obj) else ("api_key",)


@admin.register(Agent)
class AgentAdmin(AnyModelAdmin):
    """The agents."""

    list_display = ("slug", "name", "tenant", "model", "is_active")
    list_filter = ("is_active", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("slug", "name")
    autocomplete_fields = ("tenant", "tools")


@admin.register(KnowledgeItem)
class KnowledgeItemAdmin(AnyModelAdmin):
    """What agents know."""

    list_display = ("slug", "title", "tenant", "category", "language", "version", "updated_at")
    list_filter = ("tenant", "language", "version")
    list_select_related = ("tenant",)
    search_fields = ("slug", "title")
    autocomplete_fields = ("tenant",)
    show_full_result_count = False


@admin.register(Document)
class DocumentAdmin(AnyModelAdmin):
    """The files."""

    list_display = ("file", "tenant", "item", "number", "uploaded_at")
    list_filter = ("tenant",)
    list_select_related = ("tenant", "item")
    search_fields = ("file",)
    autocomplete_fields = ("tenant", "item")
    readonly_fields = ("checksum",)
    show_full_result_count = False


class GrowingAdmin(KeysetAdmin):
    """A list that grows for ever."""

    change_list_template = "assistants/keyset_list.html"
    one_page_text = "Only the rows of this page can be chosen."


@admin.register(Chat)
class ChatAdmin(GrowingAdmin):
    """The chats."""

    list_display = (
        "user_label",
        "tenant",
        "agent",
        "channel",
        "rating",
        "resolved",
        "started_at",
        "updated_at",
    )
    list_filter = ("tenant", "channel", "resolved", "rating")
    filter_parameters = (
        "tenant__id__exact",
        "channel__exact",
        "resolved__exact",
        "rating",
        "rating__isnull",
    )
    list_select_related = ("tenant", "agent")
    search_fields = ("user_label__startswith",)


@admin.register(Message)
class MessageAdmin(GrowingAdmin):
    """What was said."""

    list_display = ("beginning", "role", "chat", "response_ms", "sentiment", "created_at")
    list_filter = ("role", "sentiment")
    filter_parameters = ("role__exact", "sentiment__exact", "chat__id__exact")
    list_select_related = ("chat",)

    @admin.display(description="text")
    def beginning(self, message: Message) -> str:
        """Return its first words."""
        return str(message)


@admin.register(AnalyticsEvent)
class AnalyticsEventAdmin(GrowingAdmin):
    """What happened."""

    list_display = ("name", "tenant", "agent", "created_at")
    list_filter = ("tenant",)
    filter_parameters = ("tenant__id__exact",)
    list_select_related = ("tenant", "agent")
    not_in_list = ("payload",)
