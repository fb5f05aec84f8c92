"""The status page, and the page of one check: what a person sees who has to act."""

import uuid

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_health_check_job.admin.response_chart import response_chart
from django_health_check_job.models import Check, CheckConfig, Delivery, MonitorLease, Sender
from django_health_check_job.services.lease import NAME
from tests.health.making import NOON, Site, seconds

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.health.urls")]

CHECKS = "/admin/django_health_check_job/check/"
STATUS = f"{CHECKS}status/"
DELIVERIES = "/admin/django_health_check_job/delivery/"


@pytest.fixture(autouse=True)
def persistent(settings):
    settings.PERSIST_HEALTH_CHECK_DATA = True


def text_of(response):
    return " ".join(response.content.decode().split())


def led_until(at):
    return MonitorLease.objects.create(
        name=NAME, holder="host-a:7", fence=1, acquired_at=at - seconds(60), expires_at=at
    )


@pytest.mark.parametrize(
    ("states", "headline"),
    [
        ({"Disk": "UP", "Mail": "UP"}, "All 2 critical checks work."),
        ({"Disk": "UP"}, "The critical check works."),
        ({"Disk": "DOWN", "Mail": "WARN"}, "Down: Disk"),
        ({"Disk": "UNKNOWN", "Mail": "UP"}, "Nothing is known of: Disk"),
        ({"Disk": "WARN", "Mail": "UP"}, "Works, with a warning: Disk"),
        ({f"C{one}": "DOWN" for one in range(7)}, "Down: C0, C1, C2, C3, C4 and 2 more"),
    ],
)
def test_headline_says_the_worst(admin_client, states, headline):
    Site(failures=1).record(timezone.now(), **states)

    assert headline in text_of(admin_client.get(STATUS))


def test_worst_comes_first_and_this_site_before_others(admin_client):
    now = timezone.now()
    Site(failures=1).record(now, Alpha="UP", Beta="DOWN", Gamma="WARN")
    Check.objects.create(source="site-b", name="Aaa", slug="aaa", state="DOWN", last_at=now)

    response = admin_client.get(STATUS)

    order = [(g.source, [row.check.name for row in g.rows]) for g in response.context["groups"]]
    assert order == [("", ["Beta", "Gamma", "Alpha"]), ("site-b", ["Aaa"])]
    assert response.context["status"].state == "DOWN"
    assert "<h2> site-b </h2>" in text_of(response)


def test_other_sites_do_not_make_this_one_unhealthy(admin_client):
    Site(failures=1).record(timezone.now(), Alpha="UP")
    Check.objects.create(
        source="site-b", name="Aaa", slug="aaa", state="DOWN", last_at=timezone.now()
    )

    assert "The critical check works." in text_of(admin_client.get(STATUS))


def test_what_is_not_critical_is_named_and_alarms_nobody(admin_client):
    Site(failures=1).record(timezone.now(), Alpha="UP", Beta="DOWN")
    Check.objects.filter(name="Beta").update(critical=False)

    page = text_of(admin_client.get(STATUS))

    assert "The critical check works." in page
    assert "Not critical, and not well: Beta" in page


def test_dead_monitor_is_said_and_its_news_are_stale(admin_client):
    at = timezone.now() - seconds(600)
    Site(failures=1).record(at, Alpha="UP")
    led_until(at)

    page = text_of(admin_client.get(STATUS))

    assert "No monitor is at work. The last one, host-a:7, ended 10" in page
    assert "Nothing is known of: Alpha" in page
    assert "○ UNKNOWN" in page
    assert "All critical" not in page


def test_living_monitor_is_named(admin_client):
    led_until(timezone.now() + seconds(30))

    page = text_of(admin_client.get(STATUS))

    assert "host-a:7 monitors." in page
    assert "No critical check has run yet." in page
    assert "monitor --once" in page


def test_uptimes_count_what_failed(admin_client):
    site, now = Site(failures=1), timezone.now()
    for age in range(3, 0, -1):
        site.record(now - seconds(age), Alpha="DOWN" if age == 2 else "UP")

    row = admin_client.get(STATUS).context["groups"][0].rows[0]

    assert (row.day, row.month) == ("66.66\xa0%", "66.66\xa0%")


def test_unsent_payloads_and_senders_are_shown(admin_client):
    now = timezone.now()
    for refused_at in (None, None, now):
        Delivery.objects.create(
            key=uuid.uuid4(), payload="{}", created_at=now, refused_at=refused_at
        )
    Sender.objects.create(app_id="site-b", first_seen_at=now, last_seen_at=now - seconds(7200))

    page = text_of(admin_client.get(STATUS))

    assert "2 payloads wait for the monitoring server." in page
    assert "has refused 1 payload." in page
    assert "site-b" in page
    assert "2 hours ago" in page


def test_news_are_shown_and_first_sights_are_not(admin_client):
    site, now = Site(failures=1), timezone.now()
    site.record(now - seconds(20), Alpha="UP", Beta="DOWN")
    site.record(now - seconds(10), Alpha="WARN", Beta="DOWN")

    changes = admin_client.get(STATUS).context["changes"]

    told = [(str(one.check_row), one.new) for one, *_rest in changes]
    assert told == [("Alpha", "WARN"), ("Beta", "DOWN")]


def test_query_count_grows_with_nothing(admin_client):
    def count():
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(STATUS)
        return len(queries)

    site, now = Site(failures=1), timezone.now()
    site.record(now - seconds(50), Alpha="UP")
    count()  # caches of content types fill
    few = count()
    names = [f"Check{number}" for number in range(30)]
    for age in (40, 30, 20):
        site.record(now - seconds(age), **dict.fromkeys(names, "DOWN" if age == 30 else "UP"))

    assert count() == few


def test_page_keeps_itself_up_to_date_when_asked(admin_client):
    assert "http-equiv" not in text_of(admin_client.get(STATUS))
    assert '<meta http-equiv="refresh" content="30">' in text_of(
        admin_client.get(f"{STATUS}?refresh")
    )


def test_hostile_texts_stay_text(admin_client):
    now = timezone.now()
    Check.objects.create(
        source="<b>x",
        name="<i>y",
        slug="y",
        state="DOWN",
        last_message="<script>alert(1)",
        last_at=now,
        stale_after_seconds=900,
    )
    Sender.objects.create(app_id="<u>z", first_seen_at=now, last_seen_at=now)

    page = text_of(admin_client.get(STATUS))

    assert "&lt;script&gt;alert" in page
    assert not any(tag in page for tag in ("<b>x", "<i>y", "<script>alert", "<u>z"))


def test_only_who_may_view_checks_sees_it(client):
    assert client.get(STATUS).status_code == 302
    user = User.objects.create_user("staff", is_staff=True)
    client.force_login(user)
    assert client.get(STATUS).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_check"))
    assert client.get(STATUS).status_code == 200


class TestCheckPage:
    @pytest.fixture
    def check(self):
        site, now = Site(failures=1), timezone.now()
        for age in range(30, 0, -10):
            site.record(now - seconds(age), age / 100, Alpha="DOWN" if age == 20 else "UP")
        return Check.objects.get()

    def url(self, check, query=""):
        return f"{CHECKS}{check.pk}/change/{query}"

    @pytest.mark.parametrize(
        ("query", "rows"), [("", 3), ("?chart=week", 1), ("?chart=year", 1), ("?chart=x", 3)]
    )
    def test_chart_shows_what_is_stored(self, admin_client, check, query, rows):
        response = admin_client.get(self.url(check, query))

        page = text_of(response)
        assert 'class="opskit-chart"' in page
        assert "opskit-chart-cross" in page
        # An hour may have ended in between.
        assert rows <= len(response.context["chart"].rows) <= rows + 1
        assert f"?name={check.pk}" in page

    def test_hours_without_results_break_the_line(self):
        site = Site(failures=1)
        for hours, state in ((5, "UP"), (0, "UP"), (0, "DOWN")):
            site.record(NOON - seconds(hours * 3600 + len(state)), Alpha=state)

        chart = response_chart(Check.objects.get().pk, "week", now=NOON)

        assert [row[1] for row in chart.rows] == [2, 1]
        # Nothing but dots: no line crosses the hours without a result.
        assert chart.svg.count('class="opskit-chart-line"') == 1

    def test_figures_are_those_of_the_results(self, admin_client, check):
        rows = admin_client.get(self.url(check, "?chart=year")).context["chart"].rows

        counts = [sum(row[index] for row in rows) for index in range(1, 6)]
        assert counts == [3, 2, 0, 0, 1]
        if len(rows) == 1:
            assert rows[0][6:] == ("200.0\xa0ms", "100.0\xa0ms", "300.0\xa0ms")

    def test_check_without_results_says_so(self, admin_client):
        check = Check.objects.create(name="New", slug="new")

        page = text_of(admin_client.get(self.url(check)))

        assert "No result is stored for this time." in page
        assert "opskit-chart" not in page

    def test_number_of_queries_is_fixed(self, admin_client, check):
        def count():
            with CaptureQueriesContext(connection) as queries:
                admin_client.get(self.url(check))
            return len(queries)

        count()  # caches of content types fill
        before = count()
        for age in range(9, 0, -1):
            Site(failures=1).record(timezone.now() - seconds(age), Alpha="UP")
        assert count() == before

    def test_history_is_that_of_what_people_set(self, admin_client, admin_user, check):
        url = f"{CHECKS}{check.pk}/history/"
        assert "Nobody has set anything" in text_of(admin_client.get(url))
        config = CheckConfig(check_row=check, interval_seconds=7, note="<b>slow")
        config._history_user = admin_user
        config.save()
        config.delete()

        page = text_of(admin_client.get(url))

        assert "<td>7.0</td>" in page
        assert "&lt;b&gt;slow" in page
        assert "back to the settings" in page
        assert admin_user.username in page

    @pytest.mark.parametrize("key", ["999999", "x", "99999999999999999999999"])
    def test_unknown_check_is_not_found(self, admin_client, key):
        assert admin_client.get(f"{CHECKS}{key}/history/").status_code == 404
        assert admin_client.get(f"{CHECKS}{key}/change/").status_code == 302

    def test_retired_check_leaves_the_page_and_comes_back(self, admin_client, check):
        data = {"action": "retire_checks", "_selected_action": check.pk}

        page = text_of(admin_client.post(CHECKS, data, follow=True))

        assert "1 check is retired." in page
        assert "0 checks" in page
        assert "Alpha" in text_of(admin_client.get(f"{CHECKS}?retired=1"))
        assert not admin_client.get(STATUS).context["groups"]
        Site(failures=1).record(timezone.now(), Alpha="UP")
        assert "Alpha" in text_of(admin_client.get(CHECKS))

    def test_who_may_only_view_retires_nothing(self, client, check):
        user = User.objects.create_user("viewer", is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_check"))
        client.force_login(user)

        client.post(CHECKS, {"action": "retire_checks", "_selected_action": check.pk})

        check.refresh_from_db()
        assert check.retired_at is None


class TestDeliveries:
    @pytest.fixture
    def refused(self):
        now = timezone.now()
        Delivery.objects.create(key=uuid.uuid4(), payload='{"checks": []}', created_at=now)
        return Delivery.objects.create(
            key=uuid.uuid4(),
            payload='{"checks": [{"message": "<b>"}]}',
            created_at=now,
            attempts=1,
            last_error="HTTP 400",
            refused_at=now,
        )

    def test_refused_payload_is_sent_again(self, admin_client, refused):
        data = {"action": "send_again", "_selected_action": refused.pk}

        assert "1 payload waits again." in text_of(admin_client.post(DELIVERIES, data, follow=True))

        refused.refresh_from_db()
        assert refused.refused_at is None
        assert "0 payloads wait again." in text_of(admin_client.post(DELIVERIES, data, follow=True))

    @pytest.mark.parametrize(("query", "count"), [("", 2), ("?refused=1", 1), ("?refused=0", 1)])
    def test_list_is_filtered_by_state(self, admin_client, refused, query, count):
        response = admin_client.get(f"{DELIVERIES}{query}")

        assert len(response.context["cl"].result_list) == count

    def test_payload_is_shown_as_text(self, admin_client, refused):
        page = admin_client.get(f"{DELIVERIES}{refused.pk}/change/").content.decode()

        assert "&quot;message&quot;: &quot;&lt;b&gt;&quot;" in page

    def test_lists_of_monitors_and_senders(self, admin_client):
        now = timezone.now()
        led_until(now + seconds(30))
        Sender.objects.create(app_id="site-b", first_seen_at=now, last_seen_at=now)

        base = "/admin/django_health_check_job"
        assert "host-a:7" in text_of(admin_client.get(f"{base}/monitorlease/"))
        assert admin_client.get(f"{base}/monitorlease/{NAME}/change/").status_code == 200
        assert "s ago" in text_of(admin_client.get(f"{base}/sender/"))
        assert admin_client.get(f"{base}/sender/site-b/change/").status_code == 200
