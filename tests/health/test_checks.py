"""Each wrong setting is said at `check`, with the way out."""

import pytest

from django_health_check_job.checks import check_published, check_settings, check_what_is_set


def ids(*checks) -> list[str]:
    return [one.id.removeprefix("django_health_check_job.") for check in checks for one in check()]


def test_nothing_is_wrong_with_the_defaults():
    assert ids(check_settings, check_published, check_what_is_set) == []


@pytest.mark.parametrize(
    ("wrong", "expected", "words"),
    [
        ([], "E001", "must be a dict"),
        ({"CHEKS": []}, "E002", "HEALTH_CHECK_JOB['CHEKS'] is not a setting"),
        ({"FAILURES": 0}, "E003", "HEALTH_CHECK_JOB['FAILURES']"),
        ({"TIMEOUT_SECONDS": float("nan")}, "E003", "TIMEOUT_SECONDS"),
        ({"SYNC": {"GZIP": "yes"}}, "E003", "HEALTH_CHECK_JOB['SYNC']['GZIP']"),
        ({"RECEIVER": {"APPS": {"": {}}}}, "E003", "1 to 64 characters"),
        ({"CHECKS": "one"}, "E003", "HEALTH_CHECK_JOB['CHECKS']"),
    ],
)
def test_wrong_key_of_the_dict_is_named(settings, wrong, expected, words):
    settings.HEALTH_CHECK_JOB = wrong

    [found] = check_settings()

    assert found.id == f"django_health_check_job.{expected}"
    assert words in found.msg
    assert check_what_is_set() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEALTH_CHECK_INTERVAL", 0),
        ("HEALTH_CHECK_INTERVAL", "5"),
        ("PERSIST_HEALTH_CHECK_DATA", 1),
        ("SYNC_HEALTH_CHECK_DATA", "True"),
        ("SYNC_SERVER_URL", "ftp://example.com"),
        ("SYNC_SERVER_URL", "https://example.com/?a=b"),
        ("SYNC_APP_ID", "x" * 65),
    ],
)
def test_wrong_published_setting_is_named(settings, name, value):
    setattr(settings, name, value)

    [found] = check_published()

    assert found.id == "django_health_check_job.E003"
    assert found.msg.startswith(f"{name}: ")


def test_sending_needs_its_two_settings(settings):
    settings.SYNC_HEALTH_CHECK_DATA = True

    assert ids(check_what_is_set) == ["E004", "E004"]


def test_time_zones_are_needed(settings):
    settings.USE_TZ = False

    assert ids(check_what_is_set) == ["E005"]


def test_check_that_cannot_be_set_up_is_named(health):
    health(CHECKS=["nowhere.to.be_found"])

    [found] = check_what_is_set()

    assert found.id == "django_health_check_job.W001"
    assert "nowhere.to.be_found" in found.msg


def test_site_that_anybody_can_play_is_named(health):
    health(RECEIVER={"APPS": {"shop": {}}})

    assert ids(check_what_is_set) == ["W002"]
