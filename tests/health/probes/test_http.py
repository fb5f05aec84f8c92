"""The HTTP probe against real servers, good and bad."""

import socket
import threading
import time

import pytest

from django_health_check_job.engine.outcome import State
from django_health_check_job.exceptions import CheckSetupError
from django_health_check_job.probes import HTTP
from tests.health.probes.outcomes import outcome_of
from tests.health.probes.servers import free_port, serving, site


def answering(raw: bytes):
    """Return what a server does that sends these bytes to anybody who has asked, and hangs up."""

    def talk(connection: socket.socket, is_over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(raw)

    return talk


def test_page_that_answers_is_up(web):
    assert outcome_of(HTTP(web.url())) == (State.UP, "OK")


def test_page_that_answers_with_an_error_is_down(web):
    web.answers["/"] = (503, {}, b"")

    assert outcome_of(HTTP(web.url())) == (
        State.DOWN,
        "answered 503 Service Unavailable, and not 200 to 299",
    )


@pytest.mark.parametrize("expect", [404, [200, 404], (404,), {404}, range(400, 405)])
def test_status_that_is_expected_is_up(web, expect):
    web.answers["/"] = (404, {}, b"")

    assert outcome_of(HTTP(web.url(), expect=expect)) == (State.UP, "OK")


def test_status_without_a_name_is_told_by_its_number(web):
    web.answers["/"] = (599, {}, b"")

    assert outcome_of(HTTP(web.url(), expect=[200, 204])) == (
        State.DOWN,
        "answered 599, and not 200 or 204",
    )


def test_page_without_the_expected_text_is_down(web):
    assert outcome_of(HTTP(web.url(), contains="hell")) == (State.UP, "OK")
    assert outcome_of(HTTP(web.url(), contains="heaven")) == (
        State.DOWN,
        "answered 200 OK without the expected text",
    )


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain; charset=latin-1", "żółw".encode("iso8859-2")),
        ("text/plain; charset=iso-8859-2", "żółw".encode("iso8859-2")),
        ("text/plain", "żółw".encode()),
        ("text/plain; charset=no-such-thing", "żółw".encode()),
        ("text/plain; charset=rot13", "żółw".encode()),
    ],
)
def test_text_is_read_in_the_charset_of_the_answer(web, content_type, body):
    web.answers["/"] = (200, {"Content-Type": content_type}, body)

    state, _ = outcome_of(HTTP(web.url(), contains="żółw"))

    assert state is (State.DOWN if "latin-1" in content_type else State.UP)


def test_body_is_read_up_to_its_limit_only(web):
    web.answers["/"] = (200, {}, b"x" * 100_000 + b"end")

    assert outcome_of(HTTP(web.url(), contains="end"))[0] is State.UP
    assert outcome_of(HTTP(web.url(), contains="end", max_body_bytes=1000))[0] is State.DOWN


def test_redirects_are_followed(web):
    web.answers["/"] = (301, {"Location": "/new?token=hunter2"}, b"")
    web.answers["/new"] = (200, {}, b"here")

    assert outcome_of(HTTP(web.url(), contains="here")) == (State.UP, "OK")


def test_redirect_that_is_expected_is_not_followed(web):
    web.answers["/"] = (301, {"Location": "/new"}, b"")

    assert outcome_of(HTTP(web.url(), expect=301)) == (State.UP, "OK")
    assert len(web.requests) == 1


def test_redirects_end_at_their_limit(web):
    web.answers["/"] = (302, {"Location": "/?token=hunter2"}, b"")

    outcome = outcome_of(HTTP(web.url(), max_redirects=2))

    assert outcome == (
        State.DOWN,
        f"more than 2 redirects, the last one to http://127.0.0.1:{web.port}",
    )
    assert len(web.requests) == 3


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://[::"])
def test_redirect_to_something_else_than_a_page_is_down(web, location):
    web.answers["/"] = (302, {"Location": location}, b"")

    assert outcome_of(HTTP(web.url())) == (
        State.DOWN,
        "redirects to something that is no http:// or https:// address",
    )


@pytest.mark.parametrize(("status", "second"), [(302, "GET"), (303, "GET"), (307, "POST")])
def test_method_changes_with_the_redirects_that_change_it(web, status, second):
    web.answers["/"] = (status, {"Location": "/new"}, b"")

    outcome_of(HTTP(web.url(), method="post"))

    assert [method for method, _, _ in web.requests] == ["POST", second]


def test_head_reads_no_body(web):
    web.answers["/"] = (302, {"Location": "/new"}, b"")

    assert outcome_of(HTTP(web.url(), method="HEAD")) == (State.UP, "OK")
    assert [method for method, _, _ in web.requests] == ["HEAD", "HEAD"]


def test_credentials_and_headers_are_sent_to_their_own_site_alone(web):
    with site() as elsewhere:
        web.answers["/"] = (302, {"Location": elsewhere.url("/landing")}, b"")

        probe = HTTP(web.url(credentials="anna:s%40cret@"), headers={"x-api-key": "hunter2"})
        outcome = outcome_of(probe)

        own, foreign = web.requests[0][2], elsewhere.requests[0][2]
    assert outcome == (State.UP, "OK")
    assert (own["Authorization"], own["X-Api-Key"]) == ("Basic YW5uYTpzQGNyZXQ=", "hunter2")
    assert not {"Authorization", "X-Api-Key"} & set(foreign)
    assert foreign["User-Agent"] == own["User-Agent"] == "django-health-check-job"


def test_path_and_query_are_sent_as_urls_need_them(web):
    outcome_of(HTTP(web.url("/żółw i/%20?q=a b&c=%C5%BC#part")))

    assert web.requests[0][1] == "/%C5%BC%C3%B3%C5%82w%20i/%20?q=a%20b&c=%C5%BC"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/health", "HTTP example.com/health"),
        ("https://example.com:443/", "HTTP example.com"),
        ("http://example.com:8000/a/", "HTTP example.com:8000/a"),
        ("https://anna:hunter2@example.com/?token=hunter2#hunter2", "HTTP example.com"),
        ("http://[::1]:8000/", "HTTP [::1]:8000"),
    ],
)
def test_name_tells_the_page_and_no_secret(url, name):
    probe = HTTP(url, headers={"Authorization": "hunter2"})

    assert probe.name == name
    assert "hunter2" not in repr(probe)


def test_port_without_a_server_is_down():
    port = free_port()

    assert outcome_of(HTTP(f"http://anna:hunter2@127.0.0.1:{port}/")) == (
        State.DOWN,
        "cannot connect: Connection refused",
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "hung up without an answer"),
        (b"220 smtp.example.com ESMTP\r\n", "the answer is not HTTP (BadStatusLine)"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhell", "the answer was cut off"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell",
            "the answer was cut off",
        ),
    ],
)
def test_answer_that_is_no_whole_one_is_down(raw, message):
    with serving(answering(raw)) as port:
        assert outcome_of(HTTP(f"http://127.0.0.1:{port}/")) == (State.DOWN, message)


def test_answer_without_a_length_ends_with_the_connection():
    with serving(answering(b"HTTP/1.0 200 OK\r\n\r\nhello")) as port:
        probe = HTTP(f"http://127.0.0.1:{port}/", contains="hello")

        assert outcome_of(probe) == (State.UP, "OK")


def test_server_that_says_nothing_is_given_up():
    def talk(connection: socket.socket, is_over: threading.Event) -> None:
        is_over.wait()

    with serving(talk) as port:
        # Enough to connect on a busy machine, which is another sentence.
        probe = HTTP(f"http://127.0.0.1:{port}/", timeout_seconds=2)

        assert outcome_of(probe) == (State.DOWN, "no answer: no answer in time")


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"])
def test_server_that_sends_a_byte_at_a_time_is_given_up_too(beginning):
    """Each byte begins a socket's timeout anew; one deadline holds for all of them."""

    def talk(connection: socket.socket, is_over: threading.Event) -> None:
        connection.sendall(beginning or b"HTTP/1.1 200 ")
        while not is_over.wait(0.02):
            connection.sendall(b"x")

    with serving(talk) as port:
        began = time.monotonic()
        outcome = outcome_of(HTTP(f"http://127.0.0.1:{port}/", timeout_seconds=0.3))

        assert outcome == (State.DOWN, "no answer: no answer in time")
        assert time.monotonic() - began < 2


def test_certificate_of_ones_own_authority_is_accepted(secure_web, valid_certificate):
    probe = HTTP(secure_web.url(), ca_file=str(valid_certificate.pem), contains="hello")

    assert outcome_of(probe) == (State.UP, "OK")


def test_certificate_of_an_unknown_authority_is_down_with_the_reason(secure_web):
    assert outcome_of(HTTP(secure_web.url())) == (
        State.DOWN,
        "the certificate is not accepted: self-signed certificate",
    )


def test_certificate_may_be_left_alone(secure_web):
    assert outcome_of(HTTP(secure_web.url(), verify=False)) == (State.UP, "OK")


def test_plain_server_behind_https_is_down(web):
    probe = HTTP(web.url().replace("http://", "https://"))

    state, message = outcome_of(probe)

    assert (state, message.partition(":")[0]) == (State.DOWN, "no TLS")


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://example.com/"},
        {"url": "https://"},
        {"url": "https://example.com:port/"},
        {"url": "https://[::1/"},
        {"url": "https://example.com:0/"},
        {"url": None},
        {"url": b"https://example.com/"},
        {"expect": 99},
        {"expect": []},
        {"expect": "200"},
        {"expect": True},
        {"expect": ["200"]},
        {"expect": 200.0},
        {"method": "GET /"},
        {"headers": {"X": "a\r\nInjected: yes"}},
        {"headers": {"X: Y": "a"}},
        {"max_redirects": -1},
        {"max_body_bytes": 0},
        {"timeout_seconds": 0},
        {"timeout_seconds": "5"},
        {"ca_file": "/no/such/file.pem"},
    ],
)
def test_wrong_option_is_named_when_the_probe_is_made(options):
    option = next(iter(options))

    with pytest.raises(CheckSetupError, match=option.removesuffix("s")):
        HTTP(**{"url": "https://example.com/", **options})


def test_url_that_cannot_be_read_is_not_shown():
    with pytest.raises(CheckSetupError) as caught:
        HTTP("https://anna:hunter2@[example.com/")

    assert "hunter2" not in str(caught.value)
