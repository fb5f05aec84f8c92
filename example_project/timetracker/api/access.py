"""Who asks: API keys, OAuth 2 access tokens, and how often each client may ask."""

import math
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import unquote_plus

from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac
from pydantic import SecretStr

from timetracker.api.conf import ApiSettings
from timetracker.api.exceptions import ApiError

__all__ = ["authenticated", "count_request", "issue_token"]

_WINDOW_SECONDS = 60


def authenticated(request: HttpRequest, conf: ApiSettings) -> str:
    """
    Return who asks for the task list, proven by ``X-API-Key`` or a bearer token.

    Raises:
        ApiError: 401, with the challenge of RFC 6750, section 3.
    """
    key = request.headers.get("X-API-Key", "")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if key:
        holder = _holder(conf.API_KEYS, key)
        if holder is not None:
            return f"key {holder}"
    elif scheme.lower() == "bearer":
        client_id = _token_holder(token.strip(), conf)
        if client_id is not None:
            return f"client {client_id}"
    else:
        raise ApiError(
            401,
            "unauthorized",
            "Send an API key in X-API-Key, or a bearer token in Authorization.",
            {"WWW-Authenticate": 'Bearer realm="tasks"'},
        )
    raise ApiError(
        401,
        "invalid_token",
        "The API key or token is unknown or has expired.",
        {"WWW-Authenticate": 'Bearer realm="tasks", error="invalid_token"'},
    )


def issue_token(request: HttpRequest, conf: ApiSettings) -> dict[str, str | int]:
    """
    Return an access token for the client that asks (RFC 6749, sections 4.4 and 5.1).

    Raises:
        ApiError: the request is wrong, or the client is not who it says it is.
    """
    client_id, secret = _client_credentials(request)
    if request.POST.get("grant_type") != "client_credentials":
        raise ApiError(400, "unsupported_grant_type", "Send grant_type=client_credentials.")
    known = conf.OAUTH_CLIENTS.get(client_id)
    if known is None or not constant_time_compare(known.get_secret_value(), secret):
        raise _unknown_client()
    token = _signer().sign_object({"client": client_id, "proof": _proof(known)})
    return {"access_token": token, "token_type": "Bearer", "expires_in": conf.TOKEN_SECONDS}


def count_request(client: str, conf: ApiSettings, *, now: float) -> dict[str, str]:
    """
    Count a request of ``client``, and return the header field that tells what it has left.

    A minute begins with the first request in it. ``now`` is Unix time. The field has the form
    of draft-ietf-httpapi-ratelimit-headers-08 and later.

    Raises:
        ApiError: 429, with ``Retry-After``, when the minute's requests are used up.
    """
    window = f"timetracker.api:{client.replace(' ', ':')}"
    began = cache.get_or_set(window, now, timeout=_WINDOW_SECONDS) or now
    counter = f"{window}:{began}"
    cache.add(counter, 0, timeout=_WINDOW_SECONDS)
    try:
        used = cache.incr(counter)
    except ValueError:
        used = 1  # the cache has dropped the counter since the line before
    seconds = max(1, math.ceil(began + _WINDOW_SECONDS - now))
    if used > conf.REQUESTS_PER_MINUTE:
        raise ApiError(
            429,
            "too_many_requests",
            f"{conf.REQUESTS_PER_MINUTE} requests a minute are allowed. Wait {seconds} s.",
            {"Retry-After": str(seconds)},
        )
    return {"RateLimit": f'"minute";r={conf.REQUESTS_PER_MINUTE - used};t={seconds}'}


def _holder(secrets: Mapping[str, SecretStr], given: str) -> str | None:
    """Return whose secret this is; takes as long for a wrong one as for a right one."""
    holder = None
    for name, secret in secrets.items():
        if constant_time_compare(secret.get_secret_value(), given):
            holder = name
    return holder


def _token_holder(token: str, conf: ApiSettings) -> str | None:
    try:
        content = _signer().unsign_object(token, max_age=conf.TOKEN_SECONDS)
    except (signing.BadSignature, ValueError):
        return None
    # A client that is gone, or whose secret has changed since, has lost its tokens too.
    known = conf.OAUTH_CLIENTS.get(content["client"])
    if known is None or not constant_time_compare(_proof(known), content["proof"]):
        return None
    return str(content["client"])


def _client_credentials(request: HttpRequest) -> tuple[str, str]:
    """Return the client's id and secret, from Basic authentication or from the form."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    form = (request.POST.get("client_id", ""), request.POST.get("client_secret", ""))
    if not scheme:
        return form
    if any(form):
        raise ApiError(400, "invalid_request", "Send the credentials once: header or form.")
    try:
        if scheme.lower() != "basic":
            raise _unknown_client()
        client_id, _, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError as error:
        raise _unknown_client() from error
    return unquote_plus(client_id), unquote_plus(secret)


def _unknown_client() -> ApiError:
    return ApiError(
        401,
        "invalid_client",
        "The client is unknown, or its secret is wrong.",
        {"WWW-Authenticate": 'Basic realm="token"'},
    )


def _proof(secret: SecretStr) -> str:
    return salted_hmac(
        "timetracker.api.proof", secret.get_secret_value(), algorithm="sha256"
    ).hexdigest()


def _signer() -> signing.TimestampSigner:
    # Its usual separator, a colon, may not stand in a bearer token (RFC 6750, section 2.1).
    return signing.TimestampSigner(sep=".", salt="timetracker.api.token")
