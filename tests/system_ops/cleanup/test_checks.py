"""What `check` says about the types, and that the command refuses what it calls an error."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_system_ops.checks.cleanup import check_cleanup
from django_system_ops.conf import get_conf
from tests.system_ops.cleanup.conftest import CHATS, EVENTS, chats, clean
from tests.system_ops.shop.models import Chat


def ids():
    return [one.id.removeprefix("django_system_ops.") for one in check_cleanup()]


def test_what_fits_is_no_problem():
    assert ids() == []


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ({**CHATS, "model": "shop.Nothing"}, "E020"),
        ({**CHATS, "model": "nothing"}, "E020"),
        ({**CHATS, "date_field": "nothing"}, "E021"),
        ({**CHATS, "date_field": "title"}, "E021"),
        ({**CHATS, "tenant": "nothing"}, "E022"),
        ({**CHATS, "tenant": "title"}, "E022"),
        ({**CHATS, "tenant": "tags"}, "E022"),
        ({"model": "shop.Chat", "date_field": "updated_at"}, "E023"),
        ({"directory": "/"}, "E024"),
        ({**CHATS, "filter": {"nothing": 1}}, "E025"),
        ({**EVENTS, "filter": {"created_at__gt": "no date"}}, "E025"),
    ],
)
@pytest.mark.django_db
def test_what_does_not_fit_is_an_error_and_is_refused(types, kind, code):
    chats(1)
    types(chats=kind)

    found = clean("--type=chats")

    assert ids() == [code]
    assert (found["status"], found["sentence"] != "") == (1, True)
    assert Chat.objects.count() == 1


def test_path_to_something_that_is_no_tenant_is_an_error(types, configure):
    configure(tenants={"model": "shop.Tag"})

    assert ids() == ["E022"]
    configure(tenants={"model": ""})
    assert ids() == ["E022"]
    configure(tenants={"model": "shop.Nothing"})
    assert ids() == ["E022"]


def test_longer_path_to_the_tenant_is_fine(types, monkeypatch):
    types(
        runs={"model": "admin.LogEntry", "date_field": "action_time", "shared": True},
        chats={"model": "shop.Chat", "date_field": "updated_at", "tenant": "tenant"},
    )

    assert ids() == ["W020"]
    assert "Index(fields=['action_time'])" in check_cleanup()[0].hint


def test_directory_that_is_missing_is_a_warning(types, tmp_path):
    types(tmp={"directory": str(tmp_path / "none")})

    assert ids() == ["W021"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ({}, "a model or a directory"),
        ({**CHATS, "directory": "/x"}, "a model or a directory"),
        ({"model": "shop.Chat"}, "needs a date_field"),
        ({**CHATS, "shared": True}, "what has a tenant is not shared"),
        ({"directory": "/x", "patterns": "*.tmp"}, "write a list"),
        ({**CHATS, "days": 0}, "greater than or equal to 1"),
        ({**CHATS, "unknown": 1}, "is not a setting"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(types, kind, words):
    types(chats=kind)

    with pytest.raises(ImproperlyConfigured, match=words):
        get_conf()
    assert check_cleanup() == []


@pytest.mark.parametrize("name", ["command_runs", "a b"])
def test_names_of_types_are_checked(types, name):
    types(**{name: EVENTS})

    with pytest.raises(ImproperlyConfigured, match="built in|no name"):
        get_conf()
