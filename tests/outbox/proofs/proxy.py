"""A network that can be cut: a TCP proxy on loopback."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

__all__ = ["Proxy"]


class Proxy:
    """
    Passes bytes between its own port and a server.

    Frozen, it is a network that has lost its cable: it accepts what is sent and passes nothing
    on, and neither end hears of anything.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._flows = threading.Event()
        self._flows.set()
        self._start(self._accept)

    @property
    def port(self) -> int:
        """Where clients connect to."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # close() alone does not wake the thread that waits in accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.break_connections()
        for thread in self._threads:
            thread.join(10)

    def freeze(self) -> None:
        """Pass nothing on."""
        self._flows.clear()

    def thaw(self) -> None:
        """Pass on what has come meanwhile, and go on."""
        self._flows.set()

    def break_connections(self) -> None:
        """End all connections, and what they carried is lost; new ones work."""
        with self._lock:
            broken, self._sockets = self._sockets, []
        for end in broken:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._flows.set()

    def _start(self, target: Callable[..., None], *args: socket.socket) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        with self._lock:
            self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server, 10)
                server.settimeout(None)
                with self._lock:
                    self._sockets += [client, server]
                self._start(self._pump, client, server)
                self._start(self._pump, server, client)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while received := source.recv(65_536):
                self._flows.wait()
                target.sendall(received)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
