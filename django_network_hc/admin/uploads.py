"""The forms that take files."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

__all__ = ["HealthCheckForm", "TrackerForm"]


def _file(label: Any, help_text: Any, accept: str) -> forms.FileField:
    return forms.FileField(
        label=label, help_text=help_text, widget=forms.FileInput(attrs={"accept": accept})
    )


class HealthCheckForm(forms.Form):
    """A report and its inventory; what is in them is checked when they are read."""

    report = _file(_("Report"), _("{Network}_Reports_YYYYMMDD.xlsx, as it was delivered."), ".xlsx")
    inventory = _file(_("Inventory"), _("The remote inventory of the same month, a .csv."), ".csv")


class TrackerForm(forms.Form):
    """A tracker: the first one of a network, or one that engineers have edited."""

    tracker = _file(
        _("Tracker"),
        _(
            "The first tracker of a network is taken in with its whole history; of a later one "
            "what was written into it."
        ),
        ".xlsx",
    )
