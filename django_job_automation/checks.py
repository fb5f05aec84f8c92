"""System checks of django_job_automation."""

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from django_job_automation.adapters import fitting, get_adapter
from django_job_automation.conf import JobAutomationSettings
from django_opskit.conf import settings_check

__all__ = ["check_adapter", "check_settings"]

#: E001 to E003: the setting ``JOB_AUTOMATION``.
check_settings = settings_check(JobAutomationSettings, "django_job_automation")


def check_adapter(**_kwargs: object) -> list[CheckMessage]:
    """Say which model or field of the adapter does not exist, and which index is missing."""
    try:
        adapter = get_adapter()
    except ImproperlyConfigured:
        return []  # said by the check above
    found: list[CheckMessage] = []
    if not settings.USE_TZ:
        found.append(
            Error(
                "django_job_automation needs USE_TZ = True, got False.",
                hint="Days are counted in UTC: a change of the clocks must make none longer.",
                id="django_job_automation.E005",
            )
        )
    misfits = [
        Error(message, hint=hint, id="django_job_automation.E004")
        for message, hint in fitting.problems(adapter)
    ]
    found += misfits
    if not misfits and not fitting.has_index(adapter):
        label = adapter.readings._meta.label
        names = [adapter.reading.site, f"-{adapter.reading.at}", f"-{adapter.reading.value}"]
        found.append(
            CheckWarning(
                f"{label} has no index that begins with site and moment: each run reads all of it.",
                hint=f"Add Index(fields={names}) to its Meta.",
                id="django_job_automation.W001",
            )
        )
    return found
