"""One request and its answer, within bounds of time and size."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Literal

import requests

from timetracker.sync.conf import SyncSettings
from timetracker.sync.deadline import Deadline, DeadlineAdapter
from timetracker.sync.engine.addresses import origin
from timetracker.sync.exceptions import AnswerError, FetchError, UnreachableError

__all__ = ["Reply", "Request", "Transport"]

_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Request:
    """What is asked; header fields and form may hold secrets."""

    method: Literal["GET", "POST"]
    url: str
    headers: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Reply:
    """What was answered; header fields are found in any case of their names."""

    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        # Even with allow_redirects=False requests would prepare the next request, and for that
        # read the whole body of the redirect, however long.
        return None


class Transport:
    """
    Sends requests over one session, one at a time.

    Redirects are answers like any other. Nothing comes from the environment: neither proxies,
    which would read what plain http carries, nor ``~/.netrc``, whose passwords are not ours.
    """

    def __init__(self, conf: SyncSettings) -> None:
        self._conf = conf
        self._session = _Session()
        self._session.trust_env = False
        self._session.verify = conf.CA_FILE or True
        self._session.headers["User-Agent"] = "timetracker-sync"
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, DeadlineAdapter(max_retries=0))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def send(self, request: Request) -> Reply:
        """
        Send ``request`` once and return the complete answer, whatever its status.

        Raises:
            UnreachableError: there was no complete answer in time.
            AnswerError: the answer is larger than allowed.
            FetchError: the connection cannot be made safely; trying again would not help.
        """
        seconds = self._conf.TOTAL_TIMEOUT_SECONDS
        late = f"{origin(request.url)} did not finish its answer within {seconds:g} s."
        with Deadline(seconds) as deadline:
            try:
                reply = self._exchange(request)
            except requests.RequestException as error:
                if deadline.has_passed:
                    raise UnreachableError(late) from error
                raise _failure(error, request) from error
            # An answer without a length looks complete when the deadline has cut it.
            if deadline.has_passed:
                raise UnreachableError(late)
        return reply

    def _exchange(self, request: Request) -> Reply:
        response = self._session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.form,
            timeout=(self._conf.CONNECT_TIMEOUT_SECONDS, self._conf.READ_TIMEOUT_SECONDS),
            allow_redirects=False,
            stream=True,
        )
        with closing(response):
            body = self._body(response)
        return Reply(request.url, response.status_code, response.headers, body)

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._conf.MAX_RESPONSE_BYTES:
                raise AnswerError(
                    f"{origin(response.url)} answered with more than "
                    f"{self._conf.MAX_RESPONSE_BYTES} bytes. Lower PAGE_SIZE or raise "
                    "MAX_RESPONSE_BYTES in TIMETRACKER_SYNC."
                )
        return bytes(body)


def _failure(error: requests.RequestException, request: Request) -> FetchError:
    """Return the sentence for ``error``, without what its own text says: the whole address."""
    place = origin(request.url)
    if isinstance(error, requests.exceptions.SSLError):
        return FetchError(f"{place} is not who it should be, or TLS failed: {_root(error)}.")
    if isinstance(error, requests.ConnectTimeout):
        return UnreachableError(f"{place} accepted no connection in time.")
    if isinstance(error, requests.ReadTimeout):
        return UnreachableError(f"{place} fell silent before its answer was complete.")
    return UnreachableError(f"The connection to {place} failed: {_root(error)}.")


def _root(error: BaseException) -> str:
    """Return the innermost reason: what the operating system or the TLS library said."""
    while error.__context__ is not None:
        error = error.__context__
    # It may also quote what a server sent in place of HTTP.
    text = str(error).rstrip(".")
    return text if text and text.isprintable() else type(error).__name__
