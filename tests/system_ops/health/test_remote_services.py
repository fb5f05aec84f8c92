"""Redis, and HTTP APIs of others."""

import socket
import ssl
import subprocess
from importlib.util import find_spec

import pytest

from django_system_ops.services.health import State
from tests.services import REDIS

REDIS_URL = f"redis://{REDIS.host}:{REDIS.port}/0"


needs_redis = pytest.mark.skipif(find_spec("redis") is None, reason="an extra")


@pytest.fixture
def redis():
    if not REDIS.answers():
        pytest.fail(REDIS.how_to_reach())


@pytest.fixture
def silent_port():
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@needs_redis
def test_redis_of_the_settings_answers_ping(asked, redis):
    result = asked("redis:settings", redis_url=REDIS_URL)

    assert (result.state, result.finding.sentence) == (State.OK, "answers PING")
    assert result.finding.details == (REDIS_URL,)


@needs_redis
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("CACHES", "redis:cache-second"),
        ("CELERY_BROKER_URL", "redis:celery-broker-url"),
        ("CELERY_RESULT_BACKEND", "redis:celery-result-backend"),
        ("CELERY", "redis:celery-broker-url"),
    ],
)
def test_redis_is_found_where_a_site_has_it(asked, settings, redis, name, found):
    second = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    values = {
        "CACHES": {**settings.CACHES, "second": second},
        "CELERY": {"broker_url": REDIS_URL},
    }
    setattr(settings, name, values.get(name, REDIS_URL))

    result = asked("redis")

    assert (result.name, result.state) == (found, State.OK)


@needs_redis
def test_redis_that_stands_in_two_places_is_asked_once(asked, settings, redis):
    settings.CELERY_BROKER_URL = settings.CELERY_RESULT_BACKEND = REDIS_URL

    assert asked("redis", redis_url=REDIS_URL).name == "redis:settings"


@needs_redis
def test_redis_of_several_addresses_is_asked_at_each(configure, settings, redis):
    from django_system_ops.services.health import check_health

    settings.CELERY_BROKER_URL = f"{REDIS_URL};redis://127.0.0.1:1/0"

    report = check_health(["redis"])

    assert [(one.name, one.state) for one in report.results] == [
        ("redis:celery-broker-url-1", State.OK),
        ("redis:celery-broker-url-2", State.FAIL),
    ]


def test_redis_that_nobody_set_up_is_skipped(asked):
    assert asked("redis").state is State.SKIP


@needs_redis
def test_redis_that_is_away_fails_without_its_password(asked):
    result = asked("redis", redis_url="redis://me:hunter22@127.0.0.1:1/0")

    assert result.state is State.FAIL
    assert "ConnectionError" in result.finding.sentence
    assert "hunter22" not in repr((result.finding.sentence, result.finding.details))


@needs_redis
def test_redis_that_does_not_want_this_password_fails(asked, redis):
    result = asked("redis", redis_url=f"redis://me:hunter22@{REDIS.host}:{REDIS.port}/0")

    assert result.state is State.FAIL
    assert "hunter22" not in result.finding.sentence


@needs_redis
def test_redis_that_says_nothing_fails(asked, silent_port):
    result = asked("redis", redis_url=f"redis://127.0.0.1:{silent_port}/0", timeout_seconds=0.3)

    assert result.state is State.FAIL


def test_celerys_spelling_of_an_option_of_tls_is_understood(asked, silent_port):
    url = f"rediss://127.0.0.1:{silent_port}/0?ssl_cert_reqs=CERT_REQUIRED"

    result = asked("redis", redis_url=url, timeout_seconds=0.3)

    assert "Invalid SSL" not in result.finding.sentence


def test_missing_library_of_redis_is_named(asked, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "redis", None)

    result = asked("redis", redis_url=REDIS_URL)

    assert (result.state, "django-opskit[redis]" in result.finding.sentence) == (State.FAIL, True)


@pytest.mark.parametrize(
    ("path", "status", "state", "sentence"),
    [
        ("/200", 200, State.OK, "answers 200"),
        ("/204", 204, State.OK, "answers 204"),
        ("/401", 401, State.OK, "answers 401"),
        ("/500", 200, State.FAIL, "answers 500; 200 is what it should say"),
        ("/204", 200, State.FAIL, "answers 204; 200 is what it should say"),
        ("/nonsense", 200, State.FAIL, "what came is no HTTP (BadStatusLine)"),
        ("/to?/200", 200, State.OK, "answers 200"),
    ],
)
def test_api_has_to_answer_with_its_status(asked, api, path, status, state, sentence):
    result = asked("api:pay", apis={"pay": {"url": api.url + path, "status": status}})

    assert (result.state, result.finding.sentence) == (state, sentence)


def test_api_that_is_away_fails(asked):
    result = asked("api", apis={"pay": {"url": "http://127.0.0.1:1/"}})

    assert (result.state, result.finding.sentence) == (State.FAIL, "connection refused")


def test_api_that_hangs_fails_within_its_own_time(asked, api):
    result = asked("api", apis={"pay": {"url": f"{api.url}/hang", "timeout_seconds": 0.3}})

    assert result.state is State.FAIL
    assert result.finding.sentence in ("no answer in time", "no answer within 0.3 s")


def test_api_gets_its_headers(asked, api):
    asked(
        "api", apis={"pay": {"url": f"{api.url}/200", "headers": {"X-Key": "k1", "Accept": "a/b"}}}
    )

    assert (api.headers[0]["X-Key"], api.headers[0]["Accept"]) == ("k1", "a/b")


def test_api_gets_the_name_and_password_of_its_address_and_nobody_sees_them(asked, api):
    url = f"http://me:hunter%2022@{api.place}/500?key=sesame7"

    result = asked("api", apis={"pay": {"url": url}})

    assert api.headers[0]["Authorization"] == "Basic bWU6aHVudGVyIDIy"
    assert result.finding.details == (f"{api.url}/500",)


@pytest.mark.parametrize(
    "target", ["https://{place}/200", "http://localhost:1/200", "file:///etc/passwd"]
)
def test_api_is_not_followed_elsewhere_with_its_headers(asked, api, target):
    url = f"{api.url}/to?{target.format(place=api.place)}"

    result = asked("api", apis={"pay": {"url": url, "headers": {"X-Key": "sesame77"}}})

    assert result.state is State.FAIL
    assert "answers 302, and sends its callers elsewhere" in result.finding.sentence
    assert len(api.paths) == 1


def test_api_whose_certificate_nobody_vouches_for_fails(asked, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=localhost", "-days", "1"],
        check=True, capture_output=True,
    )  # fmt: skip
    from tests.system_ops.health.servers import ApiServer

    server = ApiServer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server._server.socket = context.wrap_socket(
        server._server.socket, server_side=True, do_handshake_on_connect=False
    )
    try:
        result = asked("api", apis={"pay": {"url": f"https://{server.place}/200"}})
    finally:
        server.close()

    assert result.state is State.FAIL
    assert result.finding.sentence.startswith("its certificate is not to be trusted: ")
    assert server.paths == []
