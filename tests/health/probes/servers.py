"""Servers on 127.0.0.1 that answer, refuse, stall or lie; and certificates for them."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["Certificate", "Site", "certificate", "free_port", "listening", "serving", "site"]

_CA_SETTINGS = """
[ca]
default_ca = own
[own]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = names
x509_extensions = extensions
[names]
commonName = supplied
[extensions]
basicConstraints = critical,CA:TRUE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
subjectAltName = DNS:localhost,IP:127.0.0.1
"""


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for localhost and 127.0.0.1."""

    pem: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return how a server shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem, self.key)
        return context


def certificate(folder: Path, *, ends_in: timedelta, began: timedelta) -> Certificate:
    """Make a certificate; only `openssl ca` can make one that has expired."""
    folder.mkdir()
    made = Certificate(pem=folder / "certificate.pem", key=folder / "key.pem")
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(_CA_SETTINGS.format(folder=folder))
    now = datetime.now(UTC)
    _openssl(
        *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-subj", "/CN=localhost", "-keyout", made.key, "-out", folder / "request.pem"),
    )
    _openssl(
        *("ca", "-batch", "-notext", "-selfsign", "-config", folder / "ca.cnf"),
        *("-keyfile", made.key, "-in", folder / "request.pem", "-out", made.pem),
        *(
            "-startdate",
            f"{now - began:%Y%m%d%H%M%SZ}",
            "-enddate",
            f"{now + ends_in:%Y%m%d%H%M%SZ}",
        ),
    )
    return made


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def listening(backlog: int = 8) -> Iterator[socket.socket]:
    """Give a socket that listens; nobody accepts."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as server:
        yield server


@contextmanager
def serving(
    talk: Callable[[socket.socket, threading.Event], None],
    context: ssl.SSLContext | None = None,
) -> Iterator[int]:
    """
    Give the port of a server that calls ``talk`` with each connection.

    The event is set when the test is over: a server that stalls waits for it.
    """
    is_over = threading.Event()

    def accept(server: socket.socket) -> None:
        while not is_over.is_set():
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    if context is None:
                        talk(connection, is_over)
                    else:
                        with context.wrap_socket(connection, server_side=True) as secured:
                            talk(secured, is_over)

    with listening() as server:
        server.settimeout(0.05)
        thread = threading.Thread(target=accept, args=(server,))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            is_over.set()
            thread.join()


@dataclass
class Site:
    """A web site: what it answers, by path, and what it was asked."""

    port: int
    scheme: str
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str = "/", credentials: str = "") -> str:
        """Return the address of a page."""
        return f"{self.scheme}://{credentials}127.0.0.1:{self.port}{path}"


@contextmanager
def site(context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Give a site that answers 200 and "hello" to everything, until it is told otherwise."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            own.requests.append((self.command, self.path, dict(self.headers.items())))
            default: tuple[int, dict[str, str], bytes] = (200, {}, b"hello")
            status, headers, body = own.answers.get(self.path.partition("?")[0], default)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_POST = do_GET  # noqa: N815  # names of http.server

        def log_message(self, *_: Any) -> None:
            """Say nothing on stderr."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Say nothing of clients that hang up in the middle: probes do."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        own = Site(server.server_address[1], "https" if context else "http")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield own
        finally:
            server.shutdown()
            thread.join()
