"""Write the settings reference from the models: `python -m scripts.settings_reference`."""

from pathlib import Path

from django_health_check_job.conf import CheckSettings, HealthCheckJobSettings, PublishedSettings
from django_job_automation.conf import JobAutomationSettings
from django_network_hc.conf import NetworkHcSettings
from django_opskit.conf import SettingsModel, reference_rows
from django_outbox.conf import OutboxSettings
from django_system_ops.conf import ManagementCommandsSettings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "settings.md"

#: The settings models in the order of the page, each with the app that reads it.
MODELS: tuple[tuple[str, str, type[SettingsModel]], ...] = (
    ("`OUTBOX`", "django_outbox", OutboxSettings),
    ("Health monitoring: settings by themselves", "django_health_check_job", PublishedSettings),
    ("`HEALTH_CHECK_JOB`", "django_health_check_job", HealthCheckJobSettings),
    ('`HEALTH_CHECK_JOB["CHECKS"][]`', "django_health_check_job", CheckSettings),
    ("`JOB_AUTOMATION`", "django_job_automation", JobAutomationSettings),
    ("`NETWORK_HC`", "django_network_hc", NetworkHcSettings),
    ("`MANAGEMENT_COMMANDS`", "django_system_ops", ManagementCommandsSettings),
)

HEAD = """# Settings

<!-- Written by `python -m scripts.settings_reference` from the settings models. -->

Each app reads one setting, anew whenever it needs it; five names of health monitoring were
published by themselves. An unknown key, a wrong type or an
impossible value is a system check error that names the key, the value and the way out.
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(section(*one) for one in MODELS)])


def section(title: str, app: str, model: type[SettingsModel]) -> str:
    """Return the section of one setting."""
    rows = "\n".join(
        f"| `{row.path}` | `{escaped(row.type)}` | `{escaped(row.default)}` | {row.description} |"
        for row in reference_rows(model)
    )
    head = f"## {title}\n\nRead by `{app}`.\n\n| key | type | default | |\n|---|---|---|---|"
    return f"{head}\n{rows}\n"


def escaped(text: str) -> str:
    """Keep the bars of a type from ending a table cell."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Wrote {PAGE.relative_to(Path.cwd())}.")
