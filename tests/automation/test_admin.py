"""The admin: people close, reopen and snooze; the rest is there to look at."""

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from django_job_automation.models import Job, Site
from django_job_automation.services.running import run_automation
from tests.automation.histories import AS_OF, ago, daily
from tests.automation.test_running import plant

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.health.urls")]

BASE = "/admin/django_job_automation"
JOBS = f"{BASE}/job/"


@pytest.fixture(autouse=True)
def fleet():
    plant("silent", [(ago(5), "7")])
    plant("flat", daily([5] * 6))
    run_automation(started_by="cron <b>", as_of=AS_OF)


def act(client, action: str, *keys: int, url: str = JOBS) -> str:
    response = client.post(url, {"action": action, "_selected_action": keys}, follow=True)
    return str(response.content.decode())


@pytest.mark.parametrize("name", ["job", "run", "finding", "site", "reading"])
def test_every_list_and_page_answers(admin_client, name):
    page = admin_client.get(f"{BASE}/{name}/")
    assert page.status_code == 200
    key = page.context["cl"].result_list[0].pk
    assert admin_client.get(f"{BASE}/{name}/{key}/change/").status_code == 200
    assert "cron <b>" not in page.content.decode()


@pytest.mark.parametrize(
    ("query", "count"),
    [("?open=1", 2), ("?open=0", 0), ("?type=no_coms", 1), ("?q=fla", 1), ("?open=1&type=x", 0)],
)
def test_jobs_are_filtered(admin_client, query, count):
    assert len(admin_client.get(f"{JOBS}{query}").context["cl"].result_list) == count


def test_findings_of_a_rule_and_of_a_site(admin_client):
    for query in ("?rule=no_coms", "?q=silent"):
        [found] = admin_client.get(f"{BASE}/finding/{query}").context["cl"].result_list
        assert found.site_key == "silent"


def test_jobs_are_closed_and_reopened(admin_client):
    job = Job.objects.get(job_type="no_coms")

    assert "1 job is closed." in act(admin_client, "close_jobs", job.pk)
    job.refresh_from_db()
    assert job.status == "closed"
    assert job.closed_at is not None
    assert "1 job is open again." in act(admin_client, "reopen_jobs", job.pk)
    job.refresh_from_db()
    assert (job.status, job.closed_at) == ("open", None)


def test_job_stays_closed_while_a_newer_one_is_open(admin_client):
    job = Job.objects.get(job_type="no_coms")
    act(admin_client, "close_jobs", job.pk)
    run_automation(started_by="cron", as_of=AS_OF)

    page = act(admin_client, "reopen_jobs", job.pk)

    assert "1 job stays closed" in page
    job.refresh_from_db()
    assert job.status == "closed"


def test_status_is_edited_and_nothing_else(admin_client):
    job = Job.objects.get(job_type="no_coms")
    data = {"status": "closed", "description": "done", "job_type": "x"}

    assert admin_client.post(f"{JOBS}{job.pk}/change/", data).status_code == 302

    job.refresh_from_db()
    assert (job.status, job.description, job.job_type) == ("closed", "done", "no_coms")
    assert job.closed_at is not None


def test_second_open_job_is_refused_with_a_sentence(admin_client):
    job = Job.objects.get(job_type="no_coms")
    act(admin_client, "close_jobs", job.pk)
    run_automation(started_by="cron", as_of=AS_OF)

    response = admin_client.post(f"{JOBS}{job.pk}/change/", {"status": "open", "description": ""})

    assert response.status_code == 200
    assert "has an open job of this type already" in response.content.decode()


def test_sites_are_snoozed_and_woken(admin_client):
    site = Site.objects.get(site_id="silent")

    assert "1 site is snoozed." in act(admin_client, "snooze_sites", site.pk, url=f"{BASE}/site/")
    site.refresh_from_db()
    assert site.snoozed_until > timezone.now()
    assert "looked at again" in act(admin_client, "wake_sites", site.pk, url=f"{BASE}/site/")
    site.refresh_from_db()
    assert site.snoozed_until is None


def test_who_may_only_view_changes_nothing(client):
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_job"))
    client.force_login(user)

    assert client.get(JOBS).status_code == 200
    assert client.get(f"{BASE}/run/").status_code == 403
    act(client, "close_jobs", Job.objects.first().pk)

    assert not Job.objects.filter(status="closed").exists()
