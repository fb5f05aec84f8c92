"""An end to every request, however slowly its answer drips in."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

__all__ = ["Deadline", "DeadlineAdapter"]

_current: ContextVar["Deadline"] = ContextVar("_current")


class Deadline:
    """
    Ends what is read from the source within the ``with`` block after ``seconds``.

    The time-outs of a socket begin anew with every byte, so a server that sends one byte now
    and then could keep us for ever, in the header too. Here a second thread shuts the socket
    down under the reader. Looking up the host's name is not covered: nothing can interrupt it.

    ``cut`` is set by the connection that serves the request.
    """

    def __init__(self, seconds: float) -> None:
        self.has_passed = False
        self.cut: Callable[[], None] = lambda: None
        self._seconds = seconds
        self._done = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="sync-deadline", daemon=True)

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        self._watchdog.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        self._watchdog.join()
        _current.reset(self._token)

    def _watch(self) -> None:
        if self._done.wait(self._seconds):
            return
        self.has_passed = True
        # More than once, because the socket may come to be just after the first time.
        while not self._done.wait(0.02):
            self.cut()


class _Watched:
    """A connection that the deadline in force can cut."""

    sock: socket.socket | None
    _opened: socket.socket | None = None

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # of the urllib3 class beside this one
        # Kept, because urllib3 forgets the socket of an answer that ends with the connection.
        self._opened = self.sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        _current.get().cut = self.cut
        super().request(*args, **kwargs)  # type: ignore[misc]  # as above

    def cut(self) -> None:
        """End all reading and writing; the reader sees the end of the stream."""
        for opened in filter(None, {self.sock, self._opened}):
            with suppress(OSError):  # closed already
                # Not SSLSocket.shutdown: it takes the TLS state away from under the reader.
                socket.socket.shutdown(opened, socket.SHUT_RDWR)


class _WatchedHTTPConnection(_Watched, HTTPConnection):
    pass


class _WatchedHTTPSConnection(_Watched, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPSConnection


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections obey the :class:`Deadline` in force."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool manager, with connections of ours."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def close(self) -> None:
        """Close the connections, now: urllib3 alone would leave that to the garbage collector."""
        pools = self.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118  # iterating over it is forbidden
            pools[key].close()
        super().close()
