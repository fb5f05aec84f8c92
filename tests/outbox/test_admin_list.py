"""The list of jobs stays fast: paged by key, nothing counted, nothing sorted."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_opskit import browsing
from django_opskit.keyset_admin import KeysetChangeList
from django_outbox.admin.filters import StatusFilter
from django_outbox.admin.jobs import OutboxJobAdmin
from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob

pytestmark = pytest.mark.django_db

URL = "admin:django_outbox_outboxjob_changelist"


@pytest.fixture
def pages_of_five(monkeypatch):
    monkeypatch.setattr(OutboxJobAdmin, "list_per_page", 5)


def store(count, **values):
    return OutboxJob.objects.bulk_create(
        OutboxJob(**{"job_type": "TEST_JOB", **values}) for _ in range(count)
    )


def listed(client, query=""):
    """Return the ids on a page, and the page's change list."""
    changelist = client.get(reverse(URL) + query).context["cl"]
    return [job.pk for job in changelist.result_list], changelist


def newest(jobs):
    return sorted((job.pk for job in jobs), reverse=True)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?status=FAILED",
        "?status=PENDING&queue=default&job_type=TEST_JOB",
        "?before=30",
        "?after=3",
        "?q=TEST",
        "?q=key-7",
        "?q=12",
        "?q=group:none",
        "?age=hour",
        "?age=before-week",
        "?o=2.-1",
        "?p=3",
        "?all=",
        "?_facets=True",
    ],
)
def test_list_counts_nothing_and_passes_over_nothing(admin_client, query):
    for n in range(60):
        enqueue("TEST_JOB", f"key-{n}")

    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = admin_client.get(reverse(URL) + query)

    statements = [entry["sql"].upper() for entry in captured.captured_queries]
    about_jobs = [sql for sql in statements if "OUTBOX_JOB" in sql]
    assert response.status_code == 200
    assert about_jobs
    for sql in about_jobs:
        assert "COUNT(" not in sql
        assert "OFFSET" not in sql
        assert "DISTINCT" not in sql


@pytest.mark.parametrize(
    ("query", "count"),
    # Session, user and the page. Before it the keys of a status, or the highest of all keys; the
    # lowest where a page is not full; and for a search, whether there is such a key.
    [
        ("", 3),
        ("?status=PENDING", 4),
        ("?status=FAILED", 3),
        ("?status=COMPLETED", 5),
        ("?job_type=TEST_JOB", 4),
        ("?q=key-7", 6),
    ],
)
def test_list_takes_the_same_statements_for_one_job_and_for_many(
    admin_client, django_assert_num_queries, query, count
):
    for n in range(60):
        enqueue("TEST_JOB", f"key-{n}")

    with django_assert_num_queries(count):
        admin_client.get(reverse(URL) + query)


def test_list_does_not_read_what_it_does_not_show(admin_client):
    enqueue("TEST_JOB", None, {"much": "text"})

    with CaptureQueriesContext(connection) as captured:
        admin_client.get(reverse(URL))

    assert not any("payload" in entry["sql"] for entry in captured.captured_queries)


def test_pages_lead_through_all_jobs_and_back(admin_client, pages_of_five):
    jobs = newest(store(12))

    first, changelist = listed(admin_client)
    second, changelist = listed(admin_client, changelist.older_url)
    back, _ = listed(admin_client, changelist.newer_url)
    third, last = listed(admin_client, changelist.older_url)

    assert first + second + third == jobs
    assert back == first
    assert last.older_url == ""


def test_first_page_has_no_way_to_newer_jobs(admin_client, pages_of_five):
    store(6)

    page = admin_client.get(reverse(URL)).content.decode()

    assert "Older" in page
    assert "Newer" not in page


def test_way_back_ends_with_a_whole_first_page(admin_client, pages_of_five):
    jobs = newest(store(7))

    shown, changelist = listed(admin_client, f"?after={jobs[2]}")

    assert shown == jobs[:5]
    assert changelist.newer_url == ""


def test_pages_keep_the_filter_and_a_new_filter_begins_anew(admin_client, pages_of_five):
    failed = newest(store(7, status="FAILED"))
    store(7)

    first, changelist = listed(admin_client, "?status=FAILED")
    second, changelist = listed(admin_client, changelist.older_url)

    assert first + second == failed
    assert "before" not in changelist.get_query_string({"status": "PENDING"})
    assert "before" not in changelist.newest_url


@pytest.mark.parametrize("query", ["?before=x", "?before=-1", "?before=" + "9" * 40, "?after=½"])
def test_place_that_is_no_key_is_ignored(admin_client, query):
    job = enqueue("TEST_JOB")

    assert listed(admin_client, query)[0] == [job.pk]


@pytest.mark.parametrize("column", ["payload__icontains", "last_error__contains", "worker"])
def test_other_columns_cannot_be_asked_for(admin_client, column):
    assert admin_client.get(reverse(URL), {column: "x"}).status_code == 400


def test_search_finds_number_key_type_and_group(admin_client, settings):
    settings.OUTBOX = {"QUEUES": {"lanes": {"LANES": True}}}
    mail = enqueue("MAIL_RECEIPT", "order:1")
    export = enqueue("EXPORT", "group:of words", queue="lanes", group_key="customer:7")
    number = enqueue("EXPORT", str(mail.pk))

    def found(term):
        return listed(admin_client, f"?q={term}")[0]

    assert found("order:1") == found("MAIL") == found(f"%23{mail.pk}") == [mail.pk]
    assert found(f"{mail.pk}") == [number.pk, mail.pk]
    assert found("group:customer:7") == found("group:of words") == [export.pk]
    assert found("receipt") == found("group:") == found("9" * 40) == []


def test_age_is_found_by_the_key(admin_client):
    old, older = store(2, created_at=timezone.now() - timedelta(days=40))
    (yesterday,) = store(1, created_at=timezone.now() - timedelta(hours=23))
    (fresh,) = store(1)

    def found(age):
        return listed(admin_client, f"?age={age}")[0]

    assert found("hour") == [fresh.pk]
    assert found("day") == [fresh.pk, yesterday.pk]
    assert found("before-month") == [older.pk, old.pk]
    assert found("before-day") == [older.pk, old.pk]
    assert found("nonsense") == newest([old, older, yesterday, fresh])


@pytest.mark.parametrize("age", ["hour", "before-day"])
def test_age_that_no_job_has_shows_none(admin_client, age):
    when = timezone.now() - (timedelta(days=9) if age == "hour" else timedelta())
    store(3, created_at=when)

    assert listed(admin_client, f"?age={age}")[0] == []


def test_long_search_stops_in_time_says_where_and_goes_on(admin_client, monkeypatch):
    rare = store(1, job_type="RARE")
    store(60)
    monkeypatch.setattr(browsing, "_FIRST_STRETCH", 20)
    monkeypatch.setattr(KeysetChangeList, "budget_seconds", 0.0)

    pages = 0
    shown, changelist = listed(admin_client, "?job_type=RARE")
    while not shown:
        pages += 1
        assert changelist.cut_at is not None
        shown, changelist = listed(admin_client, changelist.older_url)

    assert shown == newest(rare)
    assert pages == 3


def test_unfinished_search_is_explained_on_the_page(admin_client, monkeypatch):
    store(60)
    monkeypatch.setattr(browsing, "_FIRST_STRETCH", 20)
    monkeypatch.setattr(KeysetChangeList, "budget_seconds", 0.0)

    page = admin_client.get(reverse(URL), {"job_type": "FAIL"}).content.decode()

    assert "go on to look further" in page


def test_broken_handlers_module_does_not_take_the_list_away(admin_client, monkeypatch):
    def refuse():
        raise ImportError("no such library here")

    monkeypatch.setattr("django_outbox.services.registry.registry.job_types", refuse)
    job = enqueue("TEST_JOB")

    assert listed(admin_client)[0] == [job.pk]


@pytest.mark.sqlite
@pytest.mark.parametrize("status", ["FAILED", "CANCELLED", "PENDING", "IN_PROGRESS"])
def test_sqlite_reads_an_index_for_each_open_or_dead_status(rf, status):
    """It needs no statistics to: the words of the index are asked for."""
    only = StatusFilter(rf.get("/"), {"status": [status]}, OutboxJob, None)

    plan = only.candidates(OutboxJob.objects.all()).values_list("pk").explain()

    assert "USING INDEX outbox_job_" in plan or "USING COVERING INDEX outbox_job_" in plan
