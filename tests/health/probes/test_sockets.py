"""TCP, TLS and DNS: what is looked at with a bare socket."""

import errno
import resource
import socket
import ssl
import threading
from datetime import timedelta

import pytest

from django_health_check_job.engine.outcome import State
from django_health_check_job.exceptions import CheckSetupError
from django_health_check_job.probes import DNS, TCP, TLSExpiry
from django_health_check_job.probes.sockets import Deadline, failure
from tests.health.probes.outcomes import outcome_of
from tests.health.probes.servers import certificate, free_port, listening, serving


def say_nothing(connection: socket.socket, is_over: threading.Event) -> None:
    """What a server does that only shakes hands."""


def test_port_that_takes_connections_is_up():
    with listening() as server:
        probe = TCP("127.0.0.1", server.getsockname()[1])

        assert outcome_of(probe) == (State.UP, "OK")


def test_port_that_refuses_is_down():
    assert outcome_of(TCP("127.0.0.1", free_port())) == (
        State.DOWN,
        "cannot connect: Connection refused",
    )


def fill(server: socket.socket) -> list[socket.socket]:
    """Make a server swallow packets, as a firewall does: its queue is full."""
    waiting = []
    for _ in range(3):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(server.getsockname())
        waiting.append(one)
    return waiting


def test_port_that_swallows_packets_is_down_in_time():
    with listening(backlog=0) as server:
        waiting = fill(server)

        outcome = outcome_of(TCP(*server.getsockname(), timeout_seconds=0.3))

        for one in waiting:
            one.close()
    assert outcome == (State.DOWN, "cannot connect: no answer in time")


def test_address_that_swallows_packets_leaves_time_for_the_next(monkeypatch):
    with listening(backlog=0) as bad, listening() as good:
        waiting = fill(bad)
        # No name here has two addresses of which one swallows packets.
        rows = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", server.getsockname())
            for server in (bad, good)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: rows)

        outcome = outcome_of(TCP("two.example.com", 80, timeout_seconds=0.6))

        for one in waiting:
            one.close()
    assert outcome == (State.UP, "OK")


def test_machine_without_free_files_does_not_know_about_others():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with listening() as server:
        probe = TCP(*server.getsockname())
        lowest_free = socket.socket()
        limit = lowest_free.fileno()
        lowest_free.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        try:
            outcome = outcome_of(probe)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert outcome == (
        State.UNKNOWN,
        "this machine cannot open a connection: Too many open files",
    )


def test_error_without_a_text_is_told_by_its_type():
    assert str(failure("no answer", ConnectionResetError())) == "no answer: ConnectionResetError"
    assert str(failure("no TLS", ssl.SSLError(1, ""))) == "no TLS: failed"
    assert failure("x", OSError(errno.EMFILE, "Too many open files")).state is State.UNKNOWN


def test_deadline_that_has_passed_leaves_no_time():
    with pytest.raises(TimeoutError):
        Deadline(-1).remaining()


@pytest.mark.parametrize(
    ("host", "port"), [("", 80), (None, 80), ("a", 0), ("a", 65536), ("a", "80")]
)
def test_wrong_host_or_port_is_named_when_the_probe_is_made(host, port):
    with pytest.raises(
        CheckSetupError, match=f"TCP: (host|port) must .*, got {(port if host else host)!r}"
    ):
        TCP(host, port)


def test_names_tell_the_address():
    assert TCP("::1", 25).name == "TCP [::1]:25"
    assert TLSExpiry("example.com").name == "TLS example.com"
    assert TLSExpiry("example.com", 8443).name == "TLS example.com:8443"
    assert DNS("example.com").name == "DNS example.com"
    assert DNS("example.com", name="Our name").name == "Our name"


def test_certificate_that_lasts_is_up(valid_certificate):
    with serving(say_nothing, valid_certificate.context()) as port:
        probe = TLSExpiry("127.0.0.1", port, ca_file=str(valid_certificate.pem))

        state, message = outcome_of(probe)

    assert state is State.UP
    assert message.startswith("valid for 90 more days, until 20")


@pytest.mark.parametrize(
    ("warn_days", "down_days", "state"),
    [(91, 3, State.WARN), (91, 91, State.DOWN), (90, 3, State.UP)],
)
def test_certificate_is_worse_the_nearer_its_end_is(valid_certificate, warn_days, down_days, state):
    with serving(say_nothing, valid_certificate.context()) as port:
        probe = TLSExpiry(
            "127.0.0.1",
            port,
            warn_days=warn_days,
            down_days=down_days,
            ca_file=str(valid_certificate.pem),
        )

        assert outcome_of(probe)[0] is state


def test_expired_certificate_is_down_with_the_reason(expired_certificate):
    with serving(say_nothing, expired_certificate.context()) as port:
        probe = TLSExpiry("127.0.0.1", port, ca_file=str(expired_certificate.pem))

        assert outcome_of(probe) == (
            State.DOWN,
            "the certificate is not accepted: certificate has expired",
        )


def test_self_signed_certificate_is_down_with_the_reason(valid_certificate):
    with serving(say_nothing, valid_certificate.context()) as port:
        assert outcome_of(TLSExpiry("127.0.0.1", port)) == (
            State.DOWN,
            "the certificate is not accepted: self-signed certificate",
        )


def test_certificate_for_another_name_is_down_with_the_reason(valid_certificate, monkeypatch):
    with serving(say_nothing, valid_certificate.context()) as port:
        probe = TLSExpiry("127.0.0.2", port, ca_file=str(valid_certificate.pem))
        # 127.0.0.2 is this machine as well, and the server listens on 127.0.0.1 alone.
        rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: rows)

        state, message = outcome_of(probe)

    assert state is State.DOWN
    assert "IP address mismatch" in message


def test_certificate_that_is_not_valid_yet_is_down_with_the_reason(tmp_path):
    early = certificate(tmp_path / "early", began=timedelta(days=-1), ends_in=timedelta(days=90))
    with serving(say_nothing, early.context()) as port:
        probe = TLSExpiry("127.0.0.1", port, ca_file=str(early.pem))

        assert outcome_of(probe) == (
            State.DOWN,
            "the certificate is not accepted: certificate is not yet valid",
        )


def test_port_that_does_not_speak_tls_is_down(web):
    state, message = outcome_of(TLSExpiry("127.0.0.1", web.port))

    assert state is State.DOWN
    assert message.startswith("no TLS: ")


def test_server_that_never_shakes_hands_is_given_up():
    with listening() as server:
        probe = TLSExpiry(*server.getsockname(), timeout_seconds=0.2)

        assert outcome_of(probe) == (State.DOWN, "no TLS: no answer in time")


@pytest.mark.parametrize(
    "options",
    [
        {"down_days": 30},
        {"down_days": -1},
        {"ca_file": "/no/such/file.pem"},
        {"host": " "},
        {"port": True},
    ],
)
def test_wrong_option_of_a_tls_probe_is_named(options):
    with pytest.raises(CheckSetupError, match=next(iter(options))):
        TLSExpiry(**{"host": "example.com", **options})


def test_name_that_resolves_is_up():
    assert outcome_of(DNS("localhost")) == (State.UP, "OK")
    assert outcome_of(DNS("127.0.0.1", addresses=["127.0.0.1"])) == (State.UP, "OK")


def test_name_that_resolves_to_something_else_is_down():
    probe = DNS("127.0.0.1", addresses=["127.0.0.1", "192.0.2.7"])

    assert outcome_of(probe) == (State.DOWN, "resolves to 127.0.0.1, and not to 192.0.2.7")


def test_name_that_does_not_resolve_is_down():
    # Too long for any resolver to be asked: nothing leaves this machine.
    state, message = outcome_of(DNS("a." * 200 + "invalid"))

    assert state is State.DOWN
    assert message.startswith("does not resolve: ")


def test_name_that_cannot_be_one_is_down():
    assert outcome_of(DNS("a..b")) == (State.DOWN, "is no name that DNS knows of")


@pytest.mark.parametrize(
    "options", [{"hostname": ""}, {"addresses": "127.0.0.1"}, {"addresses": ["localhost"]}]
)
def test_wrong_option_of_a_dns_probe_is_named(options):
    with pytest.raises(CheckSetupError, match=next(iter(options))):
        DNS(**{"hostname": "example.com", **options})
