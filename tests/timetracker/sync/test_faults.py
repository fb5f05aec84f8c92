"""Sources that fail, dawdle or babble."""

import gzip
import socket
import sys
import time

import pytest

from tests.timetracker.sync.servers import (
    CERTIFICATE,
    cut_off,
    drip_body,
    drip_header,
    drip_known_length,
    page,
    raw,
    status,
    task,
    without_length,
)
from timetracker.sync.exceptions import AnswerError, FetchError, UnreachableError

SERVER_NOW = "Mon, 02 Mar 2026 12:00:00 GMT"
SERVER_LATER = "Mon, 02 Mar 2026 12:00:07 GMT"


def test_a_server_error_is_tried_again(server, make_client, fake_time):
    server.script += [status(500), status(502), page(task("T-1"))]

    fetched = make_client().fetch()

    assert len(fetched.pages) == 1
    assert fake_time.slept == [1.0, 2.0]


def test_a_server_that_keeps_failing_is_given_up(server, make_client, fake_time):
    server.otherwise = status(500)

    with pytest.raises(UnreachableError, match="status 500. Attempts made: 3."):
        make_client(MAX_ATTEMPTS=3).fetch()

    assert (len(server.asked), fake_time.slept) == (3, [1.0, 2.0])


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize("value", ["7", SERVER_LATER])
def test_the_wait_that_the_server_asks_for_is_kept(server, make_client, fake_time, code, value):
    def busy(handler):
        # A date is a moment of the server's clock, whatever ours says.
        handler.date_time_string = lambda timestamp=None: SERVER_NOW
        status(code, Retry_After=value)(handler)

    server.script += [busy, page()]

    make_client().fetch()

    assert fake_time.slept == [7.0]


def test_a_wait_shorter_than_our_own_is_not_a_reason_to_hurry(server, make_client, fake_time):
    server.script += [status(429, Retry_After="0"), page()]

    make_client().fetch()

    assert fake_time.slept == [1.0]


def test_a_wait_that_cannot_be_read_is_replaced_by_our_own(server, make_client, fake_time):
    server.script += [status(429, Retry_After="soon"), page()]

    make_client().fetch()

    assert fake_time.slept == [1.0]


def test_too_long_a_wait_ends_the_run_with_the_reason(server, make_client, fake_time):
    server.script += [status(429, Retry_After="3600")]

    with pytest.raises(UnreachableError, match="wait for 3600 s, and WAIT_CAP_SECONDS .* 120 s"):
        make_client().fetch()

    assert fake_time.slept == []


def test_a_used_up_quota_is_waited_for_before_the_next_page(server, make_client, fake_time):
    server.script += [
        page(next="?after=1", headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9"}),
        page(headers={"RateLimit": '"minute";r=0;t=60'}),
    ]

    make_client().fetch()

    assert fake_time.slept == [9.0]


def test_too_long_a_quota_ends_the_run_only_when_there_is_more_to_ask(server, make_client):
    exhausted = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9999"}
    server.script += [page(headers=exhausted), page(next="?after=1", headers=exhausted)]

    make_client().fetch()
    with pytest.raises(UnreachableError, match="our quota is used up. It asks us to wait for"):
        make_client().fetch()


def test_our_own_rate_is_kept(server, make_client, fake_time):
    server.script += [page(next="?after=1"), page(next="?after=2"), page()]

    make_client(MAX_REQUESTS_PER_SECOND=4.0).fetch()

    assert fake_time.slept == [0.25, 0.25]


def test_reading_a_list_has_an_end(server, make_client):
    server.otherwise = status(503, Retry_After="100")

    with pytest.raises(UnreachableError, match="takes longer than 250 s"):
        make_client(FETCH_TIMEOUT_SECONDS=250.0).fetch()

    assert len(server.asked) == 3


def test_a_connection_that_breaks_in_the_body_is_tried_again(server, make_client, fake_time):
    server.script += [cut_off, page(task("T-1"))]

    fetched = make_client().fetch()

    assert fetched.pages[0][0]["id"] == "T-1"
    assert fake_time.slept == [1.0]


def test_what_is_no_http_at_all_is_named_and_not_repeated(server, make_client):
    server.script += [lambda handler: handler.wfile.write(b"\0\1\2\r\n\r\n")]

    with pytest.raises(UnreachableError, match="failed: BadStatusLine") as caught:
        make_client(MAX_ATTEMPTS=1).fetch()

    assert str(caught.value).isprintable()


def test_a_source_that_nobody_serves_is_named_without_its_query(make_client):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(UnreachableError, match="refused.*Attempts made: 2") as caught:
        make_client(f"http://127.0.0.1:{port}/tasks?key=s3cret", MAX_ATTEMPTS=2).fetch()

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("drip", [drip_body, drip_known_length, drip_header])
def test_an_answer_that_drips_in_is_cut_off(server, make_client, drip):
    server.otherwise = drip
    began = time.monotonic()

    with pytest.raises(UnreachableError, match=r"did not finish its answer within 0.2 s"):
        make_client(TOTAL_TIMEOUT_SECONDS=0.2, MAX_ATTEMPTS=1).fetch()

    assert time.monotonic() - began < 2


def test_the_deadline_holds_on_a_connection_that_is_used_again(server, make_client):
    server.script += [page(next="?after=1"), drip_header]

    with pytest.raises(UnreachableError, match=r"did not finish"):
        make_client(TOTAL_TIMEOUT_SECONDS=0.2, MAX_ATTEMPTS=1).fetch()


def test_a_silent_server_is_given_up(server, make_client):
    server.otherwise = lambda handler: time.sleep(0.5)

    with pytest.raises(UnreachableError, match="fell silent"):
        make_client(READ_TIMEOUT_SECONDS=0.1, MAX_ATTEMPTS=1).fetch()


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels fill a backlog otherwise")
def test_a_server_that_takes_no_connection_is_given_up(make_client):
    # A full backlog: the kernel lets further connections wait and answers nothing.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address), socket.socket() as filler:
            filler.setblocking(False)
            filler.connect_ex(address)

            with pytest.raises(UnreachableError, match="accepted no connection in time"):
                make_client(
                    f"http://127.0.0.1:{address[1]}/",
                    CONNECT_TIMEOUT_SECONDS=0.1,
                    MAX_ATTEMPTS=1,
                ).fetch()


@pytest.mark.parametrize("answer", [raw, without_length])
def test_an_oversized_answer_is_not_read_to_its_end(server, make_client, answer):
    server.script += [answer(b" " * 2_000_000)]

    with pytest.raises(AnswerError, match="more than 1000 bytes. Lower PAGE_SIZE"):
        make_client(MAX_RESPONSE_BYTES=1_000).fetch()

    assert len(server.asked) == 1


def test_a_packed_bomb_is_measured_unpacked(server, make_client):
    bomb = gzip.compress(b" " * 5_000_000)
    server.script += [raw(bomb, headers={"Content-Encoding": "gzip"})]

    with pytest.raises(AnswerError, match="more than 10000 bytes"):
        make_client(MAX_RESPONSE_BYTES=10_000).fetch()


def test_a_certificate_that_nobody_vouches_for_is_final(tls_server, make_client, fake_time):
    with pytest.raises(FetchError, match="certificate verify failed") as caught:
        make_client(tls_server.url, API_KEY="s3cret").fetch()

    assert not isinstance(caught.value, UnreachableError)
    assert (fake_time.slept, tls_server.asked) == ([], [])


def test_a_certificate_of_an_authority_of_our_own_is_trusted(tls_server, make_client):
    tls_server.script += [page(task("T-1"))]

    fetched = make_client(tls_server.url, CA_FILE=str(CERTIFICATE)).fetch()

    assert len(fetched.pages) == 1


@pytest.mark.parametrize("drip", [drip_body, drip_header])
def test_the_deadline_holds_under_tls(tls_server, make_client, drip):
    tls_server.otherwise = drip
    patience = {"TOTAL_TIMEOUT_SECONDS": 0.3, "MAX_ATTEMPTS": 1}

    with pytest.raises(UnreachableError, match=r"did not finish its answer within 0.3 s"):
        make_client(tls_server.url, CA_FILE=str(CERTIFICATE), **patience).fetch()


def test_whoever_watches_hears_of_each_attempt_and_each_wait(server, make_client):
    signs = []
    server.script += [status(500), page()]

    make_client().fetch(alive=lambda: signs.append("alive"))

    assert len(signs) == 3


def test_what_the_watcher_raises_ends_the_run(server, make_client):
    def lost():
        raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        make_client().fetch(alive=lost)

    assert server.asked == []
