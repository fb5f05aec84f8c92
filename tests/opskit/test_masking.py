"""What counts as a secret, and what does not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_opskit.masking import MASK, mask_secrets, mask_text


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db_password",
        "PASSWD",
        "smtp_pass",
        "pwd",
        "passphrase",
        "client_secret",
        "token",
        "apiKey",
        "api-key",
        "encryption_key",
        "Authorization",
        "credentials",
    ],
)
def test_name_tells_a_secret(name):
    assert mask_secrets({name: "hunter2"}) == {name: MASK}


@pytest.mark.parametrize(
    "name", ["bypass", "compass", "passes", "author", "keys", "dedup_key", "path"]
)
def test_name_that_only_looks_like_a_secret_is_shown(name):
    assert mask_secrets({name: "shown"}) == {name: "shown"}


@pytest.mark.parametrize("value", [None, "", True, False])
def test_secret_that_was_not_given_and_switches_are_shown(value):
    assert mask_secrets({"rotate_token": value}) == {"rotate_token": value}


@pytest.mark.parametrize("value", ["x", b"x", 1234, ["x"], {"a": "x"}])
def test_secret_of_any_kind_is_hidden(value):
    assert mask_secrets({"token": value}) == {"token": MASK}


def test_secrets_inside_containers_are_hidden():
    masked = mask_secrets(
        {"options": {"password": "x", 7: ["redis://:x@cache"]}, "urls": ("redis://u:x@cache",)}
    )

    assert masked == {
        "options": {"password": MASK, "7": [f"redis://:{MASK}@cache"]},
        "urls": [f"redis://u:{MASK}@cache"],
    }


def test_value_behind_a_secret_option_is_hidden():
    masked = mask_secrets(
        {"args": ["--user", "ada", "--api-key", "x", "--password=y", "-v", "--token", "z"]}
    )

    assert masked == {
        "args": ["--user", "ada", "--api-key", MASK, f"--password={MASK}", "-v", "--token", MASK]
    }


def test_other_objects_stay_as_they_are():
    class Query:
        """As lazy as a queryset, which would ask the database for its truth."""

        def __bool__(self) -> bool:
            raise AssertionError("nobody needs to know")

    query = Query()

    assert mask_secrets({"rows": query, "token": query, "set": {1}}) == {
        "rows": query,
        "token": MASK,
        "set": [1],
    }


def test_arguments_themselves_are_not_changed():
    arguments = {"options": {"password": "x"}}

    mask_secrets(arguments)

    assert arguments == {"options": {"password": "x"}}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://u:x@db/app", f"postgres://u:{MASK}@db/app"),
        ("redis://:x@cache:6379/0", f"redis://:{MASK}@cache:6379/0"),
        ("amqp://u:p@ss/w0rd?@mq/", f"amqp://u:{MASK}@mq/"),
        ("get https://h/?a=1&token=x&b=2 now", f"get https://h/?a=1&token={MASK}&b=2 now"),
        ("https://h/?key=x#top", f"https://h/?key={MASK}#top"),
        ("https://h/f?X-Amz-Signature=x", f"https://h/f?X-Amz-Signature={MASK}"),
        ("host=db password=x user=u", f"host=db password={MASK} user=u"),
        ("password = 'a b' user=u", f"password = {MASK} user=u"),
        ("{'api_key': 'x', 'n': 1}", f"{{'api_key': {MASK}, 'n': 1}}"),
        ('{"token": "x"}', f'{{"token": {MASK}}}'),
        ("Authorization: Bearer x.y-z", f"Authorization: Bearer {MASK}"),
        ("{'Authorization': 'Basic x'}", f"{{'Authorization': {MASK}}}"),
        ("X-API-Key: x", f"X-API-Key: {MASK}"),
        ("call(token=x)", f"call(token={MASK})"),
        ("got ['AGE-SECRET-KEY-1QQ5Z']", f"got ['AGE-SECRET-KEY-1{MASK}']"),
        ("OPS-KEY-1-ab_c-d", f"OPS-KEY-1-{MASK}"),
    ],
)
def test_secret_in_a_text_is_hidden(text, shown):
    assert mask_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:8000/users/ada@example.org",
        "https://example.org:443",
        "password authentication failed for user 'ada'",
        "a job with dedup_key='x' waits",
        "invalid token: expected a number",
        "mail ada@example.org: 12:30 is fine",
        "",
    ],
)
def test_text_without_secrets_is_shown(text):
    assert mask_text(text) == text


@given(st.text())
def test_masking_twice_changes_nothing_more(text):
    assert mask_text(mask_text(text)) == mask_text(text)


@pytest.mark.parametrize("part", ["token", "://a:b", "x-", "?a.", "authorization:", "password='"])
def test_long_text_takes_no_long_time(part):
    """An answer of a strange server may stand in an error: it must not keep us busy."""
    started = time.perf_counter()
    mask_text(part * 50_000)

    assert time.perf_counter() - started < 5


def test_nothing_after_the_equals_sign_leaves_the_next_line_alone():
    assert mask_text("token=\nworking") == "token=\nworking"
