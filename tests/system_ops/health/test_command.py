"""The command: its options, what it prints, and its exit status."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from django_opskit.commands import UsageError

pytestmark = pytest.mark.django_db

HERE = "tests.system_ops.health.callables"


@pytest.fixture(params=["ops_health_check", "health_check"])
def command(request):
    """Both names of the command."""
    return request.param


@pytest.fixture
def shops(configure):
    """Three checks of the site's own: well, warns and broken."""
    names = ("well", "warns", "finds", "broken", "tells")
    configure(health={"services": {name: f"{HERE}.{name}" for name in names}})


def said(name, *args, **options):
    """Return what a command printed, and the error that it ended with."""
    out = io.StringIO()
    try:
        call_command(name, *args, stdout=out, **options)
    except CommandError as error:
        return out.getvalue(), error
    return out.getvalue(), None


def test_all_services_are_asked_and_the_site_is_well(command):
    out, error = said(command)

    assert error is None
    names = [line.split()[1] for line in out.splitlines()]
    assert names[:2] == ["database:default", "cache:default"]
    assert {"redis", "celery", "storage", "backlog", "api", "disk:BASE_DIR"} <= set(names)


def test_service_is_asked_alone(command, shops):
    out, error = said(command, "--service=well")

    assert (out.split()[:2], error) == (["ok", "well"], None)
    assert len(out.splitlines()) == 1


@pytest.mark.parametrize(
    ("args", "options"),
    [
        (["--service", "well", "--service", "warns"], {}),
        (["--service=well, warns"], {}),
        ([], {"service": ["well", "warns"]}),
        ([], {"service": "well,warns"}),
    ],
)
def test_service_may_be_several(command, shops, args, options):
    out, _error = said(command, *args, **options)

    assert [line.split()[1] for line in out.splitlines()] == ["well", "warns"]


def test_service_that_is_not_there_is_wrong_usage_with_the_list(command, shops):
    _out, error = said(command, "--service=datbase")

    assert isinstance(error, UsageError)
    assert str(error).startswith("There is no service 'datbase'. There are database, cache, redis,")
    assert "well, warns" in str(error)
    assert "database:default" in str(error)


def test_service_that_fails_is_named_and_the_status_is_1(command, shops):
    out, error = said(command, "--service=well,broken")

    assert (error.returncode, str(error)) == (1, "Not healthy: broken.")
    assert "fail  broken" in out
    assert "the till is open" in out


def test_service_that_is_skipped_is_not_well(command):
    _out, error = said(command, "--service=celery")

    assert (error.returncode, str(error)) == (
        1,
        "Nothing was asked: all that was to be is skipped.",
    )


@pytest.mark.parametrize("verbose", [True, False])
def test_verbose_shows_more_lines(command, shops, verbose):
    out, _error = said(command, "--service=finds", verbose=verbose)

    assert ("the one at the station" in out, len(out.splitlines())) == (verbose, 1 + verbose)


def test_verbose_has_nothing_to_do_with_verbosity(command, shops):
    loud, _ = said(command, "--service=finds", "--verbosity=3")
    silent, _ = said(command, "--service=finds", "--verbosity=0", "--verbose")

    assert ("the one at the station" in loud, silent) == (False, "")


def test_timeout_is_each_services_own(command, configure, hanging):
    configure(health={"services": {"hung": f"{HERE}.hang", "well": f"{HERE}.well"}})

    out, error = said(command, "--service=hung,well", "--timeout=0.2")

    assert "no answer within 0.2 s" in out
    assert str(error) == "Not healthy: hung."


def test_timeout_of_the_settings_holds_without_one(command, configure, hanging):
    configure(health={"services": {"hung": f"{HERE}.hang"}, "timeout_seconds": 0.3})

    out, _error = said(command, "--service=hung")

    assert "no answer within 0.3 s" in out


@pytest.mark.parametrize("text", ["0", "-1", "601", "nan", "soon"])
def test_timeout_that_is_none_is_refused(command, text):
    _out, error = said(command, f"--timeout={text}")

    assert f"'{text}' is not a number of seconds up to 600" in str(error)


@pytest.mark.parametrize(
    ("services", "fail_on", "status"),
    [
        ("well,warns", "fail", 0),
        ("well,warns", "warn", 1),
        ("well", "warn", 0),
        ("well,broken", "warn", 1),
    ],
)
def test_fail_on_says_from_what_on_it_is_a_failure(command, shops, services, fail_on, status):
    _out, error = said(command, f"--service={services}", f"--fail-on={fail_on}")

    assert (error.returncode if error else 0) == status


def test_json_is_one_document(command, shops):
    out, error = said(command, "--json", "--service=finds,broken,disk")

    document = json.loads(out)
    assert (document["healthy"], document["state"]) == (False, "fail")
    assert {key: document["counts"][key] for key in ("warn", "fail")} == {"warn": 1, "fail": 1}
    finds = next(one for one in document["services"] if one["name"] == "finds")
    assert finds.pop("latency_ms") >= 0
    assert finds == {
        "service": "finds",
        "name": "finds",
        "state": "warn",
        "sentence": "a shop is closed",
        "details": ["the one at the station"],
    }
    assert error.returncode == 1


def test_secrets_are_in_no_output(command, shops, settings):
    settings.SECRET_KEY = "key-of-the-site"

    out, _error = said(command, "--service=tells", "--verbose")

    assert "cannot sign with ********, nor log in with password=********" in out


def test_headers_of_an_api_are_in_no_output(command, configure):
    api = {"url": "http://127.0.0.1:1/hook", "headers": {"Authorization": "Bearer sesame77"}}
    configure(health={"apis": {"pay": api}})

    text, _ = said(command, "--service=api", "--verbose")
    document, _ = said(command, "--service=api", "--json")

    assert "sesame77" not in text + document


def test_settings_that_cannot_be_read_are_a_failure(command, configure):
    configure(health={"services": {"database": f"{HERE}.well"}})

    _out, error = said(command)

    assert error.returncode == 1
    assert "'database' is there already; choose another name" in str(error)


def test_skip_checks_is_understood(command, shops):
    _out, error = said(command, "--service=well", "--skip-checks")

    assert error is None
