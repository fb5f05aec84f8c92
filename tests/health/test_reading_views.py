"""What machines read of stored results."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from django_health_check_job.models import Check, MonitorLease
from django_health_check_job.services.lease import Lease
from tests.health.making import Site, seconds


def families_of(text):
    """Read the exposition with a parser of others."""
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    return list(parser.text_string_to_metric_families(text))


pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.health.urls")]


@pytest.fixture(autouse=True)
def persistent(settings):
    settings.PERSIST_HEALTH_CHECK_DATA = True


@pytest.fixture
def reader(client):
    user = User.objects.create_user("reader", password="x")
    user.user_permissions.add(Permission.objects.get(codename="view_check"))
    client.force_login(user)
    return client


def test_live_asks_nobody(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/health/live/").json() == {"status": "pass"}


@pytest.mark.parametrize(
    ("states", "age", "status", "word"),
    [
        ({"A": "UP", "B": "WARN"}, 1, 200, "warn"),
        ({"A": "UP"}, 1, 200, "pass"),
        ({"A": "DOWN"}, 1, 503, "fail"),
        ({"A": "UNKNOWN"}, 1, 200, "warn"),
        # The monitor died: no reason to take this server away.
        ({"A": "DOWN"}, 600, 200, "warn"),
        ({}, 1, 200, "warn"),
    ],
)
def test_ready_follows_the_stored_state(client, states, age, status, word):
    if states:
        Site(failures=1).record(timezone.now() - seconds(age), **states)

    response = client.get("/health/ready/")

    assert (response.status_code, response.json()["status"]) == (status, word)
    assert "no-store" in response["Cache-Control"]


def test_check_that_is_not_critical_takes_no_server_away(client):
    Site(failures=1).record(timezone.now(), A="DOWN")
    Check.objects.update(critical=False)

    assert client.get("/health/ready/").status_code == 200


@pytest.mark.parametrize(
    "path", ["metrics/", "api/checks/", "api/checks/a/results/", "api/changes/"]
)
def test_only_readers_read(client, reader, health, path):
    Site().record(timezone.now(), A="UP")
    anonymous, other = Client(), Client()
    other.force_login(User.objects.create_user("other"))
    url = f"/health/{path}"

    assert anonymous.get(url).status_code == 401
    assert other.get(url).status_code == 403
    assert reader.get(url).status_code == 200
    health(METRICS_TOKEN="token")
    assert anonymous.get(url, headers={"Authorization": "Bearer token"}).status_code == 200
    assert anonymous.get(url, headers={"Authorization": "Bearer tokem"}).status_code == 401
    assert anonymous.post(url).status_code == 405


def test_metrics_are_openmetrics_and_old_results_say_nothing(reader):
    site = Site(failures=1)
    site.record(timezone.now() - seconds(600), Old="UP")
    site.record(timezone.now(), 0.25, New="DOWN")
    Lease("me", seconds=60, using="default").extend()

    text = reader.get("/health/metrics/").content.decode()

    families = {one.name: one.samples for one in families_of(text)}
    up = {one.labels["check"]: one.value for one in families["health_check_up"]}
    stale = {one.labels["check"]: one.value for one in families["health_check_stale"]}
    took = {one.labels["check"]: one.value for one in families["health_check_response_seconds"]}
    assert up == {"new": 0}
    assert stale == {"old": 1, "new": 0}
    assert took == {"new": 0.25}
    assert families["health_check_monitor_up"][0].value == 1


def test_labels_cannot_break_out(reader):
    Site().record(timezone.now(), **{'A"\\': "UP"})

    text = reader.get("/health/metrics/").content.decode()

    names = {
        sample.labels["name"]
        for family in families_of(text)
        for sample in family.samples
        if sample.labels
    }
    assert names == {'A"\\'}


def test_stale_check_is_unknown_since_it_became_stale(reader):
    at = timezone.now() - seconds(600)
    Site().record(at, A="UP")
    MonitorLease.objects.all().delete()

    document = reader.get("/health/api/checks/").json()

    assert (document["state"], document["monitor_alive"]) == ("UNKNOWN", False)
    [check] = document["checks"]
    assert (check["state"], check["is_stale"]) == ("UNKNOWN", True)
    assert check["since"].startswith((at + timedelta(seconds=60)).isoformat()[:19])
    assert "the last one was UP" in check["message"]


def test_history_is_paged_by_key(reader):
    site = Site()
    start = timezone.now() - seconds(100)
    for number in range(5):
        site.record(start + seconds(number), A="UP", B="UP")

    first = reader.get("/health/api/checks/a/results/?limit=3").json()
    rest = reader.get(f"/health/api/checks/a/results/?limit=3&before={first['next_before']}").json()

    ids = [one["id"] for one in first["results"] + rest["results"]]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)
    assert rest["next_before"] is None
    assert reader.get("/health/api/checks/none/results/").status_code == 404
    assert reader.get("/health/api/checks/a/results/?limit=x&before=-1").status_code == 200


def test_changes_are_listed_with_their_checks(reader, django_assert_max_num_queries):
    site = Site(failures=1, successes=1)
    start = timezone.now() - seconds(100)
    for number, state in enumerate(["UP", "DOWN", "UP"]):
        site.record(start + seconds(number), A=state, B=state)

    with django_assert_max_num_queries(6):
        document = reader.get("/health/api/changes/?limit=2").json()

    assert [one["new"] for one in document["changes"]] == ["UP", "UP"]
    assert document["next_before"]
