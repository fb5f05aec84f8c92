"""What all our admin classes have in common: nobody edits what workers write."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from django_opskit.model_admin import AnyModelAdmin

__all__ = ["ReadOnlyAdmin"]


class ReadOnlyAdmin(AnyModelAdmin):
    """Shows rows to those who may view them, and has no form that changes one."""

    #: Whether the page of a row has a field or a form that people fill in.
    has_something_to_save = False
    # Django would count the table for it.
    show_full_result_count = False
    # Each count behind a filter is a query over the whole table.
    show_facets = admin.ShowFacets.NEVER

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no: rows come from the running system."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return every field, and what the class shows besides."""
        return (*(field.name for field in self.opts.fields), *self.readonly_fields)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under its own name: there is nothing to select for a change."""
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the row, with the buttons that save only where there is something to save."""
        context = {
            "title": capfirst(self.opts.verbose_name),
            "show_save": self.has_something_to_save,
            "show_save_and_continue": self.has_something_to_save,
            **(extra_context or {}),
        }
        return super().change_view(request, object_id, form_url, context)
