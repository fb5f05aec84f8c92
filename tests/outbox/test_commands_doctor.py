"""outbox_doctor: each finding is made to come up for real."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone

from django_opskit.clock import ServerTime
from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob, OutboxWorker
from django_outbox.services.doctor import examine
from django_outbox.services.doctor import postgresql as postgresql_module
from tests.outbox.running import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def sentences(code: str, **options: Any) -> list[str]:
    return [finding.sentence for finding in examine(**options) if finding.code == code]


def store(**fields: Any) -> OutboxJob:
    long_ago = timezone.now() - timedelta(minutes=10)
    return OutboxJob.objects.create(**{"job_type": "TEST_JOB", "run_after": long_ago, **fields})


@contextmanager
def changed(sql: str, back: str) -> Iterator[None]:
    """Change the table for a moment."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(back)


@contextmanager
def open_transaction() -> Iterator[None]:
    """Another session that has read, has written, and does not end."""
    other = connections.create_connection("default")
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute("UPDATE outbox_worker SET pid = 8")
        yield
    finally:
        other.rollback()
        other.close()


def server_runs_without_autovacuum() -> bool:
    """Some test servers do, to be quiet; that is a finding, and a right one."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SHOW autovacuum")
        return bool(cursor.fetchone()[0] == "off")


def test_healthy_outbox_has_no_findings_and_exits_with_zero(manage):
    ended = manage("outbox_doctor")

    if server_runs_without_autovacuum():
        assert ended.returncode == 3
        assert ended.stdout.startswith("autovacuum: The server runs with autovacuum = off")
        assert ended.stdout.count("\n") == 1
    else:
        assert (ended.returncode, ended.stdout) == (0, "Nothing is wrong.\n")


def test_findings_are_one_document_and_status_three(manage):
    store(queue="gone")

    ended = manage("outbox_doctor", "--json")

    answer = json.loads(ended.stdout)
    assert ended.returncode == 3
    assert answer["healthy"] is False
    assert answer["findings"][-1]["code"] == "queue"


def test_index_that_somebody_dropped_is_missed():
    drop = {"mysql": "DROP INDEX outbox_job_key ON outbox_job"}.get(
        connection.vendor, "DROP INDEX outbox_job_key"
    )
    with changed(drop, "CREATE INDEX outbox_job_key ON outbox_job (dedup_key, id)"):
        (sentence,) = sentences("index")

    assert "has no 'outbox_job_key'" in sentence
    assert sentences("index") == []


def test_index_over_other_columns_is_noticed():
    end = " ON outbox_job" if connection.vendor == "mysql" else ""
    drop = f"DROP INDEX outbox_job_key{end}"
    with (
        changed(drop, "CREATE INDEX outbox_job_key ON outbox_job (dedup_key, id)"),
        changed("CREATE INDEX outbox_job_key ON outbox_job (id)", drop),
    ):
        (sentence,) = sentences("index")

    assert "is over id and should be over dedup_key, id" in sentence


@pytest.mark.postgresql
def test_index_whose_build_was_broken_off_is_noticed():
    sql = "UPDATE pg_index SET indisvalid = %s WHERE indexrelid = 'outbox_job_key'::regclass"
    with changed(sql % "false", sql % "true"):
        (sentence,) = sentences("index")

    assert 'REINDEX INDEX CONCURRENTLY "outbox_job_key"' in sentence


def test_table_and_migration_that_are_missing_are_all_that_is_said():
    with changed("ALTER TABLE outbox_inbox RENAME TO x", "ALTER TABLE x RENAME TO outbox_inbox"):
        missing = examine()
    name = "UPDATE django_migrations SET name = '{}' WHERE app = 'django_outbox' AND name = '{}'"
    with changed(name.format("x", "0002_engine"), name.format("0002_engine", "x")):
        behind = examine()

    assert [finding.sentence for finding in missing] == [
        "Table 'outbox_inbox' is missing: run 'manage.py migrate'."
    ]
    assert [finding.code for finding in behind] == ["migration"]
    assert "0002_engine" in behind[0].sentence


def test_job_that_runs_for_more_than_an_hour_is_named():
    job = enqueue("A")
    held = {"status": "IN_PROGRESS", "worker": "host:7:a", "lease_until": ServerTime(60)}
    OutboxJob.objects.update(**held, started_at=ServerTime(-3500))
    assert sentences("hanging") == []

    OutboxJob.objects.update(started_at=ServerTime(-3700))
    (sentence,) = sentences("hanging")

    assert f"#{job.pk}" in sentence
    assert "host:7:a" in sentence


def test_job_whose_lease_is_long_over_is_stuck():
    long_ago = timezone.now() - timedelta(minutes=5)
    store(status="IN_PROGRESS", lease_until=long_ago, worker="w")
    store(status="IN_PROGRESS", lease_until=timezone.now() + timedelta(minutes=5), worker="w")

    (sentence,) = sentences("stuck")

    assert sentence.startswith("1 jobs are held")


def test_due_jobs_need_a_live_worker_of_their_queue(settings):
    settings.OUTBOX = {"QUEUES": {"mail": {}}}
    OutboxWorker.objects.create(name="a", host="h", pid=1, queues=["mail"])
    store()
    store(queue="mail")

    (sentence,) = sentences("unserved")

    assert "Queue 'default' has 1 pending jobs" in sentence
    assert "worker_run --queues default" in sentence


def test_silent_worker_and_its_queue_are_named():
    long_ago = timezone.now() - timedelta(minutes=5)
    OutboxWorker.objects.create(name="h:1:a", host="h", pid=1, queues=["default"], seen_at=long_ago)
    store()

    assert "Worker 'h:1:a' was last seen 300 s ago" in sentences("worker")[0]
    assert len(sentences("unserved")) == 1


def test_job_type_without_handler_and_queue_without_declaration_are_named():
    store(job_type="NOBODY")
    store(queue="gone")

    assert "type 'NOBODY', which has no handler" in sentences("handler")[0]
    assert "Queue 'gone' has 1 pending jobs" in sentences("queue")[0]


def test_clock_that_is_off_is_noticed(monkeypatch):
    """The host's clock cannot be set here, so the server is asked through a shifted function."""
    from django_outbox.services.doctor import jobs

    now = jobs.server_now
    assert sentences("clock") == []
    monkeypatch.setattr(jobs, "server_now", lambda using: now(using) - timedelta(minutes=10))

    assert "differ by 600 s" in sentences("clock")[0]


@pytest.mark.postgresql
def test_transaction_that_is_open_for_long_holds_up_vacuum():
    OutboxWorker.objects.create(name="a", host="h", pid=1)
    with open_transaction():
        (sentence,) = sentences("transaction", old_seconds=0)
        assert sentences("transaction") == []

    assert "idle in transaction" in sentence
    assert sentences("transaction", old_seconds=0) == []


@pytest.mark.mariadb
def test_transaction_that_is_open_for_long_keeps_old_versions():
    OutboxWorker.objects.create(name="a", host="h", pid=1)
    with open_transaction():
        # The server renews this table ten times a second at most.
        wait_for(
            lambda: any("rows locked" in one for one in sentences("transaction", old_seconds=-1))
        )
        found = sentences("transaction", old_seconds=600)

    assert found == []


@pytest.mark.postgresql
def test_autovacuum_that_is_off_or_as_usual_is_noticed():
    off = "ALTER TABLE outbox_job SET (autovacuum_enabled = off)"
    with changed(off, "ALTER TABLE outbox_job RESET (autovacuum_enabled)"):
        switched_off = sentences("autovacuum")
    reset = "ALTER TABLE outbox_job RESET (autovacuum_vacuum_scale_factor)"
    back = "ALTER TABLE outbox_job SET (autovacuum_vacuum_scale_factor = 0.01)"
    with changed(reset, back):
        untuned = sentences("autovacuum")

    assert "Autovacuum is off for table 'outbox_job'" in switched_off[-1]
    assert "has lost the autovacuum settings" in untuned[-1]


@pytest.mark.postgresql
def test_dead_rows_and_bloat_are_noticed(monkeypatch):
    monkeypatch.setattr(postgresql_module, "_MOST_DEAD_ROWS", 100)
    with changed(
        "ALTER TABLE outbox_job SET (autovacuum_enabled = off)",
        "ALTER TABLE outbox_job RESET (autovacuum_enabled)",
    ):
        with connection.cursor() as cursor:
            # The dead rows of other tests are counted now, and then no more.
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute("TRUNCATE outbox_job CASCADE")
            cursor.execute("SELECT pg_stat_reset_single_table_counters('outbox_job'::regclass)")
        OutboxJob.objects.bulk_create([OutboxJob(job_type="TEST_JOB") for _ in range(500)])
        OutboxJob.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
        (dead,) = sentences("vacuum")
        monkeypatch.undo()
        monkeypatch.setattr(postgresql_module, "_BLOATED_BYTES", 8192)
        (bloated,) = sentences("bloat")

    # Those of the table's other tests may be on their way to the statistics still.
    counted = re.search(r"([\d,]+) dead rows beside [\d,]+ live ones", dead)
    assert counted is not None
    assert int(counted[1].replace(",", "")) >= 500
    assert re.search(r"takes [\d,]+ MB for [\d,]+ rows", bloated)


@pytest.mark.postgresql
def test_pooler_in_transaction_mode_and_session_locks_do_not_go_together(settings, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)

    (sentence,) = sentences("pooler")
    settings.OUTBOX = {"LIVENESS_LOCKS": False, "WAKE_UP": False}

    assert "OUTBOX['LIVENESS_LOCKS']" in sentence
    assert sentences("pooler") == []


@pytest.mark.sqlite
def test_sqlite_without_its_options_is_noticed(monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (before,) = cursor.fetchone()
    monkeypatch.setattr(connections["default"], "transaction_mode", None)
    with (
        changed("PRAGMA busy_timeout = 100", f"PRAGMA busy_timeout = {before}"),
        changed("PRAGMA journal_mode = DELETE", "PRAGMA journal_mode = WAL"),
    ):
        found = sentences("sqlite")

    assert len(found) == 3
    assert "journal_mode delete" in found[0]
    assert "waits 100 ms" in found[1]
    assert "transaction_mode DEFERRED" in found[2]


def test_wrong_age_is_refused():
    with pytest.raises(CommandError, match="must be 0 or more, got -1.0") as refusal:
        call_command("outbox_doctor", old_transaction_seconds=-1.0, stdout=StringIO())
    assert refusal.value.returncode == 2
