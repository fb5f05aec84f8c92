"""Files that came in, and how far those are that did not yet."""

from django.contrib import admin

from django_opskit.readonly_admin import ReadOnlyAdmin
from django_system_ops.models import ImportCheckpoint

__all__ = ["ImportCheckpointAdmin"]


@admin.register(ImportCheckpoint)
class ImportCheckpointAdmin(ReadOnlyAdmin):
    """The files, the last one first; one that is removed here may come in again."""

    list_display = (
        "file_name",
        "type_name",
        "tenant",
        "is_finished",
        "rows_read",
        "created",
        "updated",
        "skipped",
        "rejected",
        "updated_at",
    )
    list_filter = ("is_finished", "type_name")
    search_fields = ("file_name", "file_sha256")
