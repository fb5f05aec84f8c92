"""Real monitors: killed, three at once, cut off from their server and from their database."""

import itertools

import pytest

from django_health_check_job.models import (
    Check,
    Delivery,
    HeathCheckJob,
    MonitorLease,
    MonitorRound,
    StateChange,
)
from tests.health.servers import monitoring_server
from tests.outbox.running import wait_for
from tests.private_servers import PrivatePostgreSQL
from tests.processes import read_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("measured")]

SAMPLES = "tests.health.sample_checks"
FINE = {"CHECK": f"{SAMPLES}.fine", "NAME": "Fine"}
KEY = "a-key"


def rounds() -> list[tuple[str, object]]:
    return list(MonitorRound.objects.order_by("started_at").values_list("monitor", "started_at"))


def leads(process) -> bool:
    return MonitorLease.objects.filter(holder__contains=f"|{process.pid}|").exists()


def test_three_monitors_write_each_round_once_while_leaders_are_killed(spawn, monitor_env):
    env = monitor_env(FINE, LEASE_SECONDS=2.0)
    monitors = [spawn("monitor", "--interval", "0.1", env=env) for _ in range(3)]

    for _ in range(2):
        before = len(rounds())
        wait_for(lambda before=before: len(rounds()) > before + 8)
        [leader] = [one for one in monitors if leads(one)]
        monitors.remove(leader)
        leader.kill()
        leader.wait(10)
        wait_for(lambda: leads(monitors[0]) or leads(monitors[-1]))
    before = len(rounds())
    wait_for(lambda: len(rounds()) > before + 5)
    for one in monitors:
        one.terminate()
        one.communicate(timeout=120)

    # One after the other: nobody begins again once another has led.
    turns = [monitor for monitor, _ in itertools.groupby(name for name, _ in rounds())]
    assert len(turns) == len(set(turns)) == 3
    assert HeathCheckJob.objects.count() == len(rounds())
    assert len({row.round for row in HeathCheckJob.objects.all()}) == len(rounds())


def test_clean_stop_lets_the_next_one_lead_at_once(spawn, monitor_env):
    env = monitor_env(FINE, LEASE_SECONDS=3600.0)
    one = spawn("monitor", "--interval", "0.1", env=env)
    read_until(one, "Fine")
    other = spawn("monitor", "--interval", "0.1", env=env)
    read_until(other, "standing by")

    one.terminate()
    one.communicate(timeout=120)

    read_until(other, "Fine", seconds=60)


def test_stopped_dependency_is_down_after_n_rounds_with_one_event_each(
    spawn, monitor_env, tmp_path
):
    flag = tmp_path / "flag"
    flag.touch()
    check = {
        "CHECK": f"{SAMPLES}.depends_on",
        "OPTIONS": {"path": str(flag)},
        "NAME": "Flag",
        "FAILURES": 3,
    }
    spawn("monitor", "--interval", "0.1", env=monitor_env(check))
    state = Check.objects.filter(name="Flag")
    wait_for(lambda: state.filter(state="UP").exists())

    flag.unlink()
    wait_for(lambda: state.filter(state="DOWN").exists())
    failures = HeathCheckJob.objects.filter(status=0).count()
    flag.touch()
    wait_for(lambda: state.filter(state="UP").exists())
    wait_for(lambda: not StateChange.objects.filter(announced_at=None).exists())

    changes = StateChange.objects.order_by("pk").values_list("old", "new")
    assert list(changes) == [("UNKNOWN", "UP"), ("UP", "DOWN"), ("DOWN", "UP")]
    assert failures >= 3


def test_check_that_is_no_longer_listed_leaves_the_sites_state(spawn, monitor_env):
    other = {"CHECK": f"{SAMPLES}.fine", "NAME": "Other"}
    listed = Check.objects.filter(retired_at=None).order_by("name").values_list("name", flat=True)

    def run(*options: str, checks: tuple) -> list[str]:
        process = spawn("monitor", "--interval", "0.1", *options, env=monitor_env(*checks))
        read_until(process, checks[0]["NAME"])
        read_until(process, checks[0]["NAME"])
        process.terminate()
        process.communicate(timeout=120)
        return list(listed.all())

    assert run(checks=(FINE, other)) == ["Fine", "Other"]
    assert run("--check", "Fine", checks=(FINE, other)) == ["Fine", "Other"]
    assert run(checks=(FINE,)) == ["Fine"]
    assert run(checks=(other,)) == ["Other"]


def test_hung_check_holds_up_no_other(spawn, monitor_env):
    hang = {"CHECK": f"{SAMPLES}.hang", "NAME": "Hang", "TIMEOUT_SECONDS": 0.3}
    process = spawn("monitor", "--interval", "0.2", env=monitor_env(hang, FINE))

    wait_for(lambda: HeathCheckJob.objects.filter(name="Fine").count() > 5)
    process.terminate()
    process.communicate(timeout=120)

    assert process.returncode == 1
    messages = set(HeathCheckJob.objects.filter(name="Hang").values_list("message", flat=True))
    assert "timed out after 0.3 s" in messages
    assert any(one.startswith("still running") for one in messages)


@pytest.mark.urls("tests.health.urls")
def test_every_result_arrives_once_through_kills_and_a_server_that_is_away(
    spawn, monitor_env, health, settings, live_server
):
    health(RECEIVER={"APPS": {"shop": {"API_KEY": KEY}}})
    settings.PERSIST_HEALTH_CHECK_DATA = True
    published = {
        "SYNC_HEALTH_CHECK_DATA": True,
        # Not there, for many rounds.
        "SYNC_SERVER_URL": "http://127.0.0.1:9",
        "SYNC_APP_ID": "shop",
    }
    sync = {"API_KEY": KEY, "BACKOFF_CAP_SECONDS": 1.0}
    options = {"SYNC": sync, "LEASE_SECONDS": 1.0}
    away = monitor_env(FINE, published=published, **options)
    there = monitor_env(
        FINE, published={**published, "SYNC_SERVER_URL": f"{live_server.url}/health"}, **options
    )
    mine = HeathCheckJob.objects.filter(check_row__source="")

    for env in (away, there, there, there):
        before = mine.count()
        process = spawn("monitor", "--interval", "0.1", env=env)
        wait_for(lambda before=before: mine.count() > before + 12)
        process.kill()
        process.wait(10)
    last = spawn("monitor", "--interval", "0.2", env=there)
    read_until(last, "Fine")
    last.terminate()
    last.communicate(timeout=120)
    rest = spawn("monitor", "--interval", "3600", env=there)
    wait_for(lambda: mine.exists() and not Delivery.objects.exists(), seconds=60)
    rest.terminate()
    rest.communicate(timeout=120)

    sent = list(mine.values_list("round", flat=True))
    received = list(
        HeathCheckJob.objects.filter(check_row__source="shop").values_list("round", flat=True)
    )
    assert len(received) == len(set(received))
    assert set(received) == set(sent)


def ask(database, statement):
    """Return the first column of an answer of a private server."""
    import psycopg  # only where PostgreSQL is

    place = {"host": database.host, "port": 5432, "user": database.database_user}
    with psycopg.connect(**place, dbname=database.database) as connection:
        return [row[0] for row in connection.execute(statement).fetchall()]


@pytest.mark.postgresql
def test_nothing_is_lost_while_the_database_is_stopped(spawn, monitor_env, tmp_path):
    PrivatePostgreSQL.require()
    database = PrivatePostgreSQL().start()
    try:
        with monitoring_server() as server:
            published = {
                "SYNC_HEALTH_CHECK_DATA": True,
                "SYNC_SERVER_URL": server.url,
                "SYNC_APP_ID": "shop",
            }
            env = database.environment() | monitor_env(FINE, published=published)
            migrate = spawn("migrate", "--verbosity", "0", env=env)
            assert migrate.wait(120) == 0
            monitor = spawn("monitor", "--interval", "0.1", env=env)
            read_until(monitor, "Fine")
            wait_for(lambda: len(server.documents()) > 5)

            database.stop()
            at_stop = len(server.documents())
            # The server hears of it all the same.
            wait_for(lambda: len(server.documents()) > at_stop + 10, seconds=60)
            database.start()
            rows = "SELECT round::text FROM django_health_check_job_heathcheckjob"
            wait_for(lambda: len(ask(database, rows)) > at_stop + 15, seconds=60)
            wait_for(lambda: not list((tmp_path / "spool").glob("*.sent")), seconds=60)
            monitor.terminate()
            output, _ = monitor.communicate(timeout=60)
            assert monitor.returncode == 0, output

            stored = ask(database, rows)
            unsent = ask(database, "SELECT key::text FROM django_health_check_job_delivery")
            received = {one["uuid"] for one in server.documents()}
            assert len(stored) == len(set(stored))
            assert received | set(unsent) == set(stored)
            starts = ask(
                database,
                "SELECT started_at FROM django_health_check_job_monitorround ORDER BY 1",
            )
            gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(starts)]
            assert max(gaps) < 2
            assert not list((tmp_path / "spool").glob("*.spool"))
    finally:
        database.end()
