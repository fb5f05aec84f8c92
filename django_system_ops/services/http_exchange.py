"""One request to an HTTP server of others, and how long its answer took."""

import base64
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from django_system_ops.exceptions import SystemOpsError

__all__ = ["Answer", "NoAnswerError", "get", "secrets_of", "shown_address"]

_DEFAULT_PORTS = {"http": 80, "https": 443}
# Enough to see that a body comes; whoever sends gigabytes is not waited for.
_MOST_BYTES = 64 * 1024


class NoAnswerError(SystemOpsError):
    """Nobody answered, or not in HTTP; the text says why, and holds no address."""


@dataclass(frozen=True)
class Answer:
    """
    What a server said.

    Attributes:
        status: the HTTP status, after redirects to the same server.
        latency_ms: from the first word to the last byte that was read.
        redirects_away: whether it sends its callers to another server or scheme.
    """

    status: int
    latency_ms: float
    redirects_away: bool = False


def get(url: str, *, headers: Mapping[str, str], timeout_seconds: float) -> Answer:
    """
    Ask for ``url``; TLS certificates are verified.

    ``timeout_seconds`` is the longest wait for each step, not the whole: whoever needs a deadline
    sets one beside it. Redirects are followed to the same scheme, host and port only, so that the
    headers, which may be secrets, reach nobody else.

    Raises:
        NoAnswerError: it could not be asked.
    """
    address, own_headers = _without_credentials(url)
    # The scheme is http or https: no other handler is installed below.
    request = Request(address, headers={**own_headers, **headers})  # noqa: S310
    begun = time.perf_counter()
    try:
        with _opener().open(request, timeout=timeout_seconds) as response:
            response.read(_MOST_BYTES)
            status, redirects_away = response.status, False
    except HTTPError as error:
        with error:
            status, redirects_away = error.code, 300 <= error.code < 400 and error.code != 304
    except (OSError, HTTPException, ValueError) as error:
        raise NoAnswerError(_reason(error)) from error
    return Answer(status, (time.perf_counter() - begun) * 1000, redirects_away)


def shown_address(url: str) -> str:
    """Return an address as it may be shown: without credentials, and without its query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def secrets_of(url: str) -> list[str]:
    """Return what must not be shown of an address: its password, and its query."""
    parts = urlsplit(url)
    return [part for part in (parts.password, unquote(parts.password or ""), parts.query) if part]


class _SameServer(HTTPRedirectHandler):
    """Follows a redirect that stays where it is; any other is the answer."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        if _origin(newurl) != _origin(req.full_url):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> OpenerDirector:
    # By hand: urllib's usual one would read file:// and ftp:// too.
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        HTTPHandler(),
        HTTPSHandler(context=ssl.create_default_context()),
        _SameServer(),
        HTTPErrorProcessor(),
        HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return (parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme))


def _without_credentials(url: str) -> tuple[str, dict[str, str]]:
    """Return the address without name and password, and the headers that say them instead."""
    parts = urlsplit(url)
    headers = {"User-Agent": "django-opskit", "Accept": "*/*"}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path or "/", parts.query, "")), headers


def _reason(error: BaseException) -> str:
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        return _reason(error.reason)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    if isinstance(error, OSError):
        return " ".join(str(error).split()) or type(error).__name__
    # What is no HTTP may quote what was sent; the kind of error says enough.
    return f"what came is no HTTP ({type(error).__name__})"
