"""What may be deleted or acted on from the list of jobs, and what not."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxAttempt, OutboxJob

pytestmark = pytest.mark.django_db

LIST = "admin:django_outbox_outboxjob_changelist"


def user_with(client, *codenames):
    user = User.objects.create_user("someone", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


class TestDeletion:
    def test_job_goes_with_its_attempts(self, admin_client):
        job, other = enqueue("TEST_JOB"), enqueue("TEST_JOB")
        for owner in (job, other):
            OutboxAttempt.objects.create(job_id=owner.pk, claim_no=1, attempt=1)

        admin_client.post(
            reverse("admin:django_outbox_outboxjob_delete", args=[job.pk]), {"post": "yes"}
        )

        assert OutboxJob.objects.get().pk == other.pk
        assert OutboxAttempt.objects.get().job_id == other.pk

    def test_job_in_progress_stays(self, admin_client):
        job = enqueue("TEST_JOB")
        OutboxJob.objects.update(status="IN_PROGRESS")

        response = admin_client.post(
            reverse("admin:django_outbox_outboxjob_delete", args=[job.pk]), {"post": "yes"}
        )

        assert response.status_code == 403
        assert OutboxJob.objects.exists()

    @pytest.mark.parametrize("last_status", ["IN_PROGRESS", "FAILED"])
    def test_chosen_jobs_go_unless_one_is_in_progress(self, admin_client, last_status):
        jobs = [enqueue("TEST_JOB") for _ in range(3)]
        OutboxJob.objects.filter(pk=jobs[-1].pk).update(status=last_status)

        response = admin_client.post(
            reverse(LIST),
            {
                "action": "delete_selected",
                "_selected_action": [job.pk for job in jobs],
                "post": "yes",
            },
        )

        if last_status == "IN_PROGRESS":
            assert response.context["protected"] == [f"TEST_JOB #{jobs[-1].pk}"]
            assert "Jobs in progress cannot be deleted." in response.content.decode()
            assert OutboxJob.objects.count() == 3
        else:
            assert not OutboxJob.objects.exists()

    def test_without_the_permission_nothing_goes(self, client):
        user = user_with(client, "view_outboxjob", "change_outboxjob")
        job = enqueue("TEST_JOB")

        response = user.post(
            reverse("admin:django_outbox_outboxjob_delete", args=[job.pk]), {"post": "yes"}
        )

        assert response.status_code == 403
        assert OutboxJob.objects.exists()


def test_action_on_all_pages_is_refused(admin_client):
    job = enqueue("TEST_JOB")

    page = admin_client.post(
        reverse(LIST),
        {"action": "cancel", "_selected_action": [job.pk], "select_across": "1"},
        follow=True,
    ).content.decode()

    assert "Actions work on the rows of one page." in page
    assert OutboxJob.objects.get().status == "PENDING"
