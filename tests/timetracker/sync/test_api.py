"""This site's own task list, as others read it."""

from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.core import signing
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests.timetracker.sync.factories import TaskFactory
from timetracker.api.checks import check_settings
from timetracker.api.conf import get_conf
from timetracker.models import TaskCache

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.timetracker.sync.urls")]

KEY = "key-of-the-planner"
SECRET = "secret:of the wörker"
MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def conf(settings):
    settings.TIMETRACKER_API = {
        "API_KEYS": {"someone": "key-of-someone-else", "planner": KEY},
        "OAUTH_CLIENTS": {"worker": SECRET},
    }
    cache.clear()
    return settings.TIMETRACKER_API


@pytest.fixture
def get(client):
    def get(url="/api/tasks/", **headers):
        return client.get(url, headers={"X-API-Key": KEY, **headers})

    return get


def changed_at(task, moment):
    TaskCache.objects.filter(pk=task.pk).update(updated_at=moment)


def basic(client_id, secret):
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + b64encode(pair.encode()).decode()


def ask_for_token(client, **headers):
    headers = headers or {"Authorization": basic("worker", SECRET)}
    return client.post("/api/token/", {"grant_type": "client_credentials"}, headers=headers)


def test_a_task_has_the_form_of_the_contract(get):
    task = TaskFactory(external_id="T-1", is_active=False)
    changed_at(task, MONDAY)

    response = get()

    assert response.status_code == 200
    assert response.json()["tasks"] == [
        {
            "id": "T-1",
            "name": "Task T-1",
            "project_phase": "Build",
            "department": "Works",
            "discipline": "Electrical",
            "is_active": False,
            "updated_at": "2026-03-02T08:00:00Z",
        }
    ]
    assert response.json()["next"] is None
    now = datetime.fromisoformat(response.json()["server_time"])
    assert timedelta() <= timezone.now() - now < timedelta(minutes=1)
    assert response.headers["Cache-Control"] == "no-store"


def test_pages_are_cut_by_key_and_hold_each_task_once(get):
    # Three of them changed at the same moment, across the end of a page.
    for number, minutes in enumerate([0, 1, 1, 1, 2]):
        changed_at(TaskFactory(external_id=f"T-{number}"), MONDAY + timedelta(minutes=minutes))
    url, seen = "/api/tasks/?page_size=2", []

    while url:
        content = get(url).json()
        seen.append([task["id"] for task in content["tasks"]])
        url = content["next"]

    assert seen == [["T-0", "T-1"], ["T-2", "T-3"], ["T-4"]]


def test_a_task_that_changes_while_the_list_is_read_is_not_missed(get):
    tasks = [TaskFactory(external_id=f"T-{number}") for number in range(3)]
    for number, task in enumerate(tasks):
        changed_at(task, MONDAY + timedelta(minutes=number))
    first = get("/api/tasks/?page_size=2").json()
    changed_at(tasks[0], MONDAY + timedelta(hours=1))

    second = get(first["next"]).json()

    assert [task["id"] for task in second["tasks"]] == ["T-2", "T-0"]


def test_what_has_changed_since_includes_that_moment(get):
    for minutes in range(3):
        changed_at(TaskFactory(external_id=f"T-{minutes}"), MONDAY + timedelta(minutes=minutes))

    content = get("/api/tasks/?updated_since=2026-03-02T09:01:00%2B01:00").json()

    assert [task["id"] for task in content["tasks"]] == ["T-1", "T-2"]


def test_the_number_of_queries_is_always_the_same(get, django_assert_num_queries):
    for number in (1, 30):
        TaskFactory.create_batch(number)

        with django_assert_num_queries(3):
            get()


def test_a_list_as_the_client_knows_it_is_not_sent_again(get, django_assert_num_queries):
    TaskFactory()
    etag = get().headers["ETag"]

    with django_assert_num_queries(2):
        response = get("/api/tasks/?updated_since=2026-03-02T09:00:00Z", **{"If-None-Match": etag})

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["ETag"] == etag


@pytest.mark.parametrize("change", ["add", "change", "delete"])
def test_every_change_changes_the_etag(get, change):
    task = TaskFactory()
    etag = get().headers["ETag"]

    if change == "add":
        TaskFactory()
    elif change == "change":
        task.save()
    else:
        task.delete()

    assert get(**{"If-None-Match": etag}).status_code == 200


def test_only_the_first_page_has_an_etag(get):
    TaskFactory.create_batch(2)
    first = get("/api/tasks/?page_size=1")

    second = get(first.json()["next"], **{"If-None-Match": first.headers["ETag"]})

    assert second.status_code == 200
    assert "ETag" not in second.headers


def test_an_empty_list_has_a_state_too(get):
    assert get().headers["ETag"] == 'W/"empty/0"'


@pytest.mark.parametrize(
    "query",
    [
        "page_size=0",
        "page_size=501",
        "page_size=ten",
        "page_size=-1",
        "page_size=\u00b2",
        "updated_since=yesterday",
        "updated_since=2026-03-02T09:00:00",
        "updated_since=0001-01-01T00:00:00%2B14:00",
        "updated_since=",
        "after=%C3%BC",
        "after=abc",
        "after=fn4",
        "after=" + urlsafe_b64encode(b"2026-03-02T09:00:00Z~99999999999999999999").decode(),
        "after=" + urlsafe_b64encode(b"2026-03-02T09:00:00Z~one").decode(),
        "after=" + urlsafe_b64encode(b"yesterday~1").decode(),
    ],
)
def test_nonsense_is_refused_with_the_reason(get, query):
    response = get(f"/api/tasks/?{query}")

    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"
    assert response.json()["error_description"].startswith(query.partition("=")[0])


@pytest.mark.parametrize("size", ["1", "500"])
def test_the_largest_and_the_smallest_page_can_be_asked_for(get, size):
    assert get(f"/api/tasks/?page_size={size}&unknown=1").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": "wrong"},
        {"X-API-Key": "schlüssel"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {KEY}"},
        {"X-API-Key": "wrong", "Authorization": "Bearer wrong"},
    ],
)
def test_strangers_are_told_how_to_identify_themselves(client, headers):
    response = client.get("/api/tasks/", headers=headers)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="tasks"')
    assert response.json()["error"] in {"unauthorized", "invalid_token"}


def test_without_any_setting_nobody_gets_in(client, settings):
    settings.TIMETRACKER_API = {}

    assert client.get("/api/tasks/", headers={"X-API-Key": ""}).status_code == 401
    assert ask_for_token(client).status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_list_can_only_be_read(client, method):
    response = getattr(client, method)("/api/tasks/", headers={"X-API-Key": KEY})

    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")
    assert response.json()["error"] == "method_not_allowed"


def test_head_is_answered_without_a_body(client):
    response = client.head("/api/tasks/", headers={"X-API-Key": KEY})

    assert (response.status_code, response.content) == (200, b"")


def test_a_token_opens_the_list(client):
    answer = ask_for_token(client)

    token = answer.json()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    assert answer.headers["Cache-Control"] == "no-store"
    response = client.get(
        "/api/tasks/", headers={"Authorization": f"bearer {token['access_token']}"}
    )
    assert response.status_code == 200


def test_client_id_and_secret_may_stand_in_the_form(client):
    form = {"grant_type": "client_credentials", "client_id": "worker", "client_secret": SECRET}

    assert client.post("/api/token/", form).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        basic("worker", "wrong"),
        basic("stranger", SECRET),
        "Basic !!!",
        "Basic " + b64encode(b"\xff").decode(),
        "Basic " + b64encode(b"no-colon").decode(),
        "Bearer abc",
    ],
)
def test_a_client_that_is_not_who_it_says_gets_no_token(client, header):
    response = ask_for_token(client, Authorization=header)

    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"
    assert response.headers["WWW-Authenticate"] == 'Basic realm="token"'


def test_credentials_in_two_places_are_refused(client):
    form = {"grant_type": "client_credentials", "client_id": "worker"}
    headers = {"Authorization": basic("worker", SECRET)}

    response = client.post("/api/token/", form, headers=headers)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("form", [{}, {"grant_type": "password"}])
def test_only_the_client_credentials_grant_is_known(client, form):
    response = client.post("/api/token/", form, headers={"Authorization": basic("worker", SECRET)})

    assert (response.status_code, response.json()["error"]) == (400, "unsupported_grant_type")


def test_a_token_is_asked_for_by_post(client):
    assert client.get("/api/token/").headers["Allow"] == "POST"


def test_the_token_endpoint_needs_no_cookie():
    response = ask_for_token(Client(enforce_csrf_checks=True))

    assert response.status_code == 200


def bearer_status(client, token):
    return client.get("/api/tasks/", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_token_expires(client, conf):
    token = ask_for_token(client).json()["access_token"]
    signer = signing.TimestampSigner(sep=".", salt="timetracker.api.token")
    content, stamp, _ = token.split(".")
    old = signing.b62_encode(signing.b62_decode(stamp) - 3601)
    value = f"{content}.{old}"

    assert bearer_status(client, f"{value}.{signer.signature(value)}") == 401


@pytest.mark.parametrize("clients", [{}, {"worker": "another secret than then"}])
def test_a_token_dies_with_the_secret_that_it_was_given_for(client, conf, clients):
    token = ask_for_token(client).json()["access_token"]

    conf["OAUTH_CLIENTS"] = clients

    assert bearer_status(client, token) == 401


def test_a_signature_of_something_else_is_no_token(client):
    assert bearer_status(client, signing.dumps({"client": "worker"})) == 401


def test_each_client_may_ask_so_often_and_not_more(get, client, conf):
    conf["REQUESTS_PER_MINUTE"] = 2

    answers = [get() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit"].startswith('"minute";r=1;t=')
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 60
    assert answers[2].json()["error"] == "too_many_requests"
    other = client.get("/api/tasks/", headers={"X-API-Key": "key-of-someone-else"})
    assert other.status_code == 200


def test_guessing_secrets_is_slowed_down_by_address(client, conf):
    conf["REQUESTS_PER_MINUTE"] = 1
    ask_for_token(client, Authorization=basic("worker", "wrong"))

    assert ask_for_token(client).status_code == 429


def test_a_counter_that_the_cache_has_dropped_begins_anew(get, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

    assert get().headers["RateLimit"].startswith('"minute";r=119;')


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"API_KEYS": {"planner": "short-s3cret"}}, "['API_KEYS']['planner']"),
        ({"API_KEYS": {"planner": 12345678901234567}}, "['API_KEYS']['planner']"),
        ({"OAUTH_CLIENTS": "s3cret-of-somebody"}, "['OAUTH_CLIENTS']"),
        ({"API_KEYS": {"with space": "s3cret-of-somebody"}}, "['API_KEYS']['with space']"),
        ({"TOKEN_SECONDS": 0}, "['TOKEN_SECONDS']"),
        ([], "must be a dict"),
    ],
)
def test_a_wrong_setting_is_reported_without_the_secret(settings, keys, message):
    settings.TIMETRACKER_API = keys

    found = " ".join(f"{error.id} {error.msg}" for error in check_settings())

    assert "timetracker_api.E00" in found
    assert message in found
    assert "s3cret" not in found
    assert "12345678901234567" not in found


def test_settings_do_not_show_their_secrets():
    assert KEY not in repr(get_conf())
    assert check_settings() == []
