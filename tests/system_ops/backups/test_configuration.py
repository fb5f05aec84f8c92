"""The configuration in a backup has no secret in it."""

import json

import pytest
from django.conf import settings as django_settings
from hypothesis import given
from hypothesis import strategies as st

from django_system_ops.sealing import StoredReader
from django_system_ops.services.backups.configuration import settings_without_secrets
from tests.system_ops.backups.test_commands import run

SECRETS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=8, max_size=40)


@given(SECRETS, st.sampled_from(["PASSWORD", "SECRET_KEY", "API_KEY", "SENTRY_DSN", "AUTH_TOKEN"]))
def test_secret_is_nowhere_whatever_it_is(secret, name):
    raw = {
        name: secret,
        "DATABASES": {"default": {"PASSWORD": secret, "HOST": f"host-of-{secret}"}},
        "CACHES": {"default": {"LOCATION": ["redis://host", {"password": secret}]}},
        "SOMETHING": [f"--option={secret}", (secret, 5)],
        secret: "a name",
    }

    found = settings_without_secrets(raw)

    assert secret not in json.dumps(found, ensure_ascii=False)
    assert secret not in str(found)


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="@/"), min_size=4)
)
def test_password_of_an_address_is_masked(secret):
    found = settings_without_secrets({"BROKER": f"amqp://user:{secret}@host/vhost"})

    assert found == {"BROKER": "amqp://********@host/vhost"}


def test_ordinary_settings_are_there(backups, key):
    made = run()

    with StoredReader(backups / made["id"] / "config.json.zst.sealed", key=key) as reader:
        found = json.loads(reader.read())

    assert found["settings"]["INSTALLED_APPS"] == list(django_settings.INSTALLED_APPS)
    assert found["settings"]["TIME_ZONE"] == "UTC"
    assert django_settings.SECRET_KEY not in json.dumps(found)
    assert "django_system_ops.0001_initial" in found["migrations"]
    assert found["packages"]["Django"]


@pytest.mark.parametrize("value", [object(), open, {1, 2}, b"bytes", float("inf")])
def test_what_json_cannot_have_does_not_stop_it(value):
    json.dumps(settings_without_secrets({"SETTING": value}))
