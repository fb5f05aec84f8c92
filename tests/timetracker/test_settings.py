"""The site's settings: those of the app, and production's."""

import subprocess
import sys

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse

from config import csp, databases, environment
from tests.processes import ROOT

PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "config.settings.production",
    "DJANGO_SECRET_KEY": "h7Q!2kd8Zp0w-Xv4Rn6Tb9Yc3Lm5Js1Gf7Ha2Ke8Qu0Wo4Pi6Nz9Bx3",
    "DJANGO_ALLOWED_HOSTS": "time.example.com, www.example.com",
    "DJANGO_CSRF_TRUSTED_ORIGINS": "https://time.example.com",
    "DJANGO_BEHIND_TLS_PROXY": "1",
}


def check_deploy(tmp_path, **changes):
    """Run `check --deploy` as production does; a change to None leaves the variable out."""
    wanted = {**PRODUCTION, **changes}
    return subprocess.run(
        [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={
            "PYTHONPATH": f"{ROOT}:{ROOT / 'example_project'}",
            "DJANGO_DB_PATH": str(tmp_path / "site.sqlite3"),
            **{name: value for name, value in wanted.items() if value is not None},
        },
    )


def test_production_passes_djangos_own_check(tmp_path):
    run = check_deploy(tmp_path)

    assert (run.returncode, "no issues" in run.stdout) == (0, True), run.stderr


@pytest.mark.parametrize(
    "name", ["DJANGO_SECRET_KEY", "DJANGO_ALLOWED_HOSTS", "DJANGO_CSRF_TRUSTED_ORIGINS"]
)
@pytest.mark.parametrize("value", [None, " "])
def test_production_names_the_variable_that_is_missing(tmp_path, name, value):
    run = check_deploy(tmp_path, **{name: value})

    assert run.returncode != 0
    assert f"Set the environment variable {name}:" in run.stderr


def test_weak_secret_does_not_pass(tmp_path):
    run = check_deploy(tmp_path, DJANGO_SECRET_KEY="short")

    assert run.returncode == 1
    assert "security.W009" in run.stderr


@pytest.mark.parametrize(
    ("value", "expected"), [(None, False), ("", False), ("0", False), ("1", True)]
)
def test_flag_is_one_or_nothing(monkeypatch, value, expected):
    monkeypatch.delenv("DEMO_FLAG", raising=False)
    if value is not None:
        monkeypatch.setenv("DEMO_FLAG", value)

    assert environment.flag("DEMO_FLAG") is expected


def test_flag_of_another_word_is_refused(monkeypatch):
    monkeypatch.setenv("DEMO_FLAG", "yes")

    with pytest.raises(ImproperlyConfigured, match="DEMO_FLAG must be 1 or 0, got 'yes'"):
        environment.flag("DEMO_FLAG")


def test_list_drops_spaces_and_empty_parts(monkeypatch):
    monkeypatch.setenv("DEMO_LIST", "a.example.com, ,b.example.com,")

    assert environment.required_list("DEMO_LIST", "hosts") == ["a.example.com", "b.example.com"]


def test_database_is_a_file_unless_the_environment_names_a_server(monkeypatch, tmp_path):
    monkeypatch.delenv("DJANGO_DB_PATH", raising=False)
    monkeypatch.delenv("DJANGO_POSTGRES_SERVICE", raising=False)
    default = databases.database(tmp_path / "site.sqlite3")
    monkeypatch.setenv("DJANGO_DB_PATH", "/srv/site.sqlite3")
    named = databases.database(tmp_path / "site.sqlite3")
    monkeypatch.setenv("DJANGO_POSTGRES_SERVICE", "timetracker")
    server = databases.database(tmp_path / "site.sqlite3")

    assert (default["NAME"], named["NAME"]) == (tmp_path / "site.sqlite3", "/srv/site.sqlite3")
    assert server["ENGINE"] == "django.db.backends.postgresql"
    assert server["OPTIONS"] == {"service": "timetracker"}


def test_own_middleware_sends_the_policy(settings, rf):
    response = csp.PolicyMiddleware(lambda request: HttpResponse())(rf.get("/"))

    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")


def test_own_middleware_leaves_djangos_error_pages_readable(settings, rf):
    settings.DEBUG = True

    response = csp.PolicyMiddleware(lambda request: HttpResponse(status=500))(rf.get("/"))

    assert "Content-Security-Policy" not in response.headers


def test_own_middleware_keeps_the_policy_of_a_view(settings, rf):
    answer = HttpResponse(headers={"Content-Security-Policy": "default-src 'self'"})

    response = csp.PolicyMiddleware(lambda request: answer)(rf.get("/"))

    assert response.headers["Content-Security-Policy"] == "default-src 'self'"


@pytest.mark.parametrize(
    ("value", "id_"),
    [
        ([], "timetracker.E001"),
        ({"EDIT_WINDOW": 31}, "timetracker.E002"),
        ({"EDIT_WINDOW_DAYS": -1}, "timetracker.E003"),
        ({"ALLOW_TEST_DATA": "yes"}, "timetracker.E003"),
    ],
)
def test_wrong_setting_is_found_by_check(db, settings, value, id_):
    settings.TIMETRACKER = value

    assert [error.id for error in run_checks() if error.id.startswith("timetracker.")] == [id_]
