"""Storing jobs: what is kept, what is refused, and whose transaction it is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import timezone as tzinfo_of

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_outbox.dispatcher import Rerun, cancel, enqueue, run_again, run_now, run_once
from django_outbox.exceptions import EnqueueError
from django_outbox.models import OutboxJob
from tests.outbox.running import statuses

pytestmark = pytest.mark.django_db

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
WEST = tzinfo_of(timedelta(hours=-12))


def test_enqueue_returns_the_stored_pending_job():
    job = enqueue("TEST_JOB", "test-key-1", {"data": "test"})

    stored = OutboxJob.objects.get(dedup_key="test-key-1")
    assert isinstance(job, OutboxJob)
    assert {f.attname: getattr(job, f.attname) for f in OutboxJob._meta.fields} == {
        f.attname: getattr(stored, f.attname) for f in OutboxJob._meta.fields
    }
    assert (stored.status, stored.payload, stored.attempts) == ("PENDING", {"data": "test"}, 0)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"payload": {"tuple": (1, 2), 1: "first", "1": "second", "text": 'żółć 💙 \\ "'}},
        {"payload": [1e16, 1.5e300, 10**30, -0.0, 0.1, 1e-7, 5e-324, 1.0, True, None]},
        {"payload": "1e+16"},
        {"priority": -7, "max_attempts": 3, "queue": "mail", "group_key": "customer 7"},
        {"group_key": "customer 7", "queue": "mail"},
        {"run_after": NOON},
        {"run_after": timedelta(minutes=5, milliseconds=250)},
        {"run_after": timedelta(0)},
        {"dedup_key": "k"},
        {"dedup_key": "k", "on_duplicate": "replace"},
        {"dedup_key": "k", "dedup_window": timedelta(hours=1)},
        {"dedup_key": "k", "priority": 4, "run_after": NOON, "payload": {"n": 1}},
    ],
)
@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_returned_job_is_what_is_read_from_the_table(settings, arguments, zone):
    settings.OUTBOX = {"QUEUES": {"mail": {"LANES": True}}}
    settings.USE_TZ, settings.TIME_ZONE = zone is None, zone or "UTC"
    if zone and arguments.get("run_after") == NOON:
        pytest.skip("a moment with a time zone cannot be stored where there are none")

    job = enqueue("TEST_JOB", **arguments)

    stored = OutboxJob.objects.get(pk=job.pk)
    assert [repr(value) for value in of_fields(job)] == [repr(one) for one in of_fields(stored)]
    assert not job.get_deferred_fields()
    assert (job._state.adding, job._state.db) == (False, "default")


def of_fields(job: OutboxJob) -> list[object]:
    # Some databases sort the keys of an object.
    values = [getattr(job, field.attname) for field in OutboxJob._meta.concrete_fields]
    return [sorted(one.items(), key=str) if isinstance(one, dict) else one for one in values]


def test_returned_job_shares_nothing_with_the_callers_payload():
    payload = {"list": [1]}

    job = enqueue("TEST_JOB", payload=payload)
    payload["list"].append(2)

    assert job.payload == {"list": [1]}


def test_job_is_due_at_once_by_the_servers_clock():
    job = enqueue("TEST_JOB")

    assert abs(timezone.now() - job.run_after) < timedelta(seconds=30)
    assert job.run_after == job.created_at


def test_job_disappears_with_the_callers_transaction():
    with pytest.raises(RuntimeError), transaction.atomic():
        enqueue("TEST_JOB", "k")
        raise RuntimeError

    assert not OutboxJob.objects.exists()


def test_job_of_a_savepoint_that_was_rolled_back_leaves_room_for_its_twin():
    with transaction.atomic():
        with pytest.raises(RuntimeError), transaction.atomic():
            enqueue("TEST_JOB", "k", {"from": "savepoint"})
            raise RuntimeError
        enqueue("TEST_JOB", "k", {"from": "transaction"})

    assert OutboxJob.objects.get().payload == {"from": "transaction"}


@pytest.mark.parametrize("key", [None, ""])
def test_jobs_without_a_key_are_never_merged(key):
    first, second = enqueue("TEST_JOB", key), enqueue("TEST_JOB", key)

    assert first.pk != second.pk
    assert first.dedup_key is None


def test_missing_payload_is_an_empty_dict():
    assert enqueue("TEST_JOB").payload == {}


def test_moment_is_kept_to_the_microsecond():
    moment = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    assert enqueue("TEST_JOB", run_after=moment).run_after == moment


def test_delay_counts_from_the_servers_now():
    job = enqueue("TEST_JOB", run_after=timedelta(minutes=5, milliseconds=250))

    waited = job.run_after - job.created_at
    assert abs(waited - timedelta(minutes=5, milliseconds=250)) < timedelta(milliseconds=2)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
            children,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@hypothesis_settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(payload=JSON.filter(lambda value: value is not None))
def test_any_json_comes_back_as_it_went_in(payload):
    job = enqueue("TEST_JOB", None, payload)

    assert OutboxJob.objects.get(pk=job.pk).payload == payload


def test_text_that_only_looks_like_nul_is_kept():
    assert enqueue("TEST_JOB", None, {"regex": "\\u0000"}).payload == {"regex": "\\u0000"}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"when": NOON}, "not JSON: Object of type datetime"),
        ({"n": float("nan")}, "not JSON"),
        ({(1, 2): 3}, "not JSON"),
        ({"a": ["x\x00"]}, "NUL"),
        ({"a\x00": 1}, "NUL"),
        ("\ud800", "not JSON"),
    ],
)
def test_payload_that_no_database_can_keep_is_refused(payload, reason):
    with pytest.raises(EnqueueError, match=reason):
        enqueue("TEST_JOB", None, payload)

    assert not OutboxJob.objects.exists()


def test_payload_that_contains_itself_is_refused():
    payload: list[object] = []
    payload.append(payload)

    with pytest.raises(EnqueueError, match="not JSON"):
        enqueue("TEST_JOB", None, payload)


def nested(levels: int, wrap: Callable[[object], object]) -> object:
    payload: object = "deep"
    for _ in range(levels):
        payload = wrap(payload)
    return payload


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"key": 1, "in": value}])
def test_payload_may_be_as_deep_as_every_database_keeps_it(wrap):
    deepest = nested(31, wrap)

    assert OutboxJob.objects.get(pk=enqueue("TEST_JOB", None, deepest).pk).payload == deepest
    with pytest.raises(EnqueueError, match="nested 32 levels deep, more than 31"):
        enqueue("TEST_JOB", None, [deepest])


def test_payload_with_many_brackets_is_not_taken_for_a_deep_one():
    payload = [[n, "[{"] for n in range(100)]

    assert enqueue("TEST_JOB", None, payload).payload == payload


def test_payload_over_the_limit_is_refused_with_both_sizes(settings):
    settings.OUTBOX = {"MAX_PAYLOAD_BYTES": 1000}

    enqueue("TEST_JOB", None, "x" * 998)
    with pytest.raises(EnqueueError, match=r"has 1,001 bytes.*MAX_PAYLOAD_BYTES.*1,000"):
        enqueue("TEST_JOB", None, "x" * 999)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"job_type": ""}, "job_type must be text"),
        ({"job_type": None}, "job_type must be text"),
        ({"job_type": "x" * 201}, "job_type has 201 characters, at most 200"),
        ({"dedup_key": "x" * 256}, "dedup_key has 256 characters, at most 255"),
        ({"dedup_key": "a\x00b"}, "dedup_key holds a NUL"),
        ({"dedup_key": 17}, "dedup_key must be text"),
        ({"queue": "mial"}, "'mial' is not declared.*default"),
        ({"priority": 40_000}, "priority must be a whole number"),
        ({"priority": "high"}, "priority must be a whole number"),
        ({"max_attempts": 0}, "max_attempts must be a whole number from 1"),
        ({"max_attempts": True}, "max_attempts must be a whole number"),
        ({"run_after": datetime(2030, 1, 1)}, "run_after must carry its time zone"),  # noqa: DTZ001
        ({"run_after": "tomorrow"}, "run_after must be a datetime or a timedelta"),
        ({"on_duplicate": "ignore"}, "on_duplicate must be"),
        ({"job_type": "\ud800"}, "job_type holds half a character"),
        ({"dedup_key": "\ud800"}, "dedup_key holds half a character"),
        ({"queue": ["default"]}, r"\['default'\] is not declared"),
        ({"run_after": timedelta(days=999_999_999)}, "run_after .* years 1000 to 9998"),
        ({"run_after": timedelta(days=-999_999_999)}, "run_after .* years 1000 to 9998"),
        ({"run_after": timedelta(days=-365 * 3000)}, "run_after .* years 1000 to 9998"),
        ({"run_after": datetime.max.replace(tzinfo=WEST)}, "run_after .* years 1000 to 9998"),
        ({"run_after": datetime.min.replace(tzinfo=UTC)}, "run_after .* years 1000 to 9998"),
    ],
)
def test_wrong_argument_is_refused_with_a_sentence(arguments, reason):
    with pytest.raises(EnqueueError, match=reason):
        enqueue(**{"job_type": "TEST_JOB", **arguments})

    assert not OutboxJob.objects.exists()


def test_longest_type_and_key_fit():
    job = enqueue("ż" * 200, "ż" * 255, queue="default")

    assert OutboxJob.objects.get(pk=job.pk).dedup_key == "ż" * 255


def test_max_attempts_come_from_call_then_queue_then_setting(settings):
    settings.OUTBOX = {"QUEUES": {"mail": {"MAX_ATTEMPTS": 4}}, "MAX_ATTEMPTS": 7}

    attempts = [
        enqueue("TEST_JOB").max_attempts,
        enqueue("TEST_JOB", queue="mail").max_attempts,
        enqueue("TEST_JOB", queue="mail", max_attempts=2).max_attempts,
    ]

    assert attempts == [7, 4, 2]


def test_status_word_that_nobody_knows_is_refused_by_the_database():
    with pytest.raises(DatabaseError), transaction.atomic():
        OutboxJob.objects.create(job_type="TEST_JOB", status="DONE")


@pytest.mark.parametrize("on_duplicate", ["return", "replace"])
def test_enqueue_and_merge_take_few_statements(django_assert_max_num_queries, on_duplicate):
    from django.db import connection

    # MariaDB looks for the twin first and reads back what it stored; see its store.
    with django_assert_max_num_queries(3 if connection.vendor == "mysql" else 1):
        enqueue("TEST_JOB", "k", on_duplicate=on_duplicate)
    with django_assert_max_num_queries(2):
        enqueue("TEST_JOB", "k", on_duplicate=on_duplicate)


def test_jobs_are_cancelled_and_repeated_from_code():
    waiting, done = enqueue("A", run_after=timedelta(hours=1)), enqueue("TEST_JOB")
    run_once()

    assert run_now([waiting.pk]) == 1
    assert cancel([waiting.pk, done.pk], reason="not needed") == 1
    assert run_again([waiting.pk, done.pk]) == Rerun(waiting=2)
    assert statuses() == {"PENDING": 2}
