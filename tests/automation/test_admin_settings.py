"""The admin's settings, windows and dashboard."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_job_automation.models import Job, MaintenanceWindow, SettingsOverride
from django_job_automation.services.dashboard import dashboard
from django_job_automation.services.overrides import stored
from django_job_automation.services.running import run_automation
from tests.automation.histories import AS_OF, ago, daily
from tests.automation.test_running import plant

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.health.urls")]

BASE = "/admin/django_job_automation"
OVERRIDES, WINDOWS = f"{BASE}/settingsoverride/", f"{BASE}/maintenancewindow/"
DASHBOARD = f"{BASE}/job/dashboard/"


def put(client, scope: str, url: str = f"{OVERRIDES}add/", **values):
    return client.post(url, {"scope": scope, "values": json.dumps(values)})


class TestOverrides:
    def test_they_are_set_changed_and_remembered(self, admin_client, admin_user):
        assert put(admin_client, "", NO_COMS={"days_threshold": 5}).status_code == 302
        row = SettingsOverride.objects.get()
        page = f"{OVERRIDES}{row.pk}"
        assert put(admin_client, "x", f"{page}/change/", NO_COMS={}).status_code == 302

        row.refresh_from_db()
        assert (row.scope, row.values, row.version) == ("", {"NO_COMS": {}}, 2)
        assert row.updated_by == admin_user.username
        history = admin_client.get(f"{page}/history/").content.decode()
        assert "days_threshold" in history
        assert admin_user.username in history
        assert admin_client.get(OVERRIDES).status_code == 200

    @pytest.mark.parametrize(
        ("scope", "values", "words"),
        [
            ("", {"NO_COMS": {"dayz": 5}}, "is not a setting"),
            ("north", {"NO_COMS": {}}, "got &#x27;north&#x27;"),
            ("site:A", {"NO_COMS": {"job_type_id": "x"}}, "is the same for all sites"),
        ],
    )
    def test_what_is_wrong_is_said_in_the_form(self, admin_client, scope, values, words):
        page = put(admin_client, scope, **values)

        assert page.status_code == 200
        assert words in page.content.decode()
        assert stored(scope).version == 0

    def test_scope_that_is_there_is_not_added_again(self, admin_client):
        put(admin_client, "", NO_COMS={"days_threshold": 5})

        assert put(admin_client, "", NO_COMS={}).status_code == 200
        assert stored().values == {"NO_COMS": {"days_threshold": 5}}


class TestWindows:
    def test_window_is_made_and_has_a_history(self, admin_client, admin_user):
        data = {
            "scope": "group:north",
            "starts_at_0": "2026-11-20",
            "starts_at_1": "06:00",
            "ends_at_0": "2026-11-21",
            "ends_at_1": "06:00",
            "reason": "new <b>meters",
        }

        assert admin_client.post(f"{WINDOWS}add/", data).status_code == 302

        window = MaintenanceWindow.objects.get()
        history = admin_client.get(f"{WINDOWS}{window.pk}/history/").content.decode()
        assert "new &lt;b&gt;meters" in history
        wrong = admin_client.post(f"{WINDOWS}add/", {**data, "ends_at_0": "2026-11-19"})
        assert "A window ends after it starts." in wrong.content.decode()


class TestDashboard:
    @pytest.fixture
    def fleet(self):
        plant("silent", [(ago(5), "7")])
        plant("flat", daily([5] * 6))
        run_automation(started_by="cron <b>", as_of=AS_OF)

    def test_it_says_how_it_stands(self, admin_client, fleet):
        page = admin_client.get(DASHBOARD)

        text = page.content.decode()
        assert page.context["by_age"] == [
            ("No Coms", 1, (1, 0, 0, 0)),
            ("Zero Reads", 1, (1, 0, 0, 0)),
        ]
        assert text.count('class="opskit-chart"') == 2
        assert "no_coms: 1, zero_reads: 1" in text
        assert "cron &lt;b&gt;" in text

    @pytest.mark.parametrize(
        ("query", "count"), [("", 7), ("?days=30", 30), ("?days=90", 90), ("?days=8", 7)]
    )
    def test_charts_show_so_many_days(self, admin_client, query, count):
        assert len(admin_client.get(f"{DASHBOARD}{query}").context["figures"]) == count

    def test_ages_are_those_of_the_open_jobs(self, fleet):
        now = timezone.now()
        for number, days in enumerate((0.5, 1.5, 6, 8, 31, 400)):
            job = Job.objects.create(site=plant(f"S{number}"), job_type="no_coms")
            Job.objects.filter(pk=job.pk).update(created_at=now - timedelta(days=days))

        assert dashboard(now=now).ages["no_coms"] == (2, 2, 1, 2)

    def test_number_of_statements_is_fixed(self, admin_client, fleet):
        def count(query: str) -> int:
            with CaptureQueriesContext(connection) as queries:
                admin_client.get(f"{DASHBOARD}{query}")
            return len(queries)

        count("")
        before = count("")
        for number in range(20):
            Job.objects.create(site=plant(f"S{number}"), job_type="no_coms")
            run_automation(started_by="cron", as_of=AS_OF)
        assert count("") == count("?days=90") == before

    def test_only_who_may_view_jobs_sees_it(self, client):
        assert client.get(DASHBOARD).status_code == 302
        user = User.objects.create_user("staff", is_staff=True)
        client.force_login(user)
        assert client.get(DASHBOARD).status_code == 403
        user.user_permissions.add(Permission.objects.get(codename="view_job"))
        assert client.get(DASHBOARD).status_code == 200
