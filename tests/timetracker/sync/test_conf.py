"""The settings of the synchronisation."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from timetracker.sync.checks import check_settings
from timetracker.sync.conf import get_conf

OAUTH = {
    "TOKEN_URL": "https://login.example.com/token",
    "CLIENT_ID": "tracker",
    "CLIENT_SECRET": "s3cret",
}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for key in ("SOURCE", "API_KEY", "TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.delenv(f"TIMETRACKER_SYNC_{key}", raising=False)


def test_nothing_has_to_be_set(settings):
    settings.TIMETRACKER_SYNC = {}

    assert check_settings() == []
    assert not get_conf().has_credentials


@pytest.mark.parametrize("keys", [{"API_KEY": "s3cret"}, OAUTH])
def test_credentials_are_never_shown(settings, keys):
    settings.TIMETRACKER_SYNC = keys

    conf = get_conf()

    assert conf.has_credentials
    assert "s3cret" not in f"{conf!r} {conf} {conf.API_KEY} {conf.CLIENT_SECRET!r}"


def test_the_environment_wins(settings, monkeypatch):
    settings.TIMETRACKER_SYNC = {"SOURCE": "https://old.example.com/", "API_KEY": "old"}
    monkeypatch.setenv("TIMETRACKER_SYNC_SOURCE", "https://new.example.com/tasks")
    monkeypatch.setenv("TIMETRACKER_SYNC_API_KEY", "new")

    conf = get_conf()

    assert conf.SOURCE == "https://new.example.com/tasks"
    assert conf.API_KEY.get_secret_value() == "new"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"SOURCE": "http://example.com/"}, "['SOURCE']: must start with https://"),
        ({"SOURCE": "https://me:s3cret@example.com/"}, "['SOURCE']: must not hold a user name"),
        ({"SOURCE": 7}, "['SOURCE']: should be a valid string"),
        ({"API_KEY": "s3cret", **OAUTH}, "['API_KEY']: set either API_KEY or CLIENT_ID"),
        ({"API_KEY": "s3cret\n"}, "['API_KEY']: must be printable ASCII"),
        ({"API_KEY": b"s3cret"}, "['API_KEY']: should be a valid string"),
        ({"CLIENT_ID": "tracker"}, "['CLIENT_SECRET']: goes with TOKEN_URL and CLIENT_ID"),
        ({"CLIENT_SECRET": "s3cret"}, "['CLIENT_SECRET']: goes with TOKEN_URL and CLIENT_ID"),
        ({"API_KEY_HEADER": "X Key"}, "['API_KEY_HEADER']:"),
        ({"CA_FILE": "/nowhere/ca.pem"}, "['CA_FILE']: no such file"),
        ({"PAGE_SIZE": 0}, "['PAGE_SIZE']:"),
        ({"API_KEI": "s3cret"}, "['API_KEI'] is not a setting"),
        ("no dict", "must be a dict"),
    ],
)
def test_a_wrong_setting_is_reported_without_the_secret(settings, keys, message):
    settings.TIMETRACKER_SYNC = keys

    found = " ".join(f"{error.id} {error.msg} {error.hint}" for error in check_settings())

    assert "timetracker_sync.E00" in found
    assert message in found
    assert "s3cret" not in found


def test_reading_wrong_settings_says_what_is_wrong(settings):
    settings.TIMETRACKER_SYNC = {"API_KEY": "s3cret", **OAUTH}

    with pytest.raises(ImproperlyConfigured, match="set either API_KEY or CLIENT_ID") as caught:
        get_conf()

    assert "s3cret" not in str(caught.value)


def test_plain_http_can_be_allowed(settings):
    settings.TIMETRACKER_SYNC = {"SOURCE": "http://intranet/tasks", "ALLOW_HTTP": True}

    assert get_conf().SOURCE == "http://intranet/tasks"


def test_a_lease_outlives_the_longest_silence_of_a_run(settings):
    settings.TIMETRACKER_SYNC = {"TOTAL_TIMEOUT_SECONDS": 100.0, "WAIT_CAP_SECONDS": 200.0}

    assert get_conf().lease_seconds > 100 + 200


def test_certificates_of_our_own_can_be_trusted(settings, tmp_path):
    file = tmp_path / "ca.pem"
    file.touch()
    settings.TIMETRACKER_SYNC = {"CA_FILE": str(file)}

    assert str(file) == get_conf().CA_FILE
