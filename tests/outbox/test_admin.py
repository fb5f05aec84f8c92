"""The jobs in the admin."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.models import OutboxJob

pytestmark = pytest.mark.django_db

LIST = "admin:django_outbox_outboxjob_changelist"


def detail(job: OutboxJob) -> str:
    return reverse("admin:django_outbox_outboxjob_change", args=[job.pk])


@pytest.fixture
def viewer(client):
    user = User.objects.create_user("viewer", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_outboxjob"))
    client.force_login(user)
    return client


def act(client, action, jobs):
    response = client.post(
        reverse(LIST), {"action": action, "_selected_action": [job.pk for job in jobs]}, follow=True
    )
    return response.content.decode()


def test_list_shows_state_and_attempts(admin_client):
    enqueue("FAIL", "my-key")
    run_once()

    page = admin_client.get(reverse(LIST)).content.decode()

    assert "my-key" in page
    assert "1 / 10" in page


def test_list_can_be_narrowed_to_a_queue(admin_client, settings):
    settings.OUTBOX = {"QUEUES": {"mail": {}, "unused": {}}}
    enqueue("TEST_JOB", "plain-key")
    enqueue("TEST_JOB", "mail-key", queue="mail")

    page = admin_client.get(reverse(LIST), {"queue": "mail"}).content.decode()

    assert "mail-key" in page
    assert "plain-key" not in page
    assert "?queue=unused" in page


def test_job_page_shows_payload_and_traceback_escaped(admin_client):
    job = enqueue("FAIL", None, {"html": "<script>alert(1)</script>"})
    run_once()
    OutboxJob.objects.update(last_error="Traceback <b>bold</b>")

    page = admin_client.get(detail(job)).content.decode()

    assert "<script>alert" not in page
    assert "Traceback &lt;b&gt;" in page


def test_job_page_offers_nothing_to_save(admin_client):
    page = admin_client.get(detail(enqueue("TEST_JOB"))).content.decode()

    assert 'name="_save"' not in page
    assert 'name="_continue"' not in page


def test_nobody_adds_or_edits_a_job(admin_client):
    job = enqueue("TEST_JOB")

    added = admin_client.get(reverse("admin:django_outbox_outboxjob_add"))
    admin_client.post(detail(job), {"status": "COMPLETED", "payload": "{}"})

    job.refresh_from_db()
    assert added.status_code == 403
    assert job.status == "PENDING"


@pytest.mark.parametrize("key", ["my-key", "FAIL"])
def test_search_finds_a_whole_key_or_type(admin_client, key):
    enqueue("FAIL", "my-key")
    enqueue("TEST_JOB", "other-key")

    page = admin_client.get(reverse(LIST), {"q": key}).content.decode()

    assert "my-key" in page
    assert "other-key" not in page


def test_finished_jobs_run_again_with_all_their_attempts(admin_client):
    failed = enqueue("FAIL", "k", max_attempts=1)
    run_once()

    page = act(admin_client, "run_again", [failed])

    failed.refresh_from_db()
    assert (failed.status, failed.attempts, failed.last_error) == ("PENDING", 0, "")
    assert "1 job waits for a worker." in page


def test_job_with_a_pending_twin_is_not_run_again(admin_client):
    failed = enqueue("FAIL", "k", max_attempts=1)
    run_once()
    enqueue("FAIL", "k")

    page = act(admin_client, "run_again", [failed])

    failed.refresh_from_db()
    assert failed.status == "FAILED"
    assert "1 job was skipped" in page


def test_two_finished_jobs_of_one_key_become_one_pending_job(admin_client):
    jobs = []
    for _ in range(2):
        jobs.append(enqueue("FAIL", "k", max_attempts=1))
        run_once()

    act(admin_client, "run_again", jobs)

    assert sorted(OutboxJob.objects.values_list("status", flat=True)) == ["FAILED", "PENDING"]


def test_waiting_job_is_made_due(admin_client):
    job = enqueue("TEST_JOB", run_after=timedelta(hours=1))

    page = act(admin_client, "run_now", [job])

    assert "1 job is due now." in page
    assert run_once() == 1


def test_only_pending_jobs_are_cancelled(admin_client):
    done = enqueue("TEST_JOB")
    run_once()
    waiting = enqueue("TEST_JOB", "k")

    page = act(admin_client, "cancel", [done, waiting])

    done.refresh_from_db()
    waiting.refresh_from_db()
    assert (done.status, waiting.status) == ("COMPLETED", "CANCELLED")
    assert waiting.last_error == "cancelled by admin"
    assert "1 job was cancelled." in page


def test_action_that_changes_nothing_says_so(admin_client):
    done = enqueue("TEST_JOB")
    run_once()

    assert "0 jobs were cancelled." in act(admin_client, "cancel", [done])


@pytest.mark.parametrize("action", ["run_again", "run_now", "cancel"])
def test_viewer_may_look_and_not_act(viewer, action):
    job = enqueue("TEST_JOB")

    page = viewer.get(reverse(LIST)).content.decode()
    act(viewer, action, [job])

    job.refresh_from_db()
    assert "TEST_JOB" in page
    assert f'value="{action}"' not in page
    assert job.status == "PENDING"


@pytest.mark.parametrize(
    ("language", "text"),
    [("pl", "2 zadania czekają na proces roboczy."), ("es", "2 trabajos esperan a un worker.")],
)
def test_admin_speaks_the_users_language_with_its_plurals(admin_client, language, text):
    jobs = [enqueue("TEST_JOB") for _ in range(2)]
    run_once()
    admin_client.cookies["django_language"] = language

    assert text in act(admin_client, "run_again", jobs)
