"""Connections that keep a deadline, and what is said when they fail."""

import errno
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any

from django_health_check_job.probes.base import Down, ProbeSignal, Unknown

__all__ = ["Deadline", "address_of", "connect", "failure", "resolve", "tls_context", "wrap_tls"]

#: The part of a check's time that its sockets may take. The monitor gives the check up at the end
#: of the whole, and could then only say that it was slow, not at what.
_SHARE = 0.9

#: This process, or this machine, has no more of what a connection needs.
_OUR_OWN_FAULT = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}

#: A row of getaddrinfo: family, kind, protocol, canonical name, and what connect() takes.
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]


class Deadline:
    """The moment by which all waiting of a run has to end, however many waits it has."""

    def __init__(self, timeout_seconds: float) -> None:
        self._ends = time.monotonic() + timeout_seconds * _SHARE

    def remaining(self) -> float:
        """Return the seconds that are left, above 0; TimeoutError when none are."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def resolve(host: str, port: int | None) -> Sequence[AddressInfo]:
    """Return the addresses of ``host`` for TCP. The system's resolver decides how long it takes."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        # A label of more than 63 characters, or an empty one.
        raise Down("is no name that DNS knows of") from error
    except OSError as error:
        raise failure("does not resolve", error) from error


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """
    Return a connection to the first address of ``host`` that takes one.

    Each address gets an equal share of what time is left: one that swallows packets (often the
    IPv6 one) does not make a host DOWN whose other address answers.
    """
    addresses = resolve(host, port)
    last: OSError = TimeoutError()
    for index, (family, kind, protocol, _, address) in enumerate(addresses):
        try:
            seconds = deadline.remaining() / (len(addresses) - index)
            connection = socket.socket(family, kind, protocol)
        except OSError as error:
            last = error
            continue
        try:
            connection.settimeout(seconds)
            connection.connect(address)
        except OSError as error:
            connection.close()
            last = error
        else:
            return connection
    raise failure("cannot connect", last) from last


def tls_context(*, verify: bool, ca_file: str | None) -> ssl.SSLContext:
    """Return how TLS is spoken: with the system's authorities, or with those of ``ca_file``."""
    context = ssl.create_default_context(cafile=ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def wrap_tls(
    connection: socket.socket, host: str, context: ssl.SSLContext, deadline: Deadline
) -> ssl.SSLSocket:
    """Return the connection with TLS in it; Down says what is wrong with the certificate."""
    try:
        connection.settimeout(deadline.remaining())
        return context.wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message.rstrip(".")
        raise Down(f"the certificate is not accepted: {reason}") from error
    except OSError as error:
        raise failure("no TLS", error) from error


def failure(what: str, error: OSError) -> ProbeSignal:
    """Return the verdict on a socket's error, without what its text may hold besides."""
    if error.errno in _OUR_OWN_FAULT:
        return Unknown(f"this machine cannot open a connection: {error.strerror}")
    if isinstance(error, TimeoutError):
        return Down(f"{what}: no answer in time")
    if isinstance(error, ssl.SSLError):
        # Only errors of OpenSSL's own have a reason: WRONG_VERSION_NUMBER.
        reason: str = getattr(error, "reason", None) or "failed"
        return Down(f"{what}: {reason.replace('_', ' ').lower()}")
    return Down(f"{what}: {error.strerror or type(error).__name__}")


def address_of(host: str, port: int, default_port: int | None = None) -> str:
    """Return host and port as people write them; the port is left out when it is the usual."""
    shown = f"[{host}]" if ":" in host else host
    return shown if port == default_port else f"{shown}:{port}"
