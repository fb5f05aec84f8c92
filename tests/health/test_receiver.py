"""Results of other sites: who may send, what is taken, and each payload once."""

import gzip
import json
import threading
import time
import tracemalloc
import zlib
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from django_health_check_job.engine.signing import sign, verify
from django_health_check_job.models import Check, HeathCheckJob, Receipt, Sender, StateChange
from django_health_check_job.services.transport import send_payload

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.health.urls")]

URL = "/health/v1/metrics"


@pytest.fixture(autouse=True)
def receiver(health, settings):
    settings.PERSIST_HEALTH_CHECK_DATA = True
    health(RECEIVER={"APPS": {"shop": {"API_KEY": "key"}}}, FAILURES=2)


def payload(status=1, **more):
    now = timezone.now().isoformat()
    checks = [{"name": "Database", "status": status, "message": "as it is"}]
    return {"timestamp": now, "sync_app_id": "shop", "checks": checks, **more}


def post(document=None, *, body: bytes | None = None, key: str | None = "key", **headers):
    if body is None:
        body = json.dumps(payload() if document is None else document).encode()
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return Client().post(URL, body, content_type="application/json", headers=headers)


def test_payload_is_stored_under_its_site():
    response = post()

    assert (response.status_code, response.json()) == (201, {"accepted": 1, "duplicate": False})
    row = HeathCheckJob.objects.select_related("check_row").get()
    assert (row.name, row.status, row.check_row.source) == ("Database", 1, "shop")
    assert Sender.objects.get().app_id == "shop"


def test_same_payload_again_is_answered_and_not_stored():
    document = payload(uuid="9d6bbbc5-1f0f-4bc5-8a3c-1d9ef2bd9c4a")
    for key in ("one", "one", None, None):
        post(document, **({"Idempotency-Key": key} if key else {}))

    response = post(document, **{"Idempotency-Key": "one"})

    assert (response.status_code, response.json()) == (200, {"accepted": 0, "duplicate": True})
    assert HeathCheckJob.objects.count() == 2
    assert Receipt.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"no json", 400),
        (b"[]", 400),
        (b'{"sync_app_id": "shop", "checks": NaN}', 400),
        (b"[" * 100_000, 400),
        (b"\xff\xfe", 400),
        (b'{"checks": []}', 400),
        (b'{"sync_app_id": "shop"}', 400),
        (b'{"sync_app_id": "shop", "checks": [{"name": "A", "status": 7}]}', 400),
        (b"x" * 2_000_000, 413),
    ],
)
def test_what_is_no_payload_is_refused_with_a_sentence(body, status):
    response = post(body=body)

    assert response.status_code == status
    assert response.json()["error"].endswith(".")
    assert not Receipt.objects.exists()


def test_too_many_checks_are_refused():
    many = [{"name": f"C{one}", "status": 1, "message": ""} for one in range(501)]

    assert post(payload(checks=many)).status_code == 413


def test_unknown_site_and_wrong_key_get_the_same_answer():
    wrong = post(key="guess")
    missing = post(key=None)
    unknown = post(payload(sync_app_id="nobody"))

    assert {one.status_code for one in (wrong, missing, unknown)} == {401}
    assert len({one.content for one in (wrong, missing, unknown)}) == 1
    assert "Bearer" in wrong["WWW-Authenticate"]
    assert not HeathCheckJob.objects.exists()


def test_only_posts_are_taken():
    assert Client().get(URL).status_code == 405
    assert Client(enforce_csrf_checks=True).post(f"{URL}/", b"", "text/plain").status_code == 400


def test_compressed_body_is_taken():
    body = gzip.compress(json.dumps(payload()).encode())

    assert post(body=body, **{"Content-Encoding": "gzip"}).status_code == 201
    halves = json.dumps(payload()).encode()
    two = gzip.compress(halves[:20]) + gzip.compress(halves[20:])
    assert post(body=two, **{"Content-Encoding": "gzip"}).status_code == 201


@pytest.mark.parametrize(
    "body",
    [b"none", gzip.compress(b"{}")[:-9], gzip.compress(b"{}") + b"x"],
    ids=["none", "cut short", "with more behind it"],
)
def test_broken_gzip_is_refused(body):
    assert post(body=body, **{"Content-Encoding": "gzip"}).status_code == 400


def test_other_encodings_are_refused():
    assert post(body=zlib.compress(b"{}"), **{"Content-Encoding": "br"}).status_code == 415


def test_bomb_is_not_unpacked():
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(300)) + packer.flush()
    assert len(bomb) < 1_000_000
    tracemalloc.start()

    response = post(body=bomb, **{"Content-Encoding": "gzip"})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert response.status_code == 413
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("age", "tamper", "status"),
    [(0, b"", 201), (299, b"", 201), (301, b"", 401), (-301, b"", 401), (0, b" ", 401)],
)
def test_signature_holds_for_its_body_and_its_time(health, age, tamper, status):
    health(RECEIVER={"APPS": {"shop": {"HMAC_SECRET": "secret"}}})
    body = json.dumps(payload()).encode()
    moment = str(int(time.time()) - age)
    signature = sign(b"secret", moment, body)

    response = post(
        body=body + tamper,
        key=None,
        **{"X-Signature-Timestamp": moment, "X-Signature": signature},
    )

    assert response.status_code == status


@pytest.mark.parametrize("moment", ["", "now", "²", "9" * 13])
def test_moment_that_is_none_is_refused(health, moment):
    health(RECEIVER={"APPS": {"shop": {"HMAC_SECRET": "secret"}}})

    headers = {"X-Signature-Timestamp": moment.encode().decode("latin-1"), "X-Signature": "v1=00"}

    assert post(key=None, **headers).status_code == 401


def test_signature_of_another_secret_does_not_fit():
    assert verify(b"a", "1", b"body", sign(b"a", "1", b"body"))
    assert not verify(b"b", "1", b"body", sign(b"a", "1", b"body"))


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_stored():
    document = payload(uuid="9d6bbbc5-1f0f-4bc5-8a3c-1d9ef2bd9c4a")
    post()
    barrier, statuses = threading.Barrier(4), []

    def send() -> None:
        barrier.wait()
        try:
            statuses.append(post(document).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses.count(201) == 1
    assert set(statuses) <= {200, 201, 503}
    assert HeathCheckJob.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_states_of_another_site_change_with_one_signal_each(changes):
    for status in (1, 0, 0, 0, 1, 1):
        assert post(payload(status)).status_code == 201

    assert [(one["source"], one["old"], one["new"]) for one in changes] == [
        ("shop", "UNKNOWN", "UP"),
        ("shop", "UP", "DOWN"),
        ("shop", "DOWN", "UP"),
    ]
    assert StateChange.objects.filter(announced_at=None).count() == 0


def test_clock_that_is_ahead_makes_no_later_result_look_old():
    ahead = (timezone.now() + timedelta(hours=1)).isoformat()
    post(payload(1, timestamp=ahead))

    post(payload(0))

    assert Check.objects.get().last_state == "DOWN"


def test_late_payload_changes_no_state():
    post(payload(1))

    post(payload(0, timestamp="2020-01-01T00:00:00"))

    assert Check.objects.get().last_state == "UP"
    assert HeathCheckJob.objects.count() == 2


def test_without_persistence_only_the_state_is_kept(settings):
    settings.PERSIST_HEALTH_CHECK_DATA = False

    post()

    assert Check.objects.get().last_state == "UP"
    assert not HeathCheckJob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_our_sender_and_our_receiver_understand_each_other(health, live_server, settings):
    app = {"API_KEY": "key", "HMAC_SECRET": "secret"}
    health(
        RECEIVER={"APPS": {"shop": app}},
        SYNC={**app, "GZIP": True, "EXTENDED": True},
    )
    settings.SYNC_SERVER_URL, settings.SYNC_APP_ID = f"{live_server.url}/health", "shop"
    one = {"name": "A", "status": 1, "message": "", "state": "WARN", "duration_seconds": 0.5}

    for _ in range(2):
        send_payload({"checks": [one]}, key="k1")

    row = HeathCheckJob.objects.get()
    assert (row.state, row.duration_seconds) == ("WARN", 0.5)


def test_no_result_is_lost_while_the_database_is_away(monkeypatch):
    from django.db import OperationalError

    from django_health_check_job.services import receiving

    def fail(*args, **kwargs):
        raise OperationalError("gone")

    # The one thing here that cannot be had on demand in a moment: see the proofs for the rest.
    monkeypatch.setattr(receiving, "record_received", fail)

    response = post()

    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert not Receipt.objects.exists()
