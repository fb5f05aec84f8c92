"""An HTTP server on 127.0.0.1 that answers as a test tells it to, faults included."""

import json
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

#: A certificate for 127.0.0.1 that only these tests trust, with its key.
CERTIFICATE = Path(__file__).parent / "localhost.pem"
SERVER_TIME = "2026-03-02T09:00:00Z"


@dataclass(frozen=True)
class Asked:
    """A request that reached the server."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    body: bytes


Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Notes the request and gives the next answer of the script."""

    protocol_version = "HTTP/1.1"
    # Header and body are two writes; the second would wait 40 ms for the first one's receipt.
    disable_nagle_algorithm = True
    scripted: "ScriptedServer"
    asked: Asked

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep stderr for the test."""

    def reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a complete answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def break_connection(self) -> None:
        """Reset the connection, as a crashed server's machine does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.asked = Asked(self.command, parts.path, query, self.headers, body)
        self.scripted.asked.append(self.asked)
        # A client that has had enough is no fault of the test.
        with suppress(ConnectionError):
            self.scripted.next_answer()(self)


class _Server(ThreadingHTTPServer):
    # Joined when the server closes, so that no socket outlives the test.
    daemon_threads = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reset connection is what some tests are about."""


class ScriptedServer:
    """Gives the answers of ``script`` one by one, then ``otherwise`` for ever."""

    def __init__(self, *, tls: bool = False) -> None:
        self.script: deque[Answer] = deque()
        self.otherwise: Answer = status(599)
        self.asked: list[Asked] = []
        handler = type("_Handler", (Handler,), {"scripted": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._scheme = "https" if tls else "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Where the task list is."""
        return f"{self.origin}/tasks"

    def next_answer(self) -> Answer:
        """Take the next answer from the script."""
        return self.script.popleft() if self.script else self.otherwise

    @contextmanager
    def running(self) -> Iterator["ScriptedServer"]:
        """Serve within the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def task(external_id: str, **keys: Any) -> dict[str, Any]:
    """Return a task in wire form."""
    return {
        "id": external_id,
        "name": f"Task {external_id}",
        "project_phase": "Build",
        "department": "Works",
        "discipline": "Electrical",
        "is_active": True,
        "updated_at": "2026-03-01T12:00:00Z",
        **keys,
    }


def tombstone(external_id: str, updated_at: str = "2026-03-02T08:00:00Z") -> dict[str, Any]:
    """Return what is left of a deleted task."""
    return {"id": external_id, "deleted": True, "updated_at": updated_at}


def page(
    *tasks: Any, next: str | None = None, headers: Mapping[str, str] | None = None, **keys: Any
) -> Answer:
    """Answer with a page of tasks."""
    content = {"tasks": list(tasks), "next": next, "server_time": SERVER_TIME, **keys}
    return document(content, headers=headers)


def document(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with JSON."""
    return raw(json.dumps(content).encode(), status, headers=headers)


def raw(
    body: bytes,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Answer with these bytes."""
    return lambda handler: handler.reply(
        status, body, {"Content-Type": content_type, **(headers or {})}
    )


def status(code: int, **headers: str) -> Answer:
    """Answer with a status; underscores in the names of header fields stand for hyphens."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if code == 304:
        return lambda handler: _without_body(handler, code, fields)
    return lambda handler: handler.reply(code, b"", fields)


def _without_body(handler: Handler, code: int, fields: Mapping[str, str]) -> None:
    handler.send_response(code)
    for name, value in fields.items():
        handler.send_header(name, value)
    handler.end_headers()


def without_length(body: bytes) -> Answer:
    """Answer with JSON whose length shows only when the connection ends."""

    def answer(handler: Handler) -> None:
        handler.close_connection = True
        _begin(handler, {"Connection": "close"})
        handler.wfile.write(body)

    return answer


def _begin(handler: Handler, fields: Mapping[str, str]) -> None:
    handler.send_response(200)
    for name, value in {"Content-Type": "application/json", **fields}.items():
        handler.send_header(name, value)
    handler.end_headers()


def cut_off(handler: Handler) -> None:
    """Promise a thousand bytes, send few and reset the connection."""
    _begin(handler, {"Content-Length": "1000"})
    handler.wfile.write(b'{"tasks": [')
    handler.wfile.flush()
    handler.break_connection()


def flood(code: int, **headers: str) -> Answer:
    """Answer with a body that ends when the client has had enough."""

    def answer(handler: Handler) -> None:
        handler.close_connection = True
        handler.send_response(code)
        for name, value in {"Connection": "close", **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        while True:
            handler.wfile.write(b" " * 10_000)
            time.sleep(0.01)

    return answer


def drip_body(handler: Handler) -> None:
    """Send the body a byte at a time until the client has had enough."""
    _begin(handler, {"Connection": "close"})
    _drip(handler)


def drip_known_length(handler: Handler) -> None:
    """Send a body of a thousand bytes as slowly."""
    _begin(handler, {"Content-Length": "1000"})
    _drip(handler)


def drip_header(handler: Handler) -> None:
    """Send a header field a byte at a time until the client has had enough."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(handler)


def _drip(handler: Handler) -> None:
    handler.close_connection = True
    for _ in range(1_000):
        handler.wfile.write(b" ")
        time.sleep(0.01)
