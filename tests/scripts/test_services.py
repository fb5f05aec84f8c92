"""Whether a server answers, and what is said when it does not."""

import socketserver
import threading

import pytest

from scripts.run_tests import required_but_silent
from tests.services import NATS, REDIS, SERVICES


@pytest.fixture
def port():
    """The port of a program that answers everybody with a NATS greeting."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b'INFO {"server_id":"X"}\r\n')

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def closed_port():
    """A port at which nothing listens."""
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        return server.server_address[1]


def test_server_is_known_by_what_it_says(monkeypatch, port):
    monkeypatch.setenv("OPSKIT_NATS_PORT", str(port))

    assert NATS.answers()


def test_another_program_at_the_port_is_not_the_server(monkeypatch, port):
    monkeypatch.setenv("OPSKIT_REDIS_PORT", str(port))

    assert not REDIS.answers()


def test_silent_server_that_is_required_is_named_with_its_variables(monkeypatch, closed_port):
    monkeypatch.setenv("OPSKIT_REQUIRE_SERVICES", "1")
    for service in SERVICES:
        monkeypatch.setenv(service.variable("PORT"), str(closed_port))

    complaints = required_but_silent()

    assert len(complaints) == len(SERVICES)
    assert "OPSKIT_REDIS_HOST and OPSKIT_REDIS_PORT" in complaints[SERVICES.index(REDIS)]


def test_no_server_is_required_unless_asked_for(monkeypatch, closed_port):
    monkeypatch.delenv("OPSKIT_REQUIRE_SERVICES", raising=False)
    monkeypatch.setenv("OPSKIT_REDIS_PORT", str(closed_port))

    assert required_but_silent() == []
