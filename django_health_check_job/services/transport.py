"""One request to the monitoring server."""

import gzip
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django_health_check_job.conf import SyncSettings, get_conf, get_published
from django_health_check_job.engine.signing import sign
from django_health_check_job.exceptions import DjangoHealthCheckJobError
from django_health_check_job.services.payloads import to_body

if TYPE_CHECKING:
    import requests

__all__ = ["is_refusal", "send_payload"]

_PATH = "/v1/metrics"
# The server has understood the request, and will never take this payload.
_REFUSALS = (400, 413, 422)


def send_payload(payload: Mapping[str, Any], *, key: str | None = None) -> None:
    """
    Send a payload once, and return when the server has taken it.

    Args:
        payload: as published; it stays as it is.
        key: by which the server knows it again; None uses the payload's ``uuid``.

    Raises:
        DjangoHealthCheckJobError: a setting is missing, or requests is not installed.
        requests.exceptions.HTTPError: the server answered with anything but success.
        requests.exceptions.RequestException: it could not be asked.
    """
    requests = _requests()
    url, app_id = _address()
    conf = get_conf().SYNC
    body = to_body(payload, app_id)
    headers = {"Content-Type": "application/json"}
    if (key := key or _text(payload.get("uuid"))) is not None:
        headers["Idempotency-Key"] = key
    if conf.GZIP:
        # Without a moment in it: the same payload has the same bytes.
        body = gzip.compress(body, mtime=0)
        headers["Content-Encoding"] = "gzip"
    headers |= _proofs(conf, body)
    # A redirect would repeat the request elsewhere, or as a GET: the setting is to be mended.
    # Nothing of the answer's body is needed, and it may be of any length.
    with requests.post(
        url,
        data=body,
        headers=headers,
        timeout=conf.TIMEOUT_SECONDS,
        allow_redirects=False,
        stream=True,
        # Or a line in ~/.netrc would take the place of our key.
        auth=lambda request: request,
    ) as response:
        _raise_for_status(response)


def is_refusal(error: BaseException) -> bool:
    """Return whether the server will never take this payload, however often it is sent."""
    response = getattr(error, "response", None)
    return response is not None and response.status_code in _REFUSALS


def _address() -> tuple[str, str]:
    published = get_published()
    if not published.SYNC_SERVER_URL:
        raise DjangoHealthCheckJobError("SYNC_SERVER_URL setting is not set")
    if not published.SYNC_APP_ID:
        raise DjangoHealthCheckJobError("SYNC_APP_ID setting is not set")
    return f"{published.SYNC_SERVER_URL.rstrip('/')}{_PATH}", published.SYNC_APP_ID


def _proofs(conf: SyncSettings, body: bytes) -> dict[str, str]:
    """Return the headers that show who sends."""
    headers = {}
    if conf.API_KEY is not None:
        headers["Authorization"] = f"Bearer {conf.API_KEY.get_secret_value()}"
    if conf.HMAC_SECRET is not None:
        timestamp = str(int(time.time()))
        secret = conf.HMAC_SECRET.get_secret_value().encode()
        headers["X-Signature-Timestamp"] = timestamp
        headers["X-Signature"] = sign(secret, timestamp, body)
    return headers


def _raise_for_status(response: "requests.Response") -> None:
    if 200 <= response.status_code < 300:
        return
    response.raise_for_status()
    requests = _requests()
    raise requests.exceptions.HTTPError(
        f"{response.status_code}: the server sends elsewhere. Put the address that it means into "
        "SYNC_SERVER_URL.",
        response=response,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _requests() -> Any:
    try:
        import requests
    except ImportError as error:
        raise DjangoHealthCheckJobError(
            "Sending results needs requests: install django-opskit[health-check-job]."
        ) from error
    return requests
