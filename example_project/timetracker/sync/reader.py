"""Documents of one source: with our credentials, and never from anywhere else."""

import json
from typing import Any

from timetracker.sync.caller import Caller
from timetracker.sync.credentials import Credentials
from timetracker.sync.engine.addresses import join, origin, shown
from timetracker.sync.exceptions import AnswerError, CredentialsError, FetchError, OriginError
from timetracker.sync.transport import Reply, Request

__all__ = ["SourceReader", "document"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_HOPS = 5
# What to do about a refusal; any other status speaks for itself.
_ADVICE = {
    404: "Is it the address of the task list?",
    410: "It no longer knows what was deleted since the last run: run with --full.",
}


class SourceReader:
    """Gets JSON from the scheme, host and port of ``source``, and follows links within it."""

    def __init__(self, source: str, caller: Caller, credentials: Credentials) -> None:
        self._origin = origin(source)
        self._caller = caller
        self._credentials = credentials

    def get(self, url: str, *, etag: str = "") -> Reply:
        """
        Return the answer at ``url``: 200, or 304 when ``etag`` still holds.

        Raises:
            CredentialsError: refused, also with fresh credentials.
            FetchError: any other refusal; see also :meth:`Caller.call` and :meth:`follow`.
        """
        condition = {"If-None-Match": etag} if etag else {}
        may_renew = True
        for _ in range(_MAX_HOPS):
            headers = {"Accept": "application/json", **condition, **self._credentials.headers()}
            reply = self._caller.call(Request("GET", url, headers))
            if reply.status in _REDIRECTS:
                url = self.follow(url, reply.headers.get("Location", ""))
            elif reply.status == 401 and may_renew and self._credentials.renew():
                may_renew = False
            elif reply.status == 200 or (reply.status == 304 and etag):
                return reply
            else:
                raise _refusal(reply)
        raise AnswerError(f"{shown(url)} is only ever redirected.")

    def follow(self, url: str, link: str) -> str:
        """
        Return where ``link`` leads from ``url``.

        Raises:
            OriginError: to another scheme, host or port, where our credentials do not belong.
            AnswerError: nowhere.
        """
        try:
            target = join(url, link)
        except ValueError as error:
            raise AnswerError(f"{shown(url)} has a link that {error}.") from error
        if origin(target) != self._origin:
            raise OriginError(
                f"{shown(url)} points to {origin(target)}, where its credentials are not sent. "
                "If the list has moved, make that its address."
            )
        return target


def document(reply: Reply) -> Any:
    """
    Return the JSON of an answer.

    Raises:
        AnswerError: it is something else, such as the page of a proxy.
    """
    if reply.media_type != "application/json" and not reply.media_type.endswith("+json"):
        raise AnswerError(
            f"{shown(reply.url)} answered with {reply.media_type or 'no content type'!r}, "
            "not with JSON. Is it the address of the task list?"
        )
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"{shown(reply.url)} answered with broken JSON: {error}.") from error


def _refusal(reply: Reply) -> FetchError:
    place = shown(reply.url)
    if reply.status in {401, 403}:
        return CredentialsError(
            f"{place} refused our credentials with status {reply.status}. "
            "Look at those in TIMETRACKER_SYNC."
        )
    advice = _ADVICE.get(reply.status, "")
    return FetchError(f"{place} answered with status {reply.status}. {advice}".rstrip())
