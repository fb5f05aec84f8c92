"""The form of a day: one row per entry, and a few empty rows for more."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.forms.formsets import DELETION_FIELD_NAME
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from timetracker.exceptions import EntryError, TimesheetError
from timetracker.models import TaskCache, TimeEntry
from timetracker.models.time_entry import MINUTES_PER_DAY
from timetracker.wording import explain

__all__ = ["DayForm", "day_form"]


class EntryForm(forms.Form):
    """One entry of a day: a task and its minutes."""

    # Choices instead of a ModelChoiceField, which would query the tasks again for every row.
    task = forms.TypedChoiceField(label=gettext_lazy("Task"))
    # The bounds help while typing. The rule itself is the service's, for every writer.
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutes"),
        widget=forms.NumberInput(attrs={"min": 1, "max": MINUTES_PER_DAY, "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, tasks: Mapping[int, TaskCache], **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        field = self.fields["task"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [("", _("Choose a task")), *((pk, _label(t)) for pk, t in tasks.items())]
        field.coerce = lambda pk: tasks.get(int(pk))


if TYPE_CHECKING:
    _EntryFormSet = forms.BaseFormSet[EntryForm]
else:
    _EntryFormSet = forms.BaseFormSet


class DayForm(_EntryFormSet):
    """All entries of a day."""

    def add_fields(self, form: EntryForm, index: int | None) -> None:
        """Call what removes an entry by a name of ours."""
        super().add_fields(form, index)
        if DELETION_FIELD_NAME in form.fields:
            form.fields[DELETION_FIELD_NAME].label = _("Remove entry")

    def entries(self) -> list[tuple[TaskCache, int]]:
        """Return what the employee entered, without empty and removed rows; call if valid."""
        rows = [form.cleaned_data for form in self.forms if form not in self.deleted_forms]
        return [(row["task"], row["minutes"]) for row in rows if row]

    def refuse(self, error: TimesheetError) -> None:
        """Show why the day was not saved: beside the entry at fault, or above them all."""
        sentence = explain(error)
        if isinstance(error, EntryError):
            at_fault = [form for form in self.forms if _task_id(form) == error.task_id]
            at_fault[-1].add_error(None, sentence)
        else:
            self.non_form_errors().append(sentence)


# The factory returns a subclass of DayForm, which its type does not say.
_FormSet = cast(
    type[DayForm],
    forms.formset_factory(
        EntryForm, formset=DayForm, extra=3, can_delete=True, can_delete_extra=False
    ),
)


def day_form(data: Mapping[str, Any] | None, standing: Iterable[TimeEntry]) -> DayForm:
    """
    Return the form of a day with the entries that stand, their tasks fetched with them.

    It offers the active tasks, and the closed ones that the day has time on already.
    """
    standing = list(standing)
    tasks = {task.pk: task for task in TaskCache.objects.filter(is_active=True)}
    tasks.update((entry.task_id, entry.task) for entry in standing)
    return _FormSet(
        data,
        prefix="entries",
        initial=[{"task": entry.task_id, "minutes": entry.duration_minutes} for entry in standing],
        form_kwargs={"tasks": tasks},
    )


def _label(task: TaskCache) -> str:
    return str(task) if task.is_active else _("%(task)s (closed)") % {"task": task}


def _task_id(form: EntryForm) -> int | None:
    task = form.cleaned_data.get("task")
    return task.pk if isinstance(task, TaskCache) else None
