"""What ``check`` says about the outbox."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from django_outbox.checks import check_databases, check_platform, check_settings
from django_outbox.conf import get_conf


def ids(messages):
    return [message.id for message in messages]


def test_no_setting_at_all_is_fine():
    assert check_settings() == []


@pytest.mark.parametrize(
    ("value", "check_id", "sentence"),
    [
        ([], "django_outbox.E001", "OUTBOX must be a dict, got []."),
        ({"LEASE": 5}, "django_outbox.E002", "OUTBOX['LEASE'] is not a setting."),
        ({"MAX_ATTEMPTS": 0}, "django_outbox.E003", "OUTBOX['MAX_ATTEMPTS']"),
        ({"MAX_ATTEMPTS": "10"}, "django_outbox.E003", "got '10'"),
        ({"QUEUES": {"m": {"ON_SUCCESS": "drop"}}}, "django_outbox.E003", "'keep' or 'delete'"),
        ({"QUEUES": {"m": {"KEEP": 1}}}, "django_outbox.E002", "['QUEUES']['m']['KEEP']"),
        ({"QUEUES": {"": {}}}, "django_outbox.E003", "1 to 64 characters"),
        ({"QUEUES": {"q" * 65: {}}}, "django_outbox.E003", "1 to 64 characters"),
        (
            {"LEASE_SECONDS": 20, "HEARTBEAT_SECONDS": 15},
            "django_outbox.E003",
            "HEARTBEAT_SECONDS must be at most half of LEASE_SECONDS (20.0)",
        ),
        ({"BACKOFF_CAP_SECONDS": float("inf")}, "django_outbox.E003", "got inf"),
    ],
)
def test_wrong_setting_is_named_with_its_value(settings, value, check_id, sentence):
    settings.OUTBOX = value

    messages = check_settings()

    assert ids(messages) == [check_id]
    assert sentence in messages[0].msg


def test_wrong_setting_is_raised_where_it_is_read(settings):
    settings.OUTBOX = {"MAX_ATTEMPTS": 0}

    with pytest.raises(ImproperlyConfigured, match=r"OUTBOX\['MAX_ATTEMPTS'\].*got 0"):
        get_conf()


def test_default_queue_exists_beside_those_that_are_declared(settings):
    settings.OUTBOX = {"QUEUES": {"mail": {}}}

    assert list(get_conf().QUEUES) == ["default", "mail"]


def test_site_without_time_zones_is_told(settings):
    settings.USE_TZ = False

    assert ids(check_platform()) == ["django_outbox.E004"]


def test_platform_without_posix_is_told(monkeypatch):
    # A platform cannot be started here, so its name has to be claimed.
    monkeypatch.setattr("django_outbox.checks.os.name", "nt")

    assert ids(check_platform()) == ["django_outbox.W001"]


def test_unknown_kind_of_database_is_told(monkeypatch):
    # Oracle cannot be started here either.
    monkeypatch.setattr(connections["default"], "vendor", "oracle")

    assert ids(check_databases(databases=["default"])) == ["django_outbox.E005"]


def test_database_with_a_time_zone_of_its_own_is_told(monkeypatch):
    monkeypatch.setitem(connections["default"].settings_dict, "TIME_ZONE", "Europe/Warsaw")

    assert ids(check_databases(databases=["default"])) == ["django_outbox.E006"]


def test_database_that_does_not_commit_by_itself_is_told(monkeypatch):
    monkeypatch.setitem(connections["default"].settings_dict, "AUTOCOMMIT", False)

    assert ids(check_databases(databases=["default"])) == ["django_outbox.E010"]


def test_good_database_and_none_at_all_are_fine():
    assert check_databases(databases=["default"]) == check_databases() == []
