"""The page of a job: what it holds, why it waits, who stands before it, and its buttons."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.models import OutboxAttempt, OutboxJob, OutboxWorker

pytestmark = pytest.mark.django_db

LIST = "admin:django_outbox_outboxjob_changelist"


@pytest.fixture
def lanes(settings):
    settings.OUTBOX = {"QUEUES": {"default": {"LANES": True}}}


@pytest.fixture
def worker():
    return OutboxWorker.objects.create(name="w:1:a", host="w", pid=1, queues=["default"])


def detail(job):
    return reverse("admin:django_outbox_outboxjob_change", args=[job.pk])


def press(client, verb, job):
    url = reverse("admin:django_outbox_outboxjob_act", args=[job.pk, verb])
    return client.post(url, follow=True)


def why(client, job):
    return client.get(detail(job)).context["why"]


def user_with(client, *codenames):
    user = User.objects.create_user("someone", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


class TestContents:
    def test_payload_and_result_are_indented_and_keep_their_letters(self, admin_client):
        job = enqueue("TEST_JOB", None, {"list": [1, 2], "name": "Zażółć"})
        OutboxJob.objects.update(result={"rows": 3})

        page = admin_client.get(detail(job)).content.decode()

        assert escape('{\n  "list": [\n    1,\n    2\n  ],\n  "name": "Zażółć"\n}') in page
        assert escape('{\n  "rows": 3\n}') in page

    def test_endless_payload_is_cut(self, admin_client):
        job = enqueue("TEST_JOB", None, "x" * 150_000)

        page = admin_client.get(detail(job)).content.decode()

        assert "and 50002 more characters" in page

    @pytest.mark.parametrize(
        ("progress", "text"),
        [
            ({"done": 1, "total": 4, "note": "<b>reading</b>"}, '<progress max="100" value="25"'),
            ({"done": 1, "total": 4, "note": "<b>reading</b>"}, "&lt;b&gt;reading"),
            ({"done": 9, "total": 4, "note": ""}, 'value="100"'),
            ({"done": 7, "total": None, "note": ""}, "7 done"),
        ],
    )
    def test_progress_is_a_bar_with_its_numbers(self, admin_client, progress, text):
        job = enqueue("TEST_JOB")
        OutboxJob.objects.update(progress=progress)

        assert text in admin_client.get(detail(job)).content.decode()

    @pytest.mark.parametrize("progress", [None, 5, "half", {"done": "x"}, []])
    def test_progress_of_another_shape_is_left_out(self, admin_client, progress):
        job = enqueue("TEST_JOB")
        OutboxJob.objects.update(progress=progress)

        response = admin_client.get(detail(job))

        assert response.context["progress"] is None
        assert "<progress" not in response.content.decode()

    def test_failed_attempts_are_shown_newest_first(self, admin_client):
        job = enqueue("FAIL")
        for _ in range(2):
            run_once()
            OutboxJob.objects.update(run_after="2020-01-01T00:00Z")

        response = admin_client.get(detail(job))

        page = response.content.decode()
        assert [attempt.attempt for attempt in response.context["attempts"]] == [2, 1]
        assert "ValueError: no luck \\x00 today" in page
        # Once for each attempt, and not a third time as the last error.
        assert page.count("ValueError: no luck") == 2

    def test_only_the_last_twenty_attempts_are_read(self, admin_client):
        job = enqueue("TEST_JOB")
        OutboxAttempt.objects.bulk_create(
            OutboxAttempt(job_id=job.pk, claim_no=n, attempt=n) for n in range(1, 31)
        )

        response = admin_client.get(detail(job))

        assert [a.attempt for a in response.context["attempts"]] == list(range(30, 10, -1))
        assert "Earlier attempts are not shown." in response.content.decode()

    def test_key_leads_to_all_jobs_of_the_key(self, admin_client):
        job = enqueue("TEST_JOB", "a&b c")

        page = admin_client.get(detail(job)).content.decode()

        assert f'<a href="{reverse(LIST)}?q=a%26b+c">a&amp;b c</a>' in page

    def test_page_has_no_inline_style_or_script(self, admin_client, lanes):
        job = enqueue("FAIL", group_key="g")
        run_once()

        page = admin_client.get(detail(job)).content.decode()

        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page
        assert page.count("<script") == page.count("<script src=") + page.count(
            '<script id="django-admin-'
        )

    def test_statements_do_not_grow_with_attempts_and_lane(self, admin_client, lanes, worker):
        job = enqueue("TEST_JOB", group_key="g")
        ContentType.objects.get_for_model(OutboxJob)  # asked for once in a process

        def statements():
            with CaptureQueriesContext(connection) as captured:
                admin_client.get(detail(job))
            return [entry["sql"].upper() for entry in captured.captured_queries]

        few = statements()
        for n in range(30):
            enqueue("TEST_JOB", group_key="g")
            OutboxAttempt.objects.create(job_id=job.pk, claim_no=n, attempt=n)
        many = statements()

        # Session, user, job; three for the lane, the server's time, workers, attempts.
        assert len(few) == len(many) == 9
        assert not any("COUNT(" in sql or "OFFSET" in sql for sql in many)


class TestWhyItDoesNotRun:
    def test_finished_ones_say_how_they_ended(self, admin_client):
        done, failed = enqueue("TEST_JOB"), enqueue("FAIL", max_attempts=1)
        gone = enqueue("TEST_JOB", run_after=timedelta(hours=1))
        run_once()
        press(admin_client, "cancel", gone)

        assert why(admin_client, done).startswith("Completed: ")
        assert "nothing runs it again by itself" in why(admin_client, failed)
        assert why(admin_client, gone).endswith("Reason: cancelled by admin")

    def test_scheduled_one_says_until_when(self, admin_client):
        moment = timezone.now().replace(microsecond=0) + timedelta(hours=3)
        job = enqueue("TEST_JOB", run_after=moment)

        assert why(admin_client, job).startswith("Waits until ")
        assert f"{moment:%H:%M:%S}" in why(admin_client, job)

    def test_retry_says_that_an_attempt_failed(self, admin_client):
        job = enqueue("FAIL")
        run_once()

        assert "Waits for the next one until" in why(admin_client, job)

    def test_due_one_waits_for_a_worker(self, admin_client, worker):
        assert "the next free worker takes it" in why(admin_client, enqueue("TEST_JOB"))

    def test_due_one_without_a_worker_says_so(self, admin_client):
        assert "no running worker takes jobs from the queue “default”" in why(
            admin_client, enqueue("TEST_JOB")
        )

    def test_silent_worker_and_one_for_other_queues_are_none(self, admin_client, worker):
        worker.queues = ["mail"]
        worker.save()
        silent = timezone.now() - timedelta(hours=1)
        OutboxWorker.objects.create(name="b", host="b", pid=1, queues=["default"], seen_at=silent)

        assert "no running worker" in why(admin_client, enqueue("TEST_JOB"))

    def test_undeclared_queue_is_named(self, admin_client):
        job = enqueue("TEST_JOB")
        OutboxJob.objects.update(queue="old")

        assert "does not declare the queue “old”" in why(admin_client, job)

    def test_missing_handler_is_named(self, admin_client):
        assert "no handler for the job type “NOBODY”" in why(admin_client, enqueue("NOBODY"))

    def test_handlers_that_cannot_be_imported_here_may_be_elsewhere(
        self, admin_client, worker, monkeypatch
    ):
        def refuse(job_type):
            raise ImportError("no such library here")

        job = enqueue("TEST_JOB")
        monkeypatch.setattr("django_outbox.services.registry.registry.get", refuse)

        assert "the next free worker takes it" in why(admin_client, job)

    def test_running_one_names_its_worker(self, admin_client):
        job = enqueue("TEST_JOB")
        later = timezone.now() + timedelta(minutes=1)
        OutboxJob.objects.update(
            status="IN_PROGRESS", worker="w:1:a", started_at=timezone.now(), lease_until=later
        )

        assert "The worker w:1:a has been running it since" in why(admin_client, job)

    def test_dead_worker_is_noticed(self, admin_client):
        job = enqueue("TEST_JOB")
        earlier = timezone.now() - timedelta(minutes=1)
        OutboxJob.objects.update(status="IN_PROGRESS", worker="w:1:a", lease_until=earlier)

        assert "w:1:a gave no sign of life" in why(admin_client, job)


class TestLane:
    def test_one_behind_in_its_group_names_the_first(self, admin_client, lanes):
        first = enqueue("TEST_JOB", group_key="g", run_after=timedelta(hours=1))
        enqueue("TEST_JOB", group_key="g")
        third = enqueue("TEST_JOB", group_key="g")
        enqueue("TEST_JOB", group_key="other")

        response = admin_client.get(detail(third))

        assert f"Waits for job #{first.pk}" in response.context["why"]
        assert [job.pk for job in response.context["lane"].ahead] == [first.pk, first.pk + 1]

    def test_running_one_is_first_even_when_it_is_younger(self, admin_client, lanes):
        """A job that goes back after an error keeps its place: a younger one may be running."""
        waiting, running = (enqueue("TEST_JOB", group_key="g") for _ in range(2))
        OutboxJob.objects.filter(pk=running.pk).update(status="IN_PROGRESS")

        lane = admin_client.get(detail(waiting)).context["lane"]

        assert lane.first.pk == running.pk
        assert [job.pk for job in lane.ahead] == [running.pk]

    def test_long_lane_is_shown_in_part(self, admin_client, lanes):
        jobs = [enqueue("TEST_JOB", group_key="g") for _ in range(20)]

        response = admin_client.get(detail(jobs[10]))

        lane = response.context["lane"]
        page = response.content.decode()
        assert [job.pk for job in lane.ahead] == [job.pk for job in jobs[:5]]
        assert [job.pk for job in lane.behind] == [job.pk for job in jobs[11:16]]
        assert "and more before this one" in page
        assert "and more after this one" in page
        assert f'href="{detail(jobs[0])}"' in page


class TestButtons:
    @pytest.mark.parametrize(
        ("values", "verbs"),
        [
            ({"status": "FAILED"}, ["run_again"]),
            ({"status": "COMPLETED"}, ["run_again"]),
            ({"status": "IN_PROGRESS"}, []),
            ({"status": "PENDING"}, ["cancel"]),
            ({"run_after": "2999-01-01T00:00Z"}, ["run_now", "cancel"]),
        ],
    )
    def test_page_offers_what_can_be_done(self, admin_client, values, verbs):
        job = enqueue("TEST_JOB")
        OutboxJob.objects.update(**values)

        response = admin_client.get(detail(job))

        page = response.content.decode()
        assert response.context["verbs"] == verbs
        for verb in ("run_again", "run_now", "cancel"):
            assert (f"/{job.pk}/do/{verb}/" in page) == (verb in verbs)

    def test_button_acts_says_what_it_did_and_leaves_a_trace(self, admin_client):
        job = enqueue("FAIL", max_attempts=1)
        run_once()

        page = press(admin_client, "run_again", job).content.decode()

        job.refresh_from_db()
        assert job.status == "PENDING"
        assert "1 job waits for a worker." in page
        assert LogEntry.objects.get().object_id == str(job.pk)

    def test_button_that_comes_too_late_changes_nothing(self, admin_client):
        job = enqueue("TEST_JOB")
        run_once()

        page = press(admin_client, "cancel", job).content.decode()

        assert "0 jobs were cancelled." in page
        assert not LogEntry.objects.exists()

    def test_buttons_work_by_post_alone(self, admin_client):
        job = enqueue("TEST_JOB")

        response = admin_client.get(
            reverse("admin:django_outbox_outboxjob_act", args=[job.pk, "cancel"])
        )

        job.refresh_from_db()
        assert response.status_code == 405
        assert job.status == "PENDING"

    @pytest.mark.parametrize(
        ("verb", "number"), [("delete_queryset", 0), ("has_add_permission", 0), ("cancel", 1)]
    )
    def test_unknown_verb_or_job_is_not_found(self, admin_client, verb, number):
        job = enqueue("TEST_JOB")
        url = reverse("admin:django_outbox_outboxjob_act", args=[job.pk + number, verb])

        assert admin_client.post(url).status_code == 404

    def test_viewer_sees_no_button_and_may_press_none(self, client):
        viewer = user_with(client, "view_outboxjob")
        job = enqueue("TEST_JOB")

        page = viewer.get(detail(job)).content.decode()
        response = press(viewer, "cancel", job)

        assert "/do/" not in page
        assert response.status_code == 403
        assert OutboxJob.objects.get().status == "PENDING"
