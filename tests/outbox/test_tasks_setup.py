"""OutboxBackend in a site's settings: its checks, and sites that are not ready for it."""

import subprocess
import sys

import django
import pytest
from django.test import modify_settings

from django_opskit.tasks import IMPLEMENTATION, task, task_backends
from tests.outbox import tasks
from tests.processes import ROOT

OUTBOX = "django_outbox.tasks.OutboxBackend"

# Settings without django.setup(): models cannot be imported yet.
BEFORE_APPS = """
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django_outbox"],
    TASKS={"default": {"BACKEND": "django_outbox.tasks.OutboxBackend"}},
)
from django_opskit.tasks import task


@task
def early() -> None: ...


print(type(early).__name__, early.using(priority=5).priority)
"""

# Another Django cannot be installed for one test, so this process is told that it has one.
WITHOUT_TASKS = """
import sys, django

django.VERSION = (5, 2, 0, "final", 0)
sys.modules["django_tasks"] = None
import django_outbox.tasks
"""


def script(text):
    return subprocess.run(
        [sys.executable, "-c", text],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def check(settings, outbox=None, **params):
    settings.OUTBOX = outbox or {}
    settings.TASKS = {"default": {"BACKEND": OUTBOX, **params}}
    return {message.id: message.msg for message in task_backends["default"].check()}


def test_defaults_are_fine(settings):
    assert check(settings) == {}


def test_app_that_is_not_installed_is_told(settings):
    with modify_settings(INSTALLED_APPS={"remove": ["django_outbox"]}):
        found = check(settings)

    assert list(found) == ["django_outbox.E007"]


def test_queue_that_the_outbox_does_not_declare_is_told(settings):
    found = check(settings, QUEUES=["default", "mail"])

    assert found == {
        "django_outbox.E008": "TASKS['default']['QUEUES'] has 'mail', which OUTBOX['QUEUES'] does "
        "not declare."
    }


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"MAX_ATTEMPT": 1}, "TASKS['default']['OPTIONS']['MAX_ATTEMPT']: Extra inputs"),
        ({"MAX_ATTEMPTS": 0}, "TASKS['default']['OPTIONS']['MAX_ATTEMPTS']: Input should be"),
        ([], "TASKS['default']['OPTIONS']: Input should be"),
    ],
)
def test_wrong_option_is_told(settings, options, sentence):
    found = check(settings, OPTIONS=options)

    assert list(found) == ["django_outbox.E009"]
    assert found["django_outbox.E009"].startswith(sentence)


@pytest.mark.parametrize("queues", [["default"], []])
def test_queue_that_deletes_results_is_told(settings, queues):
    outbox = {"QUEUES": {"default": {"ON_SUCCESS": "delete"}}}

    assert list(check(settings, outbox, QUEUES=queues)) == ["django_outbox.W002"]


def test_queue_that_deletes_what_is_no_task_is_fine(settings):
    assert check(settings, {"QUEUES": {"jobs": {"ON_SUCCESS": "delete"}}}) == {}


def test_wrong_setting_of_the_outbox_is_left_to_its_own_checks(settings):
    assert check(settings, {"LEASE": 1}) == {}


@pytest.mark.skipif(
    (6, 0) <= django.VERSION < (6, 1), reason="Django 6.0 passes no options of others on"
)
def test_decorator_takes_our_options():
    declared = task(max_attempts=3, dedup_key="k")(tasks.plain)

    assert (declared.max_attempts, declared.dedup_key) == (3, "k")


@pytest.mark.skipif(IMPLEMENTATION != "django.tasks", reason="the backport needs its app first")
def test_task_can_be_declared_before_the_apps_are_ready():
    ended = script(BEFORE_APPS)

    assert (ended.returncode, ended.stdout) == (0, "OutboxTask 5\n"), ended.stderr


def test_site_without_a_tasks_framework_is_told_what_to_install():
    ended = script(WITHOUT_TASKS)

    assert ended.returncode == 1
    assert "ImproperlyConfigured: OutboxBackend needs a Tasks framework" in ended.stderr
