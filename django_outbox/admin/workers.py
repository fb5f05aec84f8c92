"""The workers in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_opskit.clock import ServerTime
from django_opskit.readonly_admin import ReadOnlyAdmin
from django_outbox.admin.wording import badge
from django_outbox.models import OutboxWorker
from django_outbox.services.diagnosis import is_silent

__all__ = ["OutboxWorkerAdmin"]


@admin.register(OutboxWorker)
class OutboxWorkerAdmin(ReadOnlyAdmin):
    """The workers that run, and those that died and are not yet forgotten."""

    list_display = ("name", "state", "seen", "serves", "concurrency", "has_lock", "started_at")
    ordering = ("name",)
    readonly_fields = ("state", "seen", "serves")
    actions = None
    fieldsets = (
        (None, {"fields": ("name", "state", "seen", "has_lock")}),
        (
            gettext_lazy("Process"),
            {"fields": ("host", "pid", "serves", "concurrency", "started_at")},
        ),
    )

    class Media:
        css = {"all": ("django_outbox/admin.css",)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: a worker takes its row away itself, or the others do."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxWorker]:
        """Return the workers with the server's time, by which they are silent or not."""
        # A millisecond ago: without a parameter, SQLite would get a format with doubled "%".
        workers: QuerySet[OutboxWorker] = super().get_queryset(request)
        return workers.annotate(now=ServerTime(-0.001))

    @admin.display(description=gettext_lazy("state"))
    def state(self, worker: Any) -> str:
        """Return whether the worker gave a sign of life within the time of a lease."""
        if is_silent(worker, worker.now):
            return badge("FAILED", _("silent"))
        return badge("COMPLETED", _("alive"))

    @admin.display(description=gettext_lazy("seen"))
    def seen(self, worker: Any) -> str:
        """Return how long ago the last sign of life was."""
        seconds = max(0, round((worker.now - worker.seen_at).total_seconds()))
        return _("%(seconds)d s ago") % {"seconds": seconds}

    @admin.display(description=gettext_lazy("queues"))
    def serves(self, worker: OutboxWorker) -> str:
        """Return the queues in their order."""
        return ", ".join(worker.queues)
