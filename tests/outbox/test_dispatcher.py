"""The published door, where it is more than a name."""

import pytest
from django.db import connections

from django_outbox import dispatcher
from django_outbox.backends import store_for
from django_outbox.checks import check_databases
from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob
from tests.processes import read_until

SCRIPT = """
from django_outbox.dispatcher import enqueue, run_forever
enqueue("TEST_JOB", "k")
print("ready", flush=True)
print(run_forever(poll_seconds=0.1, max_jobs=5))
"""


class NoOutbox:
    """A router of a site that keeps the outbox elsewhere."""

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool | None:
        return False if app_label == "django_outbox" else None


def test_published_names_are_there():
    assert set(dispatcher.__all__) >= {"enqueue", "run_once", "run_forever"}


@pytest.mark.django_db(transaction=True)
def test_run_forever_works_until_it_is_signalled_and_reports(spawn):
    process = spawn("shell", "-c", SCRIPT)
    read_until(process, "ready")
    while not OutboxJob.objects.filter(status="COMPLETED").exists():
        assert process.poll() is None

    process.terminate()
    output, _ = process.communicate(timeout=120)

    assert process.returncode == 0, output
    assert "completed=1" in output


@pytest.mark.django_db
def test_enqueue_writes_to_the_database_that_it_is_told():
    assert enqueue("TEST_JOB", using="default")._state.db == "default"


def test_database_of_an_unknown_kind_is_refused_with_a_sentence(monkeypatch):
    # Oracle cannot be started here, so one of the others has to claim its name.
    monkeypatch.setattr(connections["default"], "vendor", "oracle")

    with pytest.raises(ValueError, match=r"works on postgresql, sqlite, mysql.*is 'oracle'"):
        store_for("default")


def test_database_without_the_table_is_not_checked(settings, monkeypatch):
    settings.DATABASE_ROUTERS = [f"{__name__}.NoOutbox"]
    monkeypatch.setitem(connections["default"].settings_dict, "TIME_ZONE", "Europe/Warsaw")

    assert check_databases(databases=["default"]) == []
