"""The admin: bounded at any length, and only annotations are edited."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_health_check_job.admin import HeathCheckJobAdmin
from django_health_check_job.models import Check, CheckConfig, HeathCheckJob
from tests.health.making import Site, seconds

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.health.urls")]

LIST = "/admin/django_health_check_job/heathcheckjob/"
CHECKS = "/admin/django_health_check_job/check/"


@pytest.fixture
def site(settings):
    settings.PERSIST_HEALTH_CHECK_DATA = True
    one, now = Site(failures=1), timezone.now()
    for number in range(5):
        one.record(now - seconds(50 - number), Alpha="UP", Beta="DOWN")
    return one


def test_traits_are_as_published():
    columns = ("id", "name", "status", "message", "created_at", "updated_at")
    assert HeathCheckJobAdmin.list_display == columns
    assert HeathCheckJobAdmin.search_fields == ("name", "message")
    assert HeathCheckJobAdmin.history_list_display == ["status"]
    titles = [str(one.title) for one in HeathCheckJobAdmin.list_filter]
    assert titles == ["status", "name", "message"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 10),
        ("?status=0", 5),
        ("?status=1", 5),
        ("?message=says+DOWN", 5),
        ("?message=nothing", 0),
        ("?q=alph", 5),
        ("?name=x&status=7", 10),
    ],
)
def test_list_counts_nothing_and_finds_what_is_asked_for(admin_client, site, query, count):
    with CaptureQueriesContext(connection) as queries:
        response = admin_client.get(f"{LIST}{query}")

    assert len(response.context["cl"].result_list) == count
    statements = [one["sql"].upper() for one in queries]
    assert not any("COUNT(" in sql or "DISTINCT" in sql or "OFFSET" in sql for sql in statements)
    assert len(statements) < 20


def test_name_filter_shows_one_check(admin_client, site):
    check = Check.objects.get(name="Alpha")

    response = admin_client.get(f"{LIST}?name={check.pk}&message=says")

    assert {one.name for one in response.context["cl"].result_list} == {"Alpha"}
    assert f'name="name" value="{check.pk}"' in response.content.decode()


def test_pages_follow_each_other_by_key(admin_client, site, monkeypatch):
    monkeypatch.setattr(HeathCheckJobAdmin, "list_per_page", 4)

    first = admin_client.get(LIST)
    second = admin_client.get(f"{LIST}{first.context['cl'].older_url}")

    ids = [one.pk for page in (first, second) for one in page.context["cl"].result_list]
    assert len(ids) == 8
    assert ids == sorted(ids, reverse=True)
    assert "Newest" in second.content.decode()


def test_annotation_is_edited_and_nothing_else(admin_client, admin_user, site):
    row = HeathCheckJob.objects.filter(name="Beta").first()

    admin_client.post(f"{LIST}{row.pk}/change/", {"annotation": "planned", "status": "1"})

    row.refresh_from_db()
    assert (row.annotation, row.status) == ("planned", 0)
    edit = row.history.get()
    assert (edit.history_user, edit.status) == (admin_user, 0)


def test_history_shows_the_status(admin_client, site, settings):
    row = HeathCheckJob.objects.filter(name="Beta").first()
    assert "Nobody has edited" in admin_client.get(f"{LIST}{row.pk}/history/").content.decode()
    admin_client.post(f"{LIST}{row.pk}/change/", {"annotation": "<b>planned</b>"})

    page = admin_client.get(f"{LIST}{row.pk}/history/").content.decode()

    assert "failing" in page
    assert "&lt;b&gt;planned" in page
    number = row.history.get().history_id
    assert admin_client.get(f"{LIST}{row.pk}/history/{number}/").status_code == 404


def test_action_on_more_than_a_page_is_refused(admin_client, site):
    row = HeathCheckJob.objects.first()
    data = {"action": "delete_selected", "_selected_action": row.pk, "select_across": "1"}

    page = admin_client.post(LIST, data, follow=True).content.decode()

    assert "monitor_cleanup" in page
    assert HeathCheckJob.objects.count() == 10


def test_hostile_message_stays_text(admin_client):
    HeathCheckJob.objects.create(name="A", status=0, message="<script>alert(1)</script>")

    assert "<script>alert" not in admin_client.get(LIST).content.decode()


def test_stale_check_is_shown_as_unknown(admin_client, site):
    Check.objects.filter(name="Alpha").update(last_at=timezone.now() - seconds(600))

    page = admin_client.get(CHECKS).content.decode()

    assert "○ UNKNOWN" in page
    assert "■ DOWN" in page


def test_what_people_set_for_a_check_has_a_history(admin_client, admin_user, site):
    check = Check.objects.get(name="Alpha")
    data = {
        "config-TOTAL_FORMS": "1",
        "config-INITIAL_FORMS": "0",
        "config-0-is_enabled": "on",
        "config-0-interval_seconds": "7",
        "config-0-check_row": check.pk,
    }

    wrong = admin_client.post(
        f"{CHECKS}{check.pk}/change/", {**data, "config-0-interval_seconds": "0"}
    )
    assert "from 0.1 to 86400" in wrong.content.decode()
    saved = admin_client.post(f"{CHECKS}{check.pk}/change/", data)

    assert saved.status_code == 302
    config = CheckConfig.objects.get()
    assert config.interval_seconds == 7
    assert config.history.get().history_user == admin_user


def test_who_may_only_view_changes_nothing(client, site):
    user = User.objects.create_user("viewer", is_staff=True)
    names = ("view_heathcheckjob", "view_check", "view_statechange")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    row = HeathCheckJob.objects.first()

    for url in (LIST, f"{LIST}{row.pk}/change/", CHECKS, CHECKS.replace("check/", "statechange/")):
        assert client.get(url).status_code == 200, url
    client.post(f"{LIST}{row.pk}/change/", {"annotation": "x"})
    assert not HeathCheckJob.objects.exclude(annotation="").exists()


def test_who_may_not_view_sees_nothing(client, site):
    client.force_login(User.objects.create_user("other", is_staff=True))

    assert client.get(LIST).status_code == 403
