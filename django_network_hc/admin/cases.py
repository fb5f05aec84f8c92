"""Cases in Django's admin: found by reports, worked on by engineers."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_network_hc.admin.filters import NetworkFilter, StateFilter
from django_network_hc.engine.rows import Engineering
from django_network_hc.models import Case
from django_network_hc.services.edits import apply_status, other_open_case
from django_opskit.history_admin import EditHistoryMixin
from django_opskit.keyset_admin import KeysetAdmin

__all__ = ["CaseAdmin"]

_WRITTEN = ("status", *Engineering._fields)

if TYPE_CHECKING:
    _Form = forms.ModelForm[Case]
else:
    _Form = forms.ModelForm


class CaseForm(_Form):
    """What engineers write."""

    class Meta:
        model = Case
        fields = _WRITTEN
        widgets = {
            name: forms.TextInput(attrs={"class": "vTextField"})
            for name in Engineering._fields
            if name != "remarks"
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: What an open case is called, or was.
        self.open_status = self.instance.status
        if self.instance.pk and not self.instance.is_open:
            self.initial["status"] = self.instance.state
        # What was on the page comes back with what was written: others may write meanwhile.
        for field in self.fields.values():
            field.show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        """Refuse what would overwrite what somebody else has written in the meantime."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in self.changed_data:
            seen = self.data.get(self.add_initial_prefix(name), "")
            here = self.initial.get(name) or ""
            if _lines(seen) != _lines(here) and _lines(cleaned.get(name, "")) != _lines(here):
                self.add_error(
                    name,
                    ValidationError(
                        _("Somebody has written this meanwhile: %(text)s"), params={"text": here}
                    ),
                )
        return {name: _lines(value) for name, value in cleaned.items()}

    def clean_status(self) -> str:
        """Refuse to open a case whose finding has an open one."""
        status = str(self.cleaned_data["status"])
        trial = Case(state=self.instance.state, status=self.instance.status)
        apply_status(trial, status)
        other = other_open_case(self.instance) if trial.is_open else None
        if other is not None:
            raise ValidationError(
                _("This finding has an open case already: %(case)s."), params={"case": other}
            )
        return status


def _lines(text: Any) -> Any:
    """Return a text with the line ends of a report, whatever a browser sends."""
    return text.replace("\r\n", "\n") if isinstance(text, str) else text


@admin.register(Case)
class CaseAdmin(EditHistoryMixin, KeysetAdmin):
    """The cases, the newest first; people change what engineers write."""

    form = CaseForm
    list_display = (
        "id",
        "network_name_now",
        "hc_id",
        "test",
        "priority",
        "shown_status",
        "issue",
        "finding",
        "found_on",
        "times_seen",
    )
    list_display_links = ("id",)
    list_select_related = ("network",)
    list_filter = (StateFilter, NetworkFilter)
    filter_parameters = ("state", "network")
    search_fields = ("=hc_id", "=test")
    search_help_text = _("An HC id or a test, as they are written.")
    actions = None
    has_something_to_save = True
    change_list_template = "django_network_hc/keyset_list.html"
    edit_history_template = "django_network_hc/case_history.html"
    fieldsets = (
        (None, {"fields": ("network", "hc_id", "label", "location", "test", "priority", "issue")}),
        (_("Finding"), {"fields": ("text", "task")}),
        (_("Written by engineers"), {"fields": (*_WRITTEN, "extras")}),
        (
            _("Record"),
            {
                "fields": (
                    *("state", "found_on", "last_seen_on", "times_seen", "closed_on"),
                    *("is_unverified", "opened_by", "closed_by", "reopens", "address", "ne_type"),
                )
            },
        ),
    )

    class Media:
        css = {"all": ("django_network_hc/admin.css",)}

    @admin.display(description=_("network"))
    def network_name_now(self, case: Case) -> str:
        """Return the name of its network, which leaves more room than with its customer."""
        return case.network.name

    @admin.display(description=_("finding"))
    def finding(self, case: Case) -> str:
        """Return its beginning."""
        return case.text if len(case.text) <= 80 else f"{case.text[:79]}…"

    @admin.display(description=_("status"))
    def shown_status(self, case: Case) -> str:
        """Return what a tracker says of it."""
        return case.status if case.is_open else case.state

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return every field but what engineers write."""
        fields = super().get_readonly_fields(request, obj)
        return tuple(name for name in fields if name not in _WRITTEN)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: it is what a report has found."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save what was written, and nothing else: a session may be writing the rest."""
        if "status" in form.changed_data:
            written, obj.status = obj.status, form.open_status
            apply_status(obj, written)
        own = [name for name in form.changed_data if name != "status"]
        if "status" in form.changed_data:
            own += ["status", "state", "closed_on", "closed_by", "is_unverified"]
        if own:
            obj.save(update_fields=own)
