"""Reading a list page by page, and never from anywhere else."""

import logging
import time

import pytest

from tests.timetracker.sync.servers import SERVER_TIME, document, flood, page, raw, status, task
from timetracker.sync.client import TaskClient
from timetracker.sync.conf import SyncSettings
from timetracker.sync.engine.cursor import written
from timetracker.sync.exceptions import (
    AnswerError,
    CredentialsError,
    FetchError,
    OriginError,
    SourceError,
)


def ids(fetched):
    return [record["id"] for records in fetched.pages for record in records]


def test_all_pages_are_read(server, make_client):
    server.script += [
        page(task("T-1"), task("T-2"), next="/tasks?after=2", headers={"ETag": '"v1"'}),
        page(task("T-3"), next="?after=3", server_time="2026-03-02T09:00:05Z"),
        page(task("T-4"), next=f"{server.origin}/other?after=4"),
        page(),
    ]
    sizes = []

    fetched = make_client().fetch(on_page=sizes.append)

    assert ids(fetched) == ["T-1", "T-2", "T-3", "T-4"]
    assert (fetched.etag, written(fetched.server_time)) == ('"v1"', SERVER_TIME)
    assert sizes == [2, 1, 1, 0]
    assert [(asked.path, asked.query) for asked in server.asked] == [
        ("/tasks", {"page_size": "500"}),
        ("/tasks", {"after": "2"}),
        ("/tasks", {"after": "3"}),
        ("/other", {"after": "4"}),
    ]


def test_what_changed_since_is_asked_for_on_the_first_page_only(server, make_client):
    server.script += [page(next="/tasks?after=2"), page()]

    make_client(f"{server.url}?site=7", PAGE_SIZE=20).fetch(
        updated_since="2026-03-01T00:00:00Z", etag='"v1"'
    )

    first, second = server.asked
    assert first.query == {
        "site": "7",
        "page_size": "20",
        "updated_since": "2026-03-01T00:00:00Z",
    }
    assert first.headers["If-None-Match"] == '"v1"'
    assert second.headers["If-None-Match"] is None


def test_a_list_that_has_not_changed_is_not_sent(server, make_client):
    server.script += [status(304)]

    fetched = make_client().fetch(etag='"v1"')

    assert (fetched.pages, fetched.etag, fetched.server_time) == ((), '"v1"', None)


def test_an_unasked_304_is_no_answer(server, make_client):
    server.script += [status(304)]

    with pytest.raises(FetchError, match="status 304"):
        make_client().fetch()


@pytest.mark.parametrize("etag", ["x" * 256, "\xe9", ""])
def test_an_etag_that_cannot_be_kept_is_dropped(server, make_client, etag):
    server.script += [page(headers={"ETag": etag})]

    assert make_client().fetch().etag == ""


def test_a_page_that_leads_back_is_no_endless_loop(server, make_client):
    server.script += [page(next="/tasks?after=1"), page(next="/tasks?after=2")]
    server.otherwise = page(next="/tasks?after=1")

    with pytest.raises(AnswerError, match="Page 3 of .* leads to an earlier page"):
        make_client().fetch()


def test_a_list_without_an_end_is_given_up(server, make_client):
    def endless(handler):
        page(task("T-1"), next=f"/tasks?after={len(server.asked)}")(handler)

    server.otherwise = endless

    with pytest.raises(AnswerError, match="has more than 20 pages"):
        make_client(MAX_PAGES=20).fetch()

    assert len(server.asked) == 20


@pytest.mark.parametrize("key", ["API_KEY", "OAUTH"])
def test_a_next_page_on_another_server_is_not_asked(server, other_server, make_client, key):
    server.script += [page(next=f"{other_server.url}?after=1")]
    if key == "OAUTH":
        server.script.appendleft(document({"access_token": "s3cret", "token_type": "Bearer"}))
        token_url = f"{server.origin}/token"
        keys = {"TOKEN_URL": token_url, "CLIENT_ID": "me", "CLIENT_SECRET": "s3cret"}
    else:
        keys = {"API_KEY": "s3cret"}

    with pytest.raises(OriginError, match=other_server.origin):
        make_client(**keys).fetch()

    assert other_server.asked == []


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_server_does_not_take_the_key_along(
    server, other_server, make_client, code
):
    server.script += [status(code, Location=other_server.url)]

    with pytest.raises(OriginError, match="where its credentials are not sent"):
        make_client(API_KEY="s3cret").fetch()

    assert server.asked[0].headers["X-API-Key"] == "s3cret"
    assert other_server.asked == []


def test_a_redirect_within_the_server_is_followed_with_the_key(server, make_client):
    server.script += [status(301, Location="/tasks/?page_size=500"), page(task("T-1"))]

    fetched = make_client(API_KEY="s3cret").fetch()

    assert ids(fetched) == ["T-1"]
    assert [asked.path for asked in server.asked] == ["/tasks", "/tasks/"]
    assert server.asked[1].headers["X-API-Key"] == "s3cret"


def test_the_body_of_a_redirect_is_bounded_too(server, make_client):
    server.script += [flood(302, Location="/elsewhere")]
    began = time.monotonic()

    with pytest.raises(AnswerError, match="more than 1000 bytes"):
        make_client(MAX_RESPONSE_BYTES=1_000, TOTAL_TIMEOUT_SECONDS=10.0, MAX_ATTEMPTS=1).fetch()

    assert time.monotonic() - began < 5


def test_redirects_in_a_circle_end(server, make_client):
    server.otherwise = status(302, Location="/tasks")

    with pytest.raises(AnswerError, match="only ever redirected"):
        make_client().fetch()


@pytest.mark.parametrize("link", ["", "ftp://127.0.0.1/", "http://me:s3cret@127.0.0.1/"])
def test_a_redirect_to_nowhere_is_refused(server, make_client, link):
    server.script += [status(302, Location=link)]
    server.otherwise = status(404)

    with pytest.raises(FetchError) as caught:
        make_client().fetch()

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "error", "advice"),
    [
        (400, FetchError, "status 400"),
        (401, CredentialsError, "refused our credentials"),
        (403, CredentialsError, "refused our credentials"),
        (404, FetchError, "Is it the address of the task list?"),
        (410, FetchError, "run with --full"),
    ],
)
def test_a_refusal_ends_the_run_with_advice(server, make_client, code, error, advice):
    server.script += [status(code)]

    with pytest.raises(error, match=advice):
        make_client(API_KEY="s3cret").fetch()

    assert len(server.asked) == 1


def test_html_in_place_of_json_is_named(server, make_client):
    server.script += [raw(b"<html>Please log in</html>", content_type="text/html; charset=utf-8")]

    with pytest.raises(AnswerError, match="answered with 'text/html', not with JSON"):
        make_client().fetch()


def test_an_answer_without_a_content_type_is_named(server, make_client):
    server.script += [lambda handler: handler.reply(200, b"{}", {})]

    with pytest.raises(AnswerError, match="no content type"):
        make_client().fetch()


def test_a_special_kind_of_json_is_json(server, make_client):
    server.script += [
        raw(
            b'{"tasks": [], "server_time": "2026-03-02T09:00:00Z"}',
            content_type="application/vnd.planner+json",
        )
    ]

    assert make_client().fetch().pages == ([],)


@pytest.mark.parametrize(
    "body", [b'{"tasks": [{"id": "T-', b"\xff", b"[" * 200_000, b"", b"1" * 5_000]
)
def test_truncated_or_hostile_json_is_refused(server, make_client, body):
    server.script += [raw(body)]

    with pytest.raises(AnswerError, match="broken JSON"):
        make_client().fetch()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([], "should be a valid dictionary"),
        ({"tasks": {}, "server_time": SERVER_TIME}, "tasks: should be a valid list"),
        ({"tasks": []}, "server_time: Field required"),
        ({"tasks": [], "server_time": SERVER_TIME, "next": 7}, "next: should be a valid string"),
    ],
)
def test_json_that_is_no_page_is_refused_with_the_reason(server, make_client, content, reason):
    server.script += [document(content)]

    with pytest.raises(AnswerError, match=reason):
        make_client().fetch()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com/tasks", "plain http"),
        ("https://me:s3cret@example.com/", "user name"),
        ("https://[bad/", "IPv6"),
        ("https://example.com/" + "x" * 500, "520 characters, 512 fit"),
    ],
)
def test_an_unusable_source_is_refused_before_anything_is_asked(make_client, url, reason):
    with pytest.raises(SourceError, match=reason) as caught:
        make_client(url)

    assert "s3cret" not in str(caught.value)


def test_a_source_has_to_be_named():
    with pytest.raises(SourceError, match="give --source, or set SOURCE"):
        TaskClient("", SyncSettings())


def test_credentials_stay_with_the_source_that_they_were_set_for(server, other_server, make_client):
    with pytest.raises(SourceError, match="are not sent to"):
        make_client(other_server.url, SOURCE=server.url, API_KEY="s3cret")


def test_without_credentials_any_source_may_be_asked(server, other_server, make_client):
    other_server.script += [page(task("T-1"))]

    fetched = make_client(other_server.url, SOURCE=server.url).fetch()

    assert ids(fetched) == ["T-1"]


def test_nothing_secret_is_logged(server, make_client, caplog):
    caplog.set_level(logging.DEBUG)
    server.script += [status(500), page(next="/tasks?after=1"), page()]

    make_client(API_KEY="s3cret").fetch()

    assert "s3cret" not in caplog.text
