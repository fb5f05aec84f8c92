"""What the database itself keeps, on each kind of it."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations import RemoveConstraint
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext

from django_outbox.models import OutboxJob
from django_outbox.services.claiming import QueueRota

pytestmark = pytest.mark.django_db


def store(**fields):
    return OutboxJob.objects.create(**{"job_type": "TEST_JOB", "dedup_key": "k", **fields})


def test_second_pending_job_for_a_key_is_refused_by_the_database():
    store()

    with pytest.raises(IntegrityError), transaction.atomic():
        store()


@pytest.mark.parametrize(
    "other",
    [{"dedup_key": "K"}, {"dedup_key": "k "}, {"job_type": "test_job"}, {"status": "COMPLETED"}],
)
def test_what_differs_in_one_letter_or_is_finished_does_not_collide(other):
    store()
    store(**other)

    assert OutboxJob.objects.count() == 2


def test_any_number_of_finished_jobs_and_jobs_without_a_key_may_exist():
    for _ in range(3):
        store(status="FAILED")
        store(dedup_key=None)

    assert OutboxJob.objects.count() == 6


def test_models_and_migrations_agree():
    call_command("makemigrations", "django_outbox", check=True, dry_run=True, stdout=StringIO())


def test_no_system_check_complains_about_the_database():
    call_command("check", databases=["default"], fail_level="WARNING", stderr=StringIO())


@pytest.mark.postgresql
def test_claim_reads_the_partial_index_in_order():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_job (queue, job_type, payload, status, priority, run_after,"
            " attempts, max_attempts, worker, claim_no, created_at, last_error) SELECT 'default',"
            " 'T', '{}', CASE WHEN n % 100 = 0 THEN 'PENDING' ELSE 'COMPLETED' END, 0, now(),"
            " 0, 10, '', 0, now(), '' FROM generate_series(1, 20000) n"
        )
        cursor.execute("ANALYZE outbox_job")
    with CaptureQueriesContext(connection) as captured:
        QueueRota(["default"], worker="w", lease_seconds=60, using="default").claim(50)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {captured[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "outbox_job_due" in plan
    assert "Sort" not in plan
    assert "Seq Scan" not in plan


@pytest.mark.django_db(transaction=True)
def test_migration_can_be_undone_and_done_again():
    last = MigrationExecutor(connection).loader.graph.leaf_nodes("django_outbox")[0]
    try:
        MigrationExecutor(connection).migrate([("django_outbox", None)])
        assert "outbox_job" not in connection.introspection.table_names()
    finally:
        MigrationExecutor(connection).migrate([last])

    store()
    with pytest.raises(IntegrityError), transaction.atomic():
        store()


@pytest.mark.django_db(transaction=True)
def test_uniqueness_can_be_taken_away_and_put_back_by_migrations():
    removal = RemoveConstraint("OutboxJob", "outbox_job_one_pending")
    before = MigrationExecutor(connection).loader.project_state()
    after = before.clone()
    removal.state_forwards("django_outbox", after)
    with connection.schema_editor() as editor:
        removal.database_forwards("django_outbox", editor, before, after)
    try:
        store(), store()
        OutboxJob.objects.all().delete()
    finally:
        with connection.schema_editor() as editor:
            removal.database_backwards("django_outbox", editor, after, before)

    store()
    with pytest.raises(IntegrityError), transaction.atomic():
        store()
