"""The system checks of exports, and settings that cannot be."""

from django_system_ops.checks.data import check_data
from django_system_ops.checks.exporting import check_exports
from django_system_ops.checks.settings import check_settings
from tests.system_ops.exporting.conftest import CHATS, SPECIMENS


def ids():
    return [one.id.partition(".")[2] for one in check_exports()]


def test_sound_settings_are_left_alone():
    assert ids() == []


def test_exports_where_the_public_reads_are_an_error(settings, own_folders):
    settings.MEDIA_ROOT = own_folders

    assert ids() == ["E060"]
    assert "which the web server hands out" in check_exports()[0].msg


def test_a_field_that_sounds_like_a_secret_is_warned_about(types):
    types(specimens={**SPECIMENS, "secret_fields": []})

    assert ids() == ["W060"]
    assert "the field 'secret' sounds like a secret" in check_exports()[0].msg

    types(specimens={**SPECIMENS, "secret_fields": [], "fields": ["code"]})
    assert ids() == []


def test_links_may_be_among_the_fields(types):
    types(chats={**CHATS, "fields": ["title", "tags"], "secret_fields": ["tags"]})

    assert check_data() == []


def test_wrong_settings_are_the_business_of_another_check(settings):
    settings.MANAGEMENT_COMMANDS = {"export": {"format": "pdf", "overlap": 3}}

    assert ids() == []
    assert sorted(one.id for one in check_settings()) == [
        "django_system_ops.E002",
        "django_system_ops.E003",
    ]


def test_a_type_that_does_not_fit_is_the_business_of_another_check(types):
    types(chats={**CHATS, "model": "shop.Nothing"})

    assert ids() == []
