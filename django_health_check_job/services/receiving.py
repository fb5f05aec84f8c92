"""
Take results from other sites: who may send, what is taken, and each payload once.

The order of the questions is that of their cost, and nothing is parsed before its length is known:
size, unpacking within bounds, JSON, the sender, its key and its signature, and then the payload.
"""

import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from django.db import IntegrityError, router, transaction

from django_health_check_job.conf import ReceiverAppSettings, ReceiverSettings, get_conf
from django_health_check_job.engine.signing import verify
from django_health_check_job.exceptions import DjangoHealthCheckJobError, PayloadError
from django_health_check_job.models import Receipt, Sender
from django_health_check_job.services.incoming import record_received
from django_health_check_job.services.payloads import Payload, read_payload

__all__ = ["ReceiveError", "Received", "receive"]

_LONGEST_KEY = 64
# One block of an unpacker's output; the bound is checked between two.
_BLOCK = 65_536


class ReceiveError(DjangoHealthCheckJobError):
    """The request is not taken; its sender mends it. ``status`` is the HTTP status that says so."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Received:
    """What was taken: how many checks, and whether the payload was here before."""

    accepted: int
    is_duplicate: bool


def receive(body: bytes, headers: Mapping[str, str], *, now: datetime) -> Received:
    """
    Store what another site has sent.

    Args:
        body: as it came over the wire, at most ``RECEIVER["MAX_BODY_BYTES"]`` of it.
        headers: of the request; names in any case.
        now: the moment of reception.

    Raises:
        ReceiveError: nothing was stored.
        DatabaseError: nothing was stored, and the sender should come again.
    """
    conf = get_conf().RECEIVER
    text = _unpacked(body, headers.get("Content-Encoding", "identity"), conf.MAX_BODY_BYTES)
    document = _document(text)
    app_id = _authenticated(document.get("sync_app_id"), body, headers, conf, now)
    try:
        payload = read_payload(document)
    except PayloadError as error:
        raise ReceiveError(400, str(error)) from error
    if len(payload.checks) > conf.MAX_CHECKS:
        raise ReceiveError(
            413, f"The payload has {len(payload.checks)} checks, and {conf.MAX_CHECKS} are taken."
        )
    return _store(app_id, _key(headers.get("Idempotency-Key"), payload, text), payload, now)


def _store(app_id: str, key: str, payload: Payload, now: datetime) -> Received:
    using = router.db_for_write(Receipt)
    try:
        with transaction.atomic(using=using):
            # First: of two that come at once, the database lets one through.
            Receipt.objects.using(using).create(app_id=app_id, key=key, received_at=now)
            Sender.objects.using(using).update_or_create(
                app_id=app_id,
                defaults={"last_seen_at": now},
                create_defaults={"first_seen_at": now, "last_seen_at": now},
            )
            return Received(record_received(app_id, payload, now=now), is_duplicate=False)
    except IntegrityError:
        if Receipt.objects.using(using).filter(app_id=app_id, key=key).exists():
            return Received(0, is_duplicate=True)
        raise


def _unpacked(body: bytes, encoding: str, most: int) -> bytes:
    if len(body) > most:
        _refuse_size(most)
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise ReceiveError(415, f"Content-Encoding must be gzip or none, got {encoding[:40]!r}.")
    unpacked = bytearray()
    rest = body
    try:
        while rest:
            # One member of the file; 16 + MAX_WBITS asks for gzip's own header.
            member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            while not member.eof:
                block = member.decompress(rest, _BLOCK)
                rest = member.unconsumed_tail
                unpacked += block
                if len(unpacked) > most:
                    _refuse_size(most)
                if not block and not rest and not member.eof:
                    raise ReceiveError(400, "The body's gzip ends too early.")
            rest = member.unused_data
    except zlib.error as error:
        raise ReceiveError(400, "The body is no gzip.") from error
    return bytes(unpacked)


def _refuse_size(most: int) -> NoReturn:
    raise ReceiveError(413, f"The body is longer than {most} bytes.")


def _document(text: bytes) -> dict[str, Any]:
    def refuse(word: str) -> NoReturn:
        raise ValueError(word)

    try:
        document = json.loads(text.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise ReceiveError(400, "The body is no JSON in UTF-8.") from error
    if not isinstance(document, dict):
        raise ReceiveError(400, "The body must be a JSON object.")
    return document


def _authenticated(
    app_id: Any,
    body: bytes,
    headers: Mapping[str, str],
    conf: ReceiverSettings,
    now: datetime,
) -> str:
    """Return the sender's id, once it has shown that it is the sender."""
    if not isinstance(app_id, str):
        raise ReceiveError(400, "'sync_app_id' is missing, or no text.")
    app = conf.APPS.get(app_id)
    # The same answer for a wrong key and for a site that is not known: nobody learns which exist.
    if app is None or not _has_key(app, headers) or not _is_signed(app, body, headers, conf, now):
        raise ReceiveError(401, "This site may not send: its id, key or signature is wrong.")
    return app_id


def _has_key(app: ReceiverAppSettings, headers: Mapping[str, str]) -> bool:
    if app.API_KEY is None:
        return True
    expected = f"Bearer {app.API_KEY.get_secret_value()}".encode()
    return hmac.compare_digest(headers.get("Authorization", "").encode(), expected)


def _is_signed(
    app: ReceiverAppSettings,
    body: bytes,
    headers: Mapping[str, str],
    conf: ReceiverSettings,
    now: datetime,
) -> bool:
    if app.HMAC_SECRET is None:
        return True
    timestamp = headers.get("X-Signature-Timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    if abs(now.timestamp() - int(timestamp)) > conf.MAX_AGE_SECONDS:
        return False
    secret = app.HMAC_SECRET.get_secret_value().encode()
    return verify(secret, timestamp, body, headers.get("X-Signature", ""))


def _key(header: str | None, payload: Payload, text: bytes) -> str:
    """Return by what the payload is known again: the header, its uuid, or its own bytes."""
    if header and header.isprintable() and len(header) <= _LONGEST_KEY:
        return header
    if header is None and payload.uuid is not None:
        return str(payload.uuid)
    return hashlib.sha256(text if header is None else header.encode()).hexdigest()
