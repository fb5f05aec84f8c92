"""The reference lists what there is."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

import django_health_check_job
import django_job_automation
import django_opskit
import django_outbox
from scripts import settings_reference

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
OURS = ("django_outbox", "django_health_check_job", "django_job_automation")
COMMON = {"-h", "--help", "--version", "-v", "--verbosity", "--settings", "--pythonpath"} | {
    "--traceback",
    "--no-color",
    "--force-color",
    "--skip-checks",
    "--json",
    "--dry-run",
}


def test_settings_page_is_what_the_models_say():
    assert settings_reference.PAGE.read_text(encoding="utf-8") == settings_reference.page(), (
        "run: python -m scripts.settings_reference"
    )


@pytest.mark.parametrize(
    ("app", "name"),
    [(app, name) for name, app in get_commands().items() if str(app) in OURS],
)
def test_every_option_of_a_command_is_on_its_page(app, name):
    page = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    parser = load_command_class(app, name).create_parser("manage.py", name)

    options = {option for action in parser._actions for option in action.option_strings} - COMMON

    section = re.split(rf"^## `{name}`$", page, flags=re.MULTILINE)[1].split("\n## ")[0]
    assert [option for option in sorted(options) if f"`{option}" not in section] == []


def test_every_check_id_of_the_code_is_on_its_page():
    page = (DOCS / "reference" / "checks.md").read_text(encoding="utf-8")
    ids = {f"{app}.E00{number}" for app in OURS for number in (1, 2, 3)}
    # The packages as they are imported: beside docs/, or installed from the wheel.
    packages = (django_opskit, django_outbox, django_health_check_job, django_job_automation)
    for package in packages:
        for module in Path(package.__path__[0]).rglob("*.py"):
            ids |= set(re.findall(r'id="(django_\w+\.[EW]\d{3})"', module.read_text("utf-8")))

    assert [one for one in sorted(ids) if f"`{one}`" not in page] == []
    assert len(ids) >= 8
