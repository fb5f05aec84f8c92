"""The setting, and the variables that go before it."""

import io
import json

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from django_system_ops.checks import CHECKS
from django_system_ops.conf import VARIABLES, Origin, get_conf, origin_of


def problems():
    return [problem for check in CHECKS[:1] for problem in check()]


def shown(*args):
    out = io.StringIO()
    call_command("ops_settings", *args, json=True, stdout=out)
    return json.loads(out.getvalue())


def test_published_defaults(settings):
    settings.MANAGEMENT_COMMANDS = {}
    conf = get_conf()

    assert (conf.backup.retention_days, conf.backup.compression, conf.backup.encryption) == (
        30,
        True,
        True,
    )
    assert (conf.cleanup.batch_size, conf.cleanup.concurrent_jobs) == (1000, 4)
    importing = getattr(conf, "import")
    assert (importing.batch_size, importing.validation_level) == (500, "strict")


def test_published_setting_is_valid(settings):
    settings.MANAGEMENT_COMMANDS = {
        "backup": {"retention_days": 30, "compression": True, "encryption": True},
        "cleanup": {"batch_size": 1000, "concurrent_jobs": 4},
        "import": {"batch_size": 500, "validation_level": "strict"},
    }

    assert problems() == []


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda one: one.name)
def test_environment_goes_before_the_setting_and_that_before_the_default(
    variable, settings, monkeypatch
):
    text = "7" if variable.is_number else "lenient" if "LEVEL" in variable.name else "/srv"
    own = {"7": 5, "lenient": "strict", "/srv": "/home"}[text]

    def now():
        return getattr(getattr(get_conf(), variable.section), variable.key)

    settings.MANAGEMENT_COMMANDS = {}
    assert origin_of(variable.section, variable.key) == Origin.DEFAULT
    settings.MANAGEMENT_COMMANDS = {variable.section: {variable.key: own}}
    assert (now(), origin_of(variable.section, variable.key)) == (own, Origin.SETTINGS)
    monkeypatch.setenv(variable.name, text)
    assert (now(), origin_of(variable.section, variable.key)) == (
        7 if variable.is_number else text,
        Origin.ENVIRONMENT,
    )
    assert origin_of(variable.section, variable.key, is_given=True) == Origin.COMMAND_LINE


def test_empty_variable_says_nothing(settings, monkeypatch):
    settings.MANAGEMENT_COMMANDS = {}
    monkeypatch.setenv("CLEANUP_BATCH_SIZE", "")

    assert get_conf().cleanup.batch_size == 1000


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CLEANUP_BATCH_SIZE", "lots"),
        ("CLEANUP_BATCH_SIZE", "0"),
        ("BACKUP_RETENTION_DAYS", "1.5"),
        ("IMPORT_VALIDATION_LEVEL", "loose"),
    ],
)
def test_wrong_variable_is_reported_by_its_own_name(settings, monkeypatch, name, text):
    settings.MANAGEMENT_COMMANDS = {}
    monkeypatch.setenv(name, text)

    (problem,) = problems()

    assert problem.id == "django_system_ops.E003"
    assert problem.msg.startswith(f"{name}: ")
    with pytest.raises(ImproperlyConfigured, match=name):
        get_conf()


def test_wrong_key_is_reported(settings):
    settings.MANAGEMENT_COMMANDS = {"clean": {}}

    (problem,) = problems()

    assert problem.id == "django_system_ops.E002"
    assert problem.hint == "Did you mean 'cleanup'?"


def test_setting_that_is_no_dict_is_reported(settings):
    settings.MANAGEMENT_COMMANDS = ["backup"]

    assert [problem.id for problem in problems()] == ["django_system_ops.E001"]


def test_ops_settings_says_where_each_value_came_from(configure, monkeypatch):
    configure(cleanup={"concurrent_jobs": 2})
    monkeypatch.setenv("CLEANUP_BATCH_SIZE", "50")

    found = shown("cleanup")

    assert found["cleanup.batch_size"] == {
        "value": 50,
        "from": "environment",
        "variable": "CLEANUP_BATCH_SIZE",
    }
    assert found["cleanup.concurrent_jobs"]["from"] == "settings"


def test_ops_settings_shows_no_secret(configure):
    configure(notify={"slack": "https://example.com/s3cret", "webhook_headers": {"X": "s3cret"}})

    found = shown()

    assert "s3cret" not in json.dumps(found)
    assert found["notify.slack"]["value"]


def test_ops_settings_of_an_unknown_section_is_wrong_usage():
    with pytest.raises(CommandError, match="There is no section 'clean'; there are backup") as e:
        shown("clean")

    assert e.value.returncode == 2
