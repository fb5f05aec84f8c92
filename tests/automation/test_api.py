"""The API: the published shapes, three permissions, versions, and no surprise in what comes in."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_job_automation.models import ACTIVE, Job, Run, SettingsOverride, Site
from django_job_automation.rules import NoComs
from django_job_automation.services.dashboard import dashboard
from django_opskit.tasks import IMPLEMENTATION
from tests.automation.histories import AS_OF, ago, daily
from tests.automation.test_running import plant

pytest.importorskip("rest_framework", reason="Django REST framework is an extra")
pytest.importorskip("requests", reason="requests comes with an extra")

import requests
from rest_framework.test import APIClient

from django_job_automation.api.permissions import RunThrottle

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.automation.urls")]

BASE = "/api/job-automation"
SETTINGS, RUN, DASHBOARD = f"{BASE}/settings/", f"{BASE}/run-manual/", f"{BASE}/dashboard/"
RIGHTS = ("view_run", "run_automation", "change_settingsoverride")


@pytest.fixture(autouse=True)
def unhurried(monkeypatch, settings):
    monkeypatch.setattr(RunThrottle, "rate", "1000/min")
    cache.clear()
    # The example's goes to the outbox.
    backend = f"{IMPLEMENTATION}.backends.immediate.ImmediateBackend"
    settings.TASKS = {"default": {"BACKEND": backend}}


def client_with(*rights: str) -> APIClient:
    user = User.objects.create_user(f"user{User.objects.count()}")
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = APIClient(enforce_csrf_checks=True)
    client.force_authenticate(user)
    return client


@pytest.fixture
def client():
    return client_with(*RIGHTS)


@pytest.fixture
def fleet():
    plant("silent", [(ago(5), "7")])
    plant("flat", daily([5] * 6))


class TestPermissions:
    @pytest.mark.parametrize(
        ("method", "url", "right"),
        [
            ("get", SETTINGS, "view_run"),
            ("put", SETTINGS, "change_settingsoverride"),
            ("patch", SETTINGS, "change_settingsoverride"),
            ("post", RUN, "run_automation"),
            ("get", DASHBOARD, "view_run"),
        ],
    )
    def test_each_right_opens_what_it_is_for(self, method, url, right):
        others = [one for one in RIGHTS if one != right]

        assert getattr(APIClient(), method)(url, {}, format="json").status_code in (401, 403)
        assert getattr(client_with(*others), method)(url, {}, format="json").status_code == 403
        allowed = getattr(client_with(right), method)(url, {}, format="json")
        assert allowed.status_code in (200, 201)

    def test_runs_are_throttled(self, client, monkeypatch):
        monkeypatch.setattr(RunThrottle, "rate", "2/min")

        statuses = [client.post(RUN, {"dry_run": True}, format="json").status_code for _ in "123"]

        assert statuses == [200, 200, 429]


class TestSettings:
    def test_they_are_as_published(self, client):
        response = client.get(SETTINGS)

        assert response.json() == {
            "NO_COMS": {
                "enabled": True,
                "days_threshold": 3.0,
                "job_type_id": "no_coms",
                "check_duplicate": True,
                "auto_close_after_clean_runs": 0,
            },
            "ZERO_READS": {
                "enabled": True,
                "days_to_check": 4.0,
                "readings_to_compare": 3,
                "job_type_id": "zero_reads",
                "check_duplicate": True,
                "auto_close_after_clean_runs": 0,
                "min_increase": 0.0,
            },
            "UNDERPERFORMANCE": {
                "enabled": False,
                "days_to_check": 7.0,
                "percent_of_median": 60.0,
                "min_sites": 3,
                "job_type_id": "underperformance",
                "check_duplicate": True,
                "auto_close_after_clean_runs": 0,
            },
            "version": 0,
        }
        assert response["ETag"] == '"0"'

    def test_put_replaces_and_patch_adds(self, client):
        client.put(SETTINGS, {"NO_COMS": {"days_threshold": 2}}, format="json")
        client.patch(SETTINGS, {"ZERO_READS": {"enabled": False}}, format="json")
        both = client.get(SETTINGS).json()
        client.put(SETTINGS, {"ZERO_READS": {"enabled": False}}, format="json")
        one = client.get(SETTINGS).json()

        assert (both["NO_COMS"]["days_threshold"], both["ZERO_READS"]["enabled"]) == (2, False)
        assert (one["NO_COMS"]["days_threshold"], one["version"]) == (3, 3)
        row = SettingsOverride.objects.get()
        assert row.history.count() == 3
        assert str(row.history.first().history_user) == row.updated_by

    @pytest.mark.parametrize(
        ("seen", "status"), [('"0"', 200), ("0", 200), ("*", 200), ('"1"', 412), ("x", 412)]
    )
    def test_who_has_seen_another_version_changes_nothing(self, client, seen, status):
        response = client.put(
            SETTINGS, {"NO_COMS": {"enabled": False}}, format="json", headers={"If-Match": seen}
        )

        assert response.status_code == status
        assert SettingsOverride.objects.exists() is (status == 200)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"NO_COMS": {"dayz": 3}}, "'dayz'"),
            ({"ADAPTER": "x"}, "'ADAPTER'"),
            ({"NO_COMS": {"enabled": "yes"}}, "'enabled'"),
            ({"NO_COMS": {"days_threshold": True}}, "'days_threshold'"),
            ({"ZERO_READS": {"readings_to_compare": 2.5}}, "'readings_to_compare'"),
            ({"ZERO_READS": []}, "ZERO_READS is a dict"),
            ({"NO_COMS": {"job_type_id": "a\0"}}, "printable"),
            ({"NO_COMS": {"days_threshold": 1e-300}}, "'days_threshold'"),
            ({"ZERO_READS": {"min_increase": 1e300}}, "'min_increase'"),
            ([], "a dict"),
            ("x", "a dict"),
        ],
    )
    @pytest.mark.parametrize("method", ["put", "patch"])
    def test_what_is_wrong_is_said_and_nothing_is_changed(self, client, method, body, words):
        response = getattr(client, method)(SETTINGS, body, format="json")

        assert response.status_code == 400
        assert words in response.json()["error"]
        assert not SettingsOverride.objects.exists()

    def test_body_that_is_no_json_is_said(self, client):
        response = client.generic("PUT", SETTINGS, "{", content_type="application/json")

        assert response.status_code == 400


class TestRuns:
    def post(self, client, **body):
        return client.post(RUN, {"as_of": AS_OF.isoformat(), **body}, format="json")

    def test_run_is_made_and_counted_by_itself(self, client, fleet):
        response = self.post(client)

        document = response.json()
        assert response.status_code == 201
        assert (document["success"], document["created_jobs"]) == (True, 2)
        assert document["run"] == Run.objects.get().pk
        assert [(one["rule"], one["created"]) for one in document["rules"]] == [
            ("no_coms", 1),
            ("zero_reads", 1),
        ]
        assert Run.objects.get().started_by.startswith("API, user")
        assert self.post(client).json()["created_jobs"] == 0

    def test_dry_run_changes_nothing(self, client, fleet):
        response = self.post(client, dry_run=True)

        assert (response.status_code, response.json()["created_jobs"]) == (200, 2)
        assert not Job.objects.exists()

    def test_sites_are_chosen(self, client, fleet):
        assert self.post(client, sites=["flat"]).json()["created_jobs"] == 1

    def test_lock_that_is_held_is_a_conflict(self, client):
        other = Run.objects.create(
            active=ACTIVE, holder="x|1|1|x", started_by="cron", started_at=AS_OF, as_of=AS_OF
        )

        response = self.post(client)

        assert (response.status_code, response.json()["run"]) == (409, other.pk)
        assert response.json()["success"] is False

    def test_rule_that_fails_is_no_success(self, client, fleet, monkeypatch):
        def fail(scope):
            raise ValueError("no such column")

        monkeypatch.setattr(NoComs, "find", staticmethod(fail))

        response = self.post(client)

        assert (response.status_code, response.json()["success"]) == (500, False)
        assert response.json()["created_jobs"] == 1
        assert "no such column" in response.json()["rules"][0]["error"]

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"dryrun": True}, "'dryrun' is no key"),
            ({"dry_run": "yes"}, "'dry_run' is true or false"),
            ({"as_of": "yesterday"}, "is no moment"),
            ({"as_of": "2026-11-20T06:00"}, "has no offset"),
            ({"as_of": 5}, "'as_of' is a moment"),
            ({"as_of": "2026-13-40T06:00Z"}, "is no moment"),
            ({"as_of": "0001-01-01T00:00+14:00"}, "between the years"),
            ({"as_of": "9999-12-31T23:59-14:00"}, "between the years"),
            ({"sites": ["a\0"]}, "'sites' is a list"),
            ({"sites": "flat"}, "'sites' is a list"),
            ({"sites": [3]}, "'sites' is a list"),
            ({"sites": ["nowhere"]}, "no site 'nowhere'"),
        ],
    )
    def test_wrong_body_is_said_and_nothing_is_done(self, client, body, words):
        response = self.post(client, **body)

        assert response.status_code == 400
        assert words in str(response.json())
        assert not Run.objects.exists()

    def test_body_may_be_left_out_and_must_be_an_object(self, client):
        assert client.post(RUN).status_code == 201
        assert client.post(RUN, [1], format="json").status_code == 400

    @pytest.mark.skipif(IMPLEMENTATION == "inline", reason="tasks have no workers here")
    def test_worker_runs_it_where_tasks_have_one(self, client, fleet, settings):
        settings.TASKS = {"default": {"BACKEND": "django_outbox.tasks.OutboxBackend"}}

        response = self.post(client)

        assert response.status_code == 202
        assert response.json()["task"]
        assert not Run.objects.exists()
        from django_outbox.dispatcher import run_once

        assert run_once() == 1
        assert Job.objects.count() == 2


@pytest.mark.parametrize(("method", "url"), [("get", SETTINGS), ("post", RUN), ("get", DASHBOARD)])
def test_stored_settings_that_no_longer_fit_are_said(client, method, url):
    SettingsOverride.objects.create(values={"NO_COMS": {"days": 3}})

    response = getattr(client, method)(url)

    assert response.status_code == 500
    assert "['NO_COMS']['days'] is not a setting" in response.json()["error"]


class TestDashboard:
    def test_shape_is_as_published(self, client, fleet):
        client.post(RUN, {"as_of": AS_OF.isoformat()}, format="json")
        job = Job.objects.get(job_type="no_coms")

        document = client.get(DASHBOARD).json()

        assert document["summary"] == {
            "total_no_coms": 1,
            "total_zero_reads": 1,
            "jobs_created_today": 2,
            "jobs_created_week": 2,
            "last_run": document["summary"]["last_run"],
            "last_run_outcome": "DONE",
        }
        [found] = [one for one in document["recent_jobs"] if one["job_type"] == "no_coms"]
        assert (found["id"], found["site_id"], found["site_name"], found["status"]) == (
            job.pk,
            "silent",
            "Plant silent",
            "open",
        )
        assert len(document["daily_stats"]) == 7
        today = document["daily_stats"][-1]
        assert (today["no_coms"], today["zero_reads"]) == (1, 1)
        assert today["date"] == f"{timezone.localdate():%d/%m}"

    def test_empty_site_has_one_too(self, client):
        Job.objects.create(site=plant("A"), job_type="by hand")

        summary = client.get(DASHBOARD).json()["summary"]

        assert (summary["last_run"], summary["total_no_coms"]) == (None, 0)

    @pytest.mark.parametrize(
        ("zone", "days"), [("UTC", [1, 1]), ("Pacific/Auckland", [0, 2]), ("America/Lima", [2, 0])]
    )
    def test_days_are_those_of_the_reader(self, zone, days):
        """Two jobs around midnight in UTC, which is no midnight elsewhere."""
        site = plant("A")
        midnight = datetime(2026, 11, 20, tzinfo=UTC)
        for minutes in (-30, 30):
            job = Job.objects.create(site=site, job_type="no_coms", allow_duplicate=True)
            Job.objects.filter(pk=job.pk).update(created_at=midnight + timedelta(minutes=minutes))

        with timezone.override(zone):
            found = dashboard(now=datetime(2026, 11, 20, 6, tzinfo=UTC))

        by_day = {one.day.day: one.created["no_coms"] for one in found.days}
        assert [by_day[19], by_day[20]] == days
        assert found.created_today == by_day[found.days[-1].day.day]

    def test_number_of_statements_is_fixed(self, client):
        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                client.get(DASHBOARD)
            return len(queries)

        count()
        before = count()
        for number in range(30):
            Job.objects.create(site=plant(f"S{number}"), job_type="no_coms")
        assert count() == before
        assert Site.objects.count() == 30


@pytest.mark.django_db(transaction=True)
def test_over_http_with_a_session(live_server, fleet):
    """As a script does it: log in, read the token, change, run."""
    User.objects.create_superuser("root", password="secret")
    session = requests.Session()
    login = f"{live_server.url}/admin/login/"
    session.get(login)
    entered = session.post(
        login,
        data={
            "next": "/admin/",
            "username": "root",
            "password": "secret",
            "csrfmiddlewaretoken": session.cookies["csrftoken"],
        },
    )

    assert entered.history, entered.text[:3000]
    assert requests.get(f"{live_server.url}{DASHBOARD}", timeout=10).status_code == 403
    without = session.post(f"{live_server.url}{RUN}", json={}, timeout=10)
    assert without.status_code == 403
    token = {"X-CSRFToken": session.cookies["csrftoken"]}
    read = session.get(f"{live_server.url}{SETTINGS}", timeout=10)
    assert read.status_code == 200, read.text
    changed = session.patch(
        f"{live_server.url}{SETTINGS}",
        json={"NO_COMS": {"enabled": False}},
        headers={**token, "If-Match": read.headers["ETag"]},
        timeout=10,
    )
    assert changed.status_code == 200
    made = session.post(
        f"{live_server.url}{RUN}", json={"as_of": AS_OF.isoformat()}, headers=token, timeout=10
    )
    assert (made.status_code, made.json()["created_jobs"]) == (201, 1)


def test_schema_is_valid_openapi(settings):
    generators = pytest.importorskip("drf_spectacular.generators")
    from drf_spectacular.validation import validate_schema

    schema = generators.SchemaGenerator(urlconf="tests.automation.urls").get_schema(
        request=None, public=True
    )

    validate_schema(schema)
    assert {SETTINGS, RUN, DASHBOARD} <= set(schema["paths"])
    assert "409" in schema["paths"][RUN]["post"]["responses"]
