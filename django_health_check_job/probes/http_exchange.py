"""One HTTP request and its answer, bounded in time and in size."""

import http.client
import io
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import SplitResult, quote, unquote

from django_health_check_job.probes.base import Down
from django_health_check_job.probes.sockets import Deadline, connect, failure, wrap_tls

__all__ = ["Answer", "credentials", "exchange", "port_of"]

_DEFAULT_PORTS = {"http": 80, "https": 443}
#: Signs that mean something in a path or query, and escapes: they stay as they are.
_NOT_QUOTED = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True)
class Answer:
    """What a server answered; ``body`` is cut after as many bytes as were asked for."""

    status: int
    location: str
    charset: str
    body: bytes


def exchange(
    url: SplitResult,
    *,
    method: str,
    headers: Mapping[str, str],
    context: ssl.SSLContext,
    deadline: Deadline,
    max_body_bytes: int,
) -> Answer:
    """
    Send one request, without following redirects and without any proxy.

    Raises:
        Down: there was no whole answer in time.
    """
    host, port = str(url.hostname), port_of(url)
    try:
        with connect(host, port, deadline) as plain:
            if url.scheme == "https":
                with wrap_tls(plain, host, context, deadline) as secured:
                    return _talk(secured, url, method, headers, deadline, max_body_bytes)
            return _talk(plain, url, method, headers, deadline, max_body_bytes)
    except http.client.IncompleteRead as error:
        raise Down("the answer was cut off") from error
    except http.client.RemoteDisconnected as error:
        raise Down("hung up without an answer") from error
    except http.client.HTTPException as error:
        raise Down(f"the answer is not HTTP ({type(error).__name__})") from error
    except OSError as error:
        raise failure("no answer", error) from error


def port_of(url: SplitResult) -> int:
    """Return the port of a URL, named or not."""
    return _DEFAULT_PORTS[url.scheme] if url.port is None else url.port


def credentials(url: SplitResult) -> dict[str, str]:
    """Return the header that user and password of a URL become."""
    if url.username is None and url.password is None:
        return {}
    pair = f"{unquote(url.username or '')}:{unquote(url.password or '')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _talk(
    connection: socket.socket,
    url: SplitResult,
    method: str,
    headers: Mapping[str, str],
    deadline: Deadline,
    max_body_bytes: int,
) -> Answer:
    client = http.client.HTTPConnection(str(url.hostname), port_of(url))
    # Decides whether the Host header names the port.
    client.default_port = _DEFAULT_PORTS[url.scheme]
    client.sock = cast(Any, _TimedSocket(connection, deadline))
    target = quote(url.path or "/", safe=_NOT_QUOTED)
    if url.query:
        target += f"?{quote(url.query, safe=_NOT_QUOTED)}"
    client.request(method, target, headers=dict(headers))
    with client.getresponse() as response:
        body = response.read(max_body_bytes)
        # read(n) takes the end of the connection for the end of the answer.
        if response.length and len(body) < max_body_bytes:
            raise http.client.IncompleteRead(body, response.length)
        return Answer(
            status=response.status,
            location=response.headers.get("Location", ""),
            charset=response.headers.get_content_charset("utf-8"),
            body=body,
        )


class _TimedSocket:
    """
    What http.client uses of a socket, with one deadline for all of it.

    The timeout of a real socket begins again with every byte: a server that sends one each second
    would hold a check for hours.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._connection.settimeout(self._deadline.remaining())
        self._connection.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._connection, self._deadline))

    def close(self) -> None:
        """Leave it open: the answer may still be read; whoever connected hangs up."""


class _TimedReader(io.RawIOBase):
    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(self._deadline.remaining())
        return self._connection.recv_into(buffer)
