"""What people set for the rules, and when they want to hear nothing, in Django's admin."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from django_job_automation.exceptions import OverrideError
from django_job_automation.models import MaintenanceWindow, SettingsOverride
from django_job_automation.services import overrides
from django_opskit.history_admin import EditHistoryMixin
from django_opskit.model_admin import AnyModelAdmin

__all__ = ["MaintenanceWindowAdmin", "SettingsOverrideAdmin"]

if TYPE_CHECKING:
    _Form = forms.ModelForm[SettingsOverride]
else:
    _Form = forms.ModelForm


class SettingsOverrideForm(_Form):
    """Checked as everything that is set."""

    class Meta:
        model = SettingsOverride
        fields = ("scope", "values")

    def clean(self) -> dict[str, Any]:
        """Say which key is wrong."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "values" in cleaned:
            try:
                overrides.check(cleaned["values"] or {}, scope=cleaned.get("scope", ""))
            except OverrideError as error:
                for problem in error.problems:
                    self.add_error("values", problem)
        return cleaned


@admin.register(SettingsOverride)
class SettingsOverrideAdmin(EditHistoryMixin, AnyModelAdmin):
    """Settings for all sites, for groups and for single sites."""

    form = SettingsOverrideForm
    list_display = ("__str__", "values", "version", "updated_at", "updated_by")
    search_fields = ("scope",)
    readonly_fields = ("version", "updated_at", "updated_by")
    edit_history_template = "django_job_automation/override_history.html"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save as everybody does who sets something, with a version and a history."""
        overrides.replace(
            obj.values or {},
            scope=obj.scope,
            version=None,
            changed_by=str(request.user),
            user=request.user,
        )
        obj.pk = SettingsOverride.objects.get(scope=obj.scope).pk

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the scope too, once it is set: it is the key."""
        return self.readonly_fields if obj is None else ("scope", *self.readonly_fields)


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(EditHistoryMixin, AnyModelAdmin):
    """Times in which nobody wants to hear of a site."""

    list_display = ("__str__", "starts_at", "ends_at", "reason")
    search_fields = ("scope", "reason")
    edit_history_template = "django_job_automation/window_history.html"
