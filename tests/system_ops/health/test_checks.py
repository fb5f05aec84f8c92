"""System checks of the settings, and what the settings refuse."""

import pytest

from django_system_ops.checks.health import check_health_settings
from django_system_ops.checks.settings import check_settings

HERE = "tests.system_ops.health.callables"


def ids(messages):
    return [message.id.removeprefix("django_system_ops.") for message in messages]


@pytest.mark.parametrize("path", [f"{HERE}.missing", "nowhere.at_all", f"{HERE}.NOT_CALLABLE", ""])
@pytest.mark.parametrize("key", ["services", "backlog"])
def test_callable_that_is_none_is_reported(configure, key, path):
    queue = {"callable": path, "warn": 1, "fail": 2}
    configure(health={key: {"shops": path if key == "services" else queue}})

    (message,) = check_health_settings()

    assert ids([message]) == ["E040"]
    place = "['shops']" if key == "services" else "['shops']['callable']"
    assert f"MANAGEMENT_COMMANDS['health'][{key!r}]{place} names {path!r}" in message.msg


@pytest.mark.parametrize("path", [f"{HERE}.missing", "nowhere.app", f"{HERE}.well"])
def test_celery_app_that_is_none_is_reported(configure, path):
    pytest.importorskip("celery", reason="an extra")
    configure(health={"celery_app": path})

    assert ids(check_health_settings()) == ["E041"]


@pytest.mark.parametrize(
    ("url", "headers", "expected"),
    [
        ("http://pay.example.com/", {"X-Key": "k"}, ["W041"]),
        ("http://me:secret@pay.example.com/", {}, ["W041"]),
        ("http://pay.example.com/", {}, []),
        ("https://me:secret@pay.example.com/", {"X-Key": "k"}, []),
        ("http://127.0.0.2:80/", {"X-Key": "k"}, []),
        ("http://localhost/", {"X-Key": "k"}, []),
    ],
)
def test_secrets_in_clear_text_are_reported(configure, url, headers, expected):
    configure(health={"apis": {"pay": {"url": url, "headers": headers}}})

    assert ids(check_health_settings()) == expected


def test_good_settings_are_not_reported(configure):
    configure(
        health={
            "services": {"shops": f"{HERE}.well"},
            "backlog": {"outbox": {"callable": f"{HERE}.three", "warn": 3, "fail": 3}},
            "celery_app": "tests.system_ops.health.celery_app:unreachable",
        }
    )

    assert (check_settings(), check_health_settings()) == ([], [])


@pytest.mark.parametrize(
    ("health", "sentence"),
    [
        ({"timeout": 3}, "Did you mean 'timeout_seconds'?"),
        ({"timeout_seconds": 0}, "greater than 0"),
        ({"timeout_seconds": "5"}, "valid number"),
        ({"services": {"database": "a.b"}}, "'database' is there already"),
        ({"services": {"a,b": "a.b"}}, "cannot be named"),
        ({"apis": {"a:b": {"url": "http://x/"}}}, "cannot be named"),
        ({"apis": {"pay": {}}}, "required"),
        ({"apis": {"pay": {"url": "file:///etc/passwd"}}}, "begins with https:// or http://"),
        ({"apis": {"pay": {"url": "http://"}}}, "begins with https:// or http://"),
        ({"apis": {"pay": {"url": "http://x:99999/"}}}, "begins with https:// or http://"),
        ({"apis": {"pay": {"url": "http://x/", "status": 99}}}, "greater than or equal to 100"),
        ({"backlog": {"q": {"callable": "a.b", "warn": 2, "fail": 1}}}, "must not be above fail"),
        ({"disk_warn_percent": 1, "disk_fail_percent": 2}, "must not be above disk_warn_percent"),
        ({"celery_workers": 0}, "greater than or equal to 1"),
        ([], "dict"),
    ],
)
def test_hostile_settings_are_reported_and_nothing_else_falls_over(configure, health, sentence):
    configure(health=health)

    messages = check_settings()

    assert any(sentence in f"{one.msg} {one.hint}" for one in messages), messages
    assert check_health_settings() == []


def test_secrets_of_wrong_settings_are_not_shown(configure):
    api = {"url": "ftp://me:hunter22@x/", "headers": {"Authorization": 7, "X-Key": ["sesame77"]}}
    configure(health={"apis": {"pay": api}})

    assert "hunter22" not in repr(check_settings())
