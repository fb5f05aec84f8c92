"""How we prove who we are to a source: an API key, or OAuth 2 client credentials."""

from base64 import b64encode
from typing import Protocol
from urllib.parse import quote_plus

from pydantic import ValidationError

from timetracker.sync.caller import Caller, Timing
from timetracker.sync.conf import SyncSettings
from timetracker.sync.contract import TokenAnswer, TokenRefusal, faults
from timetracker.sync.engine.addresses import shown
from timetracker.sync.engine.waiting import token_lifetime_s
from timetracker.sync.exceptions import AnswerError, CredentialsError
from timetracker.sync.transport import Reply, Request

__all__ = ["Credentials", "credentials_for"]


class Credentials(Protocol):
    """What a request to the source carries, and what to do when the source refuses it."""

    def headers(self) -> dict[str, str]:
        """Return the header fields; may ask a token server for them."""
        ...

    def renew(self) -> bool:
        """Drop what was refused; say whether there may be something better now."""
        ...


class _Fixed:
    """Header fields that never change: an API key, or none."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    def headers(self) -> dict[str, str]:
        return self._headers

    def renew(self) -> bool:
        return False


class _ClientCredentials:
    """
    A bearer token, asked for when there is none, or when the one there is will soon expire.

    Source: RFC 6749, sections 4.4 and 2.3.1; RFC 6750, section 2.1.
    """

    def __init__(self, conf: SyncSettings, caller: Caller, timing: Timing) -> None:
        self._conf = conf
        self._caller = caller
        self._timing = timing
        self._token = ""
        self._fresh_until: float | None = None

    def headers(self) -> dict[str, str]:
        is_stale = self._fresh_until is not None and self._timing.monotonic() >= self._fresh_until
        if not self._token or is_stale:
            self._fetch()
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        self._token = ""
        return True

    def _fetch(self) -> None:
        form = {"grant_type": "client_credentials"}
        if self._conf.SCOPE:
            form["scope"] = self._conf.SCOPE
        headers = {"Accept": "application/json", "Authorization": self._basic()}
        asked_at = self._timing.monotonic()
        reply = self._caller.call(Request("POST", self._conf.TOKEN_URL, headers, form))
        if reply.status != 200:
            raise CredentialsError(
                f"{shown(self._conf.TOKEN_URL)} gave no token: status {reply.status}"
                f"{_told(reply)}. Look at CLIENT_ID and CLIENT_SECRET in TIMETRACKER_SYNC."
            )
        try:
            answer = TokenAnswer.model_validate_json(reply.body)
        except ValidationError as error:
            raise AnswerError(
                f"{shown(self._conf.TOKEN_URL)} gave no usable token: {faults(error)}."
            ) from None
        self._token = answer.access_token
        lifetime = answer.expires_in
        self._fresh_until = None if lifetime is None else asked_at + token_lifetime_s(lifetime)

    def _basic(self) -> str:
        # Encoded as a form first, so that a colon in the id cannot end it.
        pair = (self._conf.CLIENT_ID, self._conf.CLIENT_SECRET.get_secret_value())
        return "Basic " + b64encode(":".join(map(quote_plus, pair)).encode()).decode()


def credentials_for(conf: SyncSettings, caller: Caller, timing: Timing) -> Credentials:
    """Return the credentials that the settings hold; none at all is for an open source."""
    if conf.CLIENT_ID:
        return _ClientCredentials(conf, caller, timing)
    key = conf.API_KEY.get_secret_value()
    return _Fixed({conf.API_KEY_HEADER: key} if key else {})


def _told(reply: Reply) -> str:
    """Return the error code of a refusal (RFC 6749, section 5.2), when there is one."""
    try:
        return f", {TokenRefusal.model_validate_json(reply.body).error}"
    except ValidationError:
        return ""
