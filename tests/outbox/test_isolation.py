"""Sites that run their transactions at a stricter isolation level than Django's default."""

import logging
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection, connections, transaction

from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob
from tests.outbox.running import in_thread, statuses
from tests.outbox.test_dedup import claim

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql, pytest.mark.mariadb]


@pytest.fixture(params=["repeatable read", "serializable"])
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Every connection that is opened from now on has this level."""
    value = request.param
    if connection.vendor == "postgresql":
        from psycopg import IsolationLevel

        value = IsolationLevel[request.param.upper().replace(" ", "_")]
    options = connections.settings["default"]["OPTIONS"]
    connection.close()
    for wrapper in (connections["default"], connection):
        monkeypatch.setitem(wrapper.settings_dict["OPTIONS"], "isolation_level", value)
    monkeypatch.setitem(options, "isolation_level", value)
    yield request.param
    connection.close()


def refused_to_serialize(error: OperationalError) -> bool:
    return "serialize" in str(error) or error.args[0] in (1020, 1205, 1213)


def elsewhere(function) -> None:
    """Run and commit it on another connection."""
    in_thread(function).join()


def test_fixture_sets_the_level(level):
    with connection.cursor() as cursor, transaction.atomic():
        if connection.vendor == "postgresql":
            cursor.execute("SHOW transaction_isolation")
        else:
            cursor.execute("SELECT LOWER(REPLACE(@@tx_isolation, '-', ' '))")
        assert cursor.fetchone() == (level,)


# Serializable reads of MariaDB lock what they read: there nobody comes after the snapshot.
@pytest.mark.parametrize("level", ["repeatable read"], indirect=True)
@pytest.mark.parametrize("on_duplicate", ["return", "replace"])
def test_twin_that_came_after_the_snapshot_is_met_or_the_caller_is_told(level, on_duplicate):
    """PostgreSQL cannot serialize this, as ever at such levels; MariaDB can."""
    try:
        with transaction.atomic():
            assert not OutboxJob.objects.exists()  # the snapshot
            elsewhere(lambda: enqueue("TEST_JOB", "k", {"from": "elsewhere"}))

            job = enqueue("TEST_JOB", "k", {"from": "here"}, on_duplicate=on_duplicate)

            assert job.status == "PENDING"
            if on_duplicate == "return":
                assert claim_elsewhere() == []
    except OperationalError as error:
        assert refused_to_serialize(error)  # noqa: PT017  # or no error at all

    assert OutboxJob.objects.count() == 1


def claim_elsewhere() -> list[OutboxJob]:
    claimed: list[OutboxJob] = []
    elsewhere(lambda: claimed.extend(claim()))
    return claimed


@pytest.mark.parametrize("level", ["repeatable read"], indirect=True)
def test_twin_that_was_claimed_after_the_snapshot_gives_way_to_a_new_job(level):
    """Else what this transaction writes would have no job."""
    enqueue("TEST_JOB", "k")
    try:
        with transaction.atomic():
            assert OutboxJob.objects.count() == 1  # the snapshot
            [claimed] = claim_elsewhere()

            job = enqueue("TEST_JOB", "k")

            assert job.pk != claimed.pk
    except OperationalError as error:
        assert refused_to_serialize(error)  # noqa: PT017  # or no error at all
    else:
        assert statuses() == {"IN_PROGRESS": 1, "PENDING": 1}


def test_workers_share_the_jobs_without_taking_each_other_for_an_outage(level, start, caplog):
    for n in range(400):
        enqueue("FAIL" if n % 20 == 0 else "TEST_JOB", f"k{n}", max_attempts=1)

    with caplog.at_level(logging.WARNING):
        reports = [running.join() for running in [start(drain=True) for _ in range(3)]]

    assert statuses() == {"COMPLETED": 380, "FAILED": 20}
    assert sum(report.settled.lost for report in reports) == 0
    assert "outage" not in caplog.text
