"""Jobs and handlers that nobody wants: each ends by itself, and the others do not notice."""

import pytest
from django.db import DatabaseError, connection, transaction

from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob
from tests.outbox.running import statuses, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

# By job type: what the last error says; those without one succeed, whatever they leave behind.
HOSTILE = {
    "RAISE_GENERATOR_EXIT": "GeneratorExit",
    "RAISE_OWN_BASE_EXCEPTION": "Unheard: of",
    "EXIT": "SystemExit: 3",
    "LEAK_CONNECTIONS": "",
    "CLOSE_CONNECTION": "",
    "FAIL_IN_TRANSACTION": "no_such_column",
    "LEAVE_TRANSACTION_OPEN": "",
    "COMMIT_ATOMICALLY": "",
    "RECURSE": "RecursionError",
    "RAISE_HUGE_ERROR": "xxxxxxxxxx",
    "CHANGE_DIRECTORY": "",
    "TEAR_UP_JOB": "",
    "USE_ALL_MEMORY": "MemoryError",
    "CLOSE_ALL_FILES": "The handler's process ended with exit status",
    "RETURN_TOO_MUCH": "more than OUTBOX['MAX_PAYLOAD_BYTES']",
    "RETURN_NO_JSON": "is not JSON",
    "NOBODY_KNOWS_THIS": "No handler is registered for job type 'NOBODY_KNOWS_THIS'",
    "SILENCE": "",
}


def test_one_worker_bears_them_all_and_does_what_stands_between_them(manage):
    for job_type in HOSTILE:
        enqueue(job_type, max_attempts=1)
        enqueue("ASK_DATABASE", max_attempts=1)

    ended = manage("worker_run", "--drain", "--json")

    jobs = OutboxJob.objects.exclude(job_type="ASK_DATABASE")
    assert ended.returncode == 0, ended.stderr
    assert dict(jobs.values_list("job_type", "status")) == {
        job_type: "FAILED" if words else "COMPLETED" for job_type, words in HOSTILE.items()
    }
    for job in jobs:
        assert HOSTILE[job.job_type] in job.last_error
        assert len(job.last_error) <= 8001
    assert {job.status for job in OutboxJob.objects.filter(job_type="ASK_DATABASE")} == {
        "COMPLETED"
    }


@pytest.mark.sqlite
@pytest.mark.postgresql
def test_transaction_begun_by_hand_does_not_keep_its_locks(manage):
    """Else nobody could write any more, not even the worker that the job is done."""
    enqueue("BEGIN_BY_HAND", max_attempts=1)
    enqueue("ASK_DATABASE", max_attempts=1)

    ended = manage("worker_run", "--drain")

    assert ended.returncode == 0, ended.stderr
    assert statuses() == {"COMPLETED": 2}


def test_thread_that_a_handler_left_behind_does_not_keep_the_worker_from_stopping(spawn):
    """At its exit Python waits for threads that are no daemons; systemd would wait for Python."""
    enqueue("START_ENDLESS_THREAD")
    worker = spawn("worker_run")
    wait_for(lambda: statuses() == {"COMPLETED": 1})

    worker.terminate()
    output, _ = worker.communicate(timeout=120)

    assert worker.returncode == 0, output
    assert statuses() == {"COMPLETED": 1}


def test_payload_of_ten_million_characters_arrives_where_the_site_allows_it(
    spawn, settings, tmp_path
):
    settings.OUTBOX = {"MAX_PAYLOAD_BYTES": 12_000_000}
    seen = tmp_path / "seen"
    enqueue("MEASURE_PAYLOAD", None, {"log": str(seen), "text": "ż" * 5 + "x" * 10_000_000})

    worker = spawn("worker_run", "--drain")
    output, _ = worker.communicate(timeout=60)

    assert worker.returncode == 0, output
    assert seen.read_text(encoding="utf-8") == "10000005"


@pytest.mark.parametrize("payload", ["no JSON", "", "{'single': 'quotes'}"])
def test_payload_that_is_no_json_cannot_be_put_into_the_table_by_hand_either(payload):
    """A claim that met one could read no job at all."""
    enqueue("TEST_JOB")

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_job SET payload = %s", [payload])

    assert OutboxJob.objects.get().payload == {}
