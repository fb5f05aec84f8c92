"""A page with what people have edited, in a template of the app's own."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

__all__ = ["EditHistoryMixin"]

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = object


class EditHistoryMixin(_ModelAdmin):
    """
    Puts the edits that django-simple-history has kept in place of Django's own log.

    The template extends ``admin/object_history.html`` and shows ``edits``.
    """

    edit_history_template: str
    #: The newest so many are shown.
    most_edits = 200

    def edits_of(self, obj: Any) -> QuerySet[Any]:
        """Return the edits of an object; those of another one that belongs to it, if need be."""
        edits: QuerySet[Any] = obj.history.all()
        return edits

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show who has set what."""
        obj = self.get_object(request, object_id)
        if obj is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id!r}.")
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        edits = self.edits_of(obj).select_related("history_user")
        context = {
            **self.admin_site.each_context(request),
            "title": str(obj),
            "edits": edits.order_by("-history_date", "-history_id")[: self.most_edits],
            "object": obj,
            "opts": self.opts,
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.edit_history_template, context)
