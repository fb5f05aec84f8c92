"""Proving who we are."""

from base64 import b64decode
from urllib.parse import parse_qs

import pytest

from tests.timetracker.sync.servers import document, page, raw, status, task
from timetracker.sync.exceptions import AnswerError, CredentialsError


def token(value, **keys):
    return document({"access_token": value, "token_type": "Bearer", **keys})


@pytest.fixture
def make_oauth_client(server, make_client):
    def make(**keys):
        return make_client(
            **{
                "TOKEN_URL": f"{server.origin}/token",
                "CLIENT_ID": "tracker",
                "CLIENT_SECRET": "s3cret",
                **keys,
            }
        )

    return make


def asked_paths(server):
    return [asked.path for asked in server.asked]


def test_an_open_source_is_asked_without_credentials(server, make_client):
    server.script += [page()]

    make_client().fetch()

    assert server.asked[0].headers["X-API-Key"] is None
    assert server.asked[0].headers["Authorization"] is None


def test_passwords_of_the_environment_are_left_alone(server, make_client, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.script += [page()]

    make_client().fetch()

    assert server.asked[0].headers["Authorization"] is None


def test_an_api_key_goes_into_the_header_that_the_setting_names(server, make_client):
    server.script += [page(next="?after=1"), page()]

    make_client(API_KEY="Token s3cret", API_KEY_HEADER="Authorization").fetch()

    assert [asked.headers["Authorization"] for asked in server.asked] == ["Token s3cret"] * 2


def test_a_refused_api_key_is_not_tried_twice(server, make_client):
    server.otherwise = status(401)

    with pytest.raises(CredentialsError):
        make_client(API_KEY="s3cret").fetch()

    assert len(server.asked) == 1


def test_a_token_is_asked_for_once_and_used_for_all_pages(server, make_oauth_client):
    server.script += [token("t1", expires_in=3600), page(next="?after=1"), page()]

    make_oauth_client(SCOPE="tasks:read").fetch()

    first, *others = server.asked
    assert (first.method, first.path) == ("POST", "/token")
    assert parse_qs(first.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["tasks:read"],
    }
    assert [asked.headers["Authorization"] for asked in others] == ["Bearer t1"] * 2


def test_client_id_and_secret_are_encoded_as_the_rfc_says(server, make_oauth_client):
    server.script += [token("t1"), page()]

    make_oauth_client(CLIENT_ID="a:b c", CLIENT_SECRET="p%ü+").fetch()

    scheme, _, encoded = server.asked[0].headers["Authorization"].partition(" ")
    assert (scheme, b64decode(encoded).decode()) == ("Basic", "a%3Ab+c:p%25%C3%BC%2B")


def test_the_secret_goes_to_the_token_endpoint_only(server, other_server, make_oauth_client):
    other_server.script += [token("t1")]
    server.script += [page()]

    make_oauth_client(TOKEN_URL=f"{other_server.origin}/token").fetch()

    assert asked_paths(other_server) == ["/token"]
    assert [asked.headers["Authorization"] for asked in server.asked] == ["Bearer t1"]


def test_a_token_is_renewed_shortly_before_it_expires(server, make_oauth_client, fake_time):
    def slow(handler):
        fake_time.seconds += 95
        page(next=f"?after={len(server.asked)}")(handler)

    server.script += [token("t1", expires_in=100), slow, token("t2", expires_in=100), page()]

    make_oauth_client().fetch()

    assert asked_paths(server) == ["/token", "/tasks", "/token", "/tasks"]
    assert server.asked[-1].headers["Authorization"] == "Bearer t2"


def test_a_token_that_is_refused_is_renewed_once(server, make_oauth_client):
    server.script += [token("t1"), status(401), token("t2"), page(task("T-1"))]

    fetched = make_oauth_client().fetch()

    assert len(fetched.pages) == 1
    assert server.asked[-1].headers["Authorization"] == "Bearer t2"


def test_a_second_refusal_is_final(server, make_oauth_client):
    server.script += [token("t1"), status(401), token("t2"), status(401)]

    with pytest.raises(CredentialsError, match="status 401"):
        make_oauth_client().fetch()

    assert asked_paths(server) == ["/token", "/tasks", "/token", "/tasks"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (document({"error": "invalid_client"}, 401), "status 401, invalid_client. Look at"),
        (document({"error": "bad\nthing"}, 400), "status 400. Look at"),
        (raw(b"<html>", 400, "text/html"), "status 400. Look at"),
        (status(302, Location="http://127.0.0.1:9/"), "status 302. Look at"),
    ],
)
def test_a_token_endpoint_that_refuses_is_named(server, make_oauth_client, answer, reason):
    server.script += [answer]

    with pytest.raises(CredentialsError, match=reason) as caught:
        make_oauth_client().fetch()

    assert "s3cret" not in str(caught.value)
    assert asked_paths(server) == ["/token"]


@pytest.mark.parametrize(
    "answer", [raw(b"<html>", content_type="text/html"), document({"token_type": "Bearer"})]
)
def test_an_unusable_token_is_named(server, make_oauth_client, answer):
    server.script += [answer]

    with pytest.raises(AnswerError, match="gave no usable token"):
        make_oauth_client().fetch()


def test_a_token_endpoint_that_is_down_is_tried_again(server, make_oauth_client, fake_time):
    server.script += [status(503), token("t1"), page()]

    make_oauth_client().fetch()

    assert fake_time.slept == [1.0]
