"""What time is booked on."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_opskit.fields import KeyField
from timetracker.models.history import history_records
from timetracker.models.task_source import TaskSource

__all__ = ["TaskCache"]


class TaskCache(models.Model):
    """
    A task as the planning system last told it.

    That system owns the task: rows are added, changed and deactivated by the synchronisation.
    A task that is gone there is kept here, inactive, because time was booked on it.
    """

    # Who delivers it; null for a task that no synchronisation has touched.
    source = models.ForeignKey(
        TaskSource,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="tasks",
        verbose_name=_("task source"),
    )
    external_id = KeyField(_("external id"), max_length=64, unique=True)
    display_name = models.CharField(_("name"), max_length=255)
    project_phase = models.CharField(_("project phase"), max_length=100, blank=True)
    department = models.CharField(_("department"), max_length=100, blank=True)
    discipline = models.CharField(_("discipline"), max_length=100, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    source_updated_at = models.DateTimeField(_("changed at the source"), null=True, blank=True)
    synced_at = models.DateTimeField(_("synchronised"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    history = history_records(_("change of a task"), _("changes of tasks"))

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ("display_name", "pk")
        # The API reads the list in this order, page by page.
        indexes = [models.Index(fields=["updated_at", "id"], name="task_updated")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(external_id=""), name="task_external_id_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return self.display_name
