"""Write the settings reference from the models: `python -m scripts.settings_reference`."""

from pathlib import Path

from django_opskit.conf import AppSettings, reference_rows
from django_outbox.conf import OutboxSettings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "settings.md"

#: The settings models in the order of the page, each with the app that reads it.
MODELS: tuple[tuple[str, type[AppSettings]], ...] = (("django_outbox", OutboxSettings),)

HEAD = """# Settings

<!-- Written by `python -m scripts.settings_reference` from the settings models. -->

Each app reads one setting, anew whenever it needs it. An unknown key, a wrong type or an
impossible value is a system check error that names the key, the value and the way out.
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(section(app, model) for app, model in MODELS)])


def section(app: str, model: type[AppSettings]) -> str:
    """Return the section of one setting."""
    rows = "\n".join(
        f"| `{row.path}` | `{escaped(row.type)}` | `{escaped(row.default)}` | {row.description} |"
        for row in reference_rows(model)
    )
    head = (
        f"## `{model.setting}`\n\nRead by `{app}`.\n\n| key | type | default | |\n|---|---|---|---|"
    )
    return f"{head}\n{rows}\n"


def escaped(text: str) -> str:
    """Keep the bars of a type from ending a table cell."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Wrote {PAGE.relative_to(Path.cwd())}.")
