"""One app, one line in INSTALLED_APPS, and it works: from the wheel, in a site of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dropin.apps import APPS, App
from tests.dropin.site import Site
from tests.packaging.building import ROOT, our_packages

pytestmark = pytest.mark.packaging

GROUND_FLOOR = "django_opskit"

# Every list, and the page and the history of its first row, as an administrator sees them.
ASK_ADMIN = """
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
user, _ = User.objects.get_or_create(username="a", is_staff=True, is_superuser=True)
client = Client(SERVER_NAME="localhost")
client.force_login(user)
for model in apps.get_app_config("{app}").get_models():
    if admin.site.is_registered(model):
        name = f"admin:{{model._meta.app_label}}_{{model._meta.model_name}}"
        pages = [reverse(f"{{name}}_changelist")]
        if (row := model.objects.first()) is not None:
            pages += [reverse(f"{{name}}_{{one}}", args=[row.pk]) for one in ("change", "history")]
        for page in pages:
            print(page, client.get(page).status_code)
"""


@pytest.fixture(scope="module")
def site_of(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[App], Site]:
    """Return the site that has one app installed; it is made once for all tests here."""
    sites: dict[str, Site] = {}

    def make(app: App) -> Site:
        if app.name not in sites:
            site = Site(tmp_path_factory.mktemp(app.name))
            site.install(f"{wheel}[{app.extra}]")
            site.start_project()
            site.add_app(app.name)
            for path, text in app.files.items():
                (site.project / path).write_text(text)
            sites[app.name] = site
        return sites[app.name]

    return make


def test_each_app_that_exists_is_tried():
    installable = {name for name in our_packages() if (ROOT / name / "apps.py").is_file()}

    assert {app.name for app in APPS} == installable - {GROUND_FLOOR}


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_app_runs_from_the_wheel_and_not_from_the_checkout(site_of, app):
    site = site_of(app)
    code = f"import {app.name}, {GROUND_FLOOR}; print({app.name}.__file__, {GROUND_FLOOR}.__file__)"

    files = site.manage("shell", "--verbosity", "0", "-c", code).split()

    assert len(files) == 2
    for file in files:
        assert Path(file).is_relative_to(site.folder / "env")
        assert not Path(file).is_relative_to(ROOT)


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_app_works_with_one_line_in_the_settings(site_of, app):
    site = site_of(app)

    site.manage("check", "--fail-level", "WARNING")
    site.manage("migrate", "--verbosity", "0")
    site.manage("makemigrations", "--check", "--dry-run")
    site.manage("shell", "-c", app.before)
    output = site.manage(*app.main_command)
    output += site.manage("shell", "-c", app.after)

    assert app.expected in output


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_each_page_of_the_admin_answers(site_of, app):
    site = site_of(app)
    site.manage("migrate", "--verbosity", "0")
    site.manage("shell", "-c", app.before)
    site.manage(*app.main_command)

    output = site.manage("shell", "--verbosity", "0", "-c", ASK_ADMIN.format(app=app.name))

    answers = dict(line.rsplit(" ", 1) for line in output.splitlines())
    assert len(answers) > 2
    assert set(answers.values()) == {"200"}, answers
