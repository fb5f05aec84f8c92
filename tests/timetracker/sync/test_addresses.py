"""Which address may be asked, and which belong together."""

import pytest

from timetracker.sync.engine.addresses import (
    is_loopback,
    join,
    normalised,
    origin,
    shown,
    with_query,
)


@pytest.mark.parametrize(
    ("written", "known_as"),
    [
        ("https://Example.COM", "https://example.com/"),
        ("https://example.com:443/tasks#top", "https://example.com/tasks"),
        ("https://example.com:8443/tasks?site=1", "https://example.com:8443/tasks?site=1"),
        ("http://127.0.0.1:80/", "http://127.0.0.1/"),
        ("http://[::1]:8000/tasks", "http://[::1]:8000/tasks"),
        ("HTTP://localhost/tasks", "http://localhost/tasks"),
    ],
)
def test_an_address_has_one_spelling(written, known_as):
    assert normalised(written, allow_http=False) == known_as


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/", "must start with https://"),
        ("https:///tasks", "must start with https://"),
        ("/tasks", "must start with https://"),
        ("https://user:secret@example.com/", "must not hold a user name"),
        ("https://@example.com/", "must not hold a user name"),
        ("http://example.com/", "plain http shows the credentials"),
        ("http://localhost.example.com/", "plain http shows the credentials"),
        ("https://example.com/ä", "must be ASCII"),
        ("https://example.com/a b", "must be ASCII"),
        ("https://example.com/\x7f", "must be ASCII"),
        ("https://example.com\\@evil.example/", "must be ASCII"),
        ("https://example.com:99999/", "[Pp]ort"),
        ("https://[::1/", "IPv6"),
    ],
)
def test_an_unsafe_address_is_refused_with_the_reason(url, reason):
    with pytest.raises(ValueError, match=reason):
        normalised(url, allow_http=False)


def test_plain_http_to_other_hosts_can_be_allowed():
    assert normalised("http://example.com", allow_http=True) == "http://example.com/"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1"])
def test_this_machine_is_known_by_its_names(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "localhost.example.com", "example.com"])
def test_other_machines_are_not_this_one(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("?after=1", "https://example.com/api/tasks?after=1"),
        ("/other", "https://example.com/other"),
        ("https://example.com:443/api/tasks?after=2", "https://example.com/api/tasks?after=2"),
        ("//evil.example/tasks", "https://evil.example/tasks"),
    ],
)
def test_a_link_leads_where_a_browser_would_go(reference, target):
    assert join("https://example.com/api/tasks?page_size=5", reference) == target


def test_a_link_with_a_password_leads_nowhere():
    with pytest.raises(ValueError, match="user name"):
        join("https://example.com/", "https://user:secret@example.com/")


def test_scheme_host_and_port_make_an_origin():
    assert origin("https://example.com:8443/api/tasks?x=1") == "https://example.com:8443"


def test_messages_do_not_show_the_query():
    assert shown("https://example.com/tasks?key=secret") == "https://example.com/tasks"


def test_parameters_replace_those_of_the_same_name_and_keep_the_others():
    url = with_query(
        "https://example.com/tasks?site=a%20b&page_size=5&empty=", {"page_size": "100"}
    )

    assert url == "https://example.com/tasks?site=a+b&empty=&page_size=100"
