"""What is measured: the database in use, a process, a URL."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.db import OperationalError, connection, connections, transaction

from django_opskit.own_connections import close_own, own_connection
from django_system_ops.conf.performance import PerformanceSettings
from django_system_ops.exceptions import SystemOpsError, WrongUsageError
from django_system_ops.services.performance.databases import Database
from django_system_ops.services.performance.machine import Machine
from django_system_ops.services.performance.sources import sources
from django_system_ops.services.performance.target import Target
from django_system_ops.services.performance.urls import Url
from tests.private_servers import PrivateMariaDB, PrivatePostgreSQL, django_database
from tests.system_ops.health.servers import api_server

CONF = PerformanceSettings()


def in_a_thread(work):
    """Return what `work` returns in a thread of its own, as sources are used."""
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join(60)
    return found[0]


def measured(source):
    """Return the figures of a source by their names."""

    def work():
        source.begin()
        try:
            return {one.metric: one for one in source.measure()}
        finally:
            source.end()

    return in_a_thread(work)


def test_machine_has_cpu_memory_disk_and_load():
    found = measured(Machine())

    assert {"cpu", "memory", "disk BASE_DIR", "load"} <= set(found)
    assert 0 <= found["memory"].percent <= 100
    assert found["load"].limit is None


def test_uploads_on_the_disk_of_the_code_are_one_disk(settings):
    settings.MEDIA_ROOT = str(settings.BASE_DIR)

    assert [name for name in measured(Machine()) if name.startswith("disk")] == ["disk BASE_DIR"]


@pytest.mark.django_db
def test_database_has_a_latency():
    latency = measured(Database("default", CONF))["database latency"]

    assert (latency.unit, latency.limit, latency.value > 0) == ("ms", 500, True)


@pytest.mark.postgresql
@pytest.mark.mariadb
@pytest.mark.django_db
def test_server_says_connections_transactions_and_lock_waits():
    found = measured(Database("default", CONF))

    assert 1 <= found["database connections"].value <= found["database connections"].limit
    assert found["database longest transaction"].limit == 300
    assert found["database lock waits"].limit == 10


@pytest.mark.postgresql
@pytest.mark.django_db
def test_places_that_postgresql_keeps_for_superusers_are_no_places():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('max_connections')::int")
        (most,) = cursor.fetchone()

    assert measured(Database("default", CONF))["database connections"].limit < most


@pytest.mark.postgresql
@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_session_that_waits_for_a_lock_is_counted():
    from django.contrib.auth.models import Group

    group = Group.objects.create(name="staff")
    rename = (
        f"UPDATE {connection.ops.quote_name('auth_group')} SET name = 'x' WHERE id = {group.pk}"
    )

    def wait_in_line():
        second = own_connection("default")
        try:
            with second.cursor() as cursor:
                cursor.execute(rename)
        finally:
            close_own(second)

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(rename)
        waiter = threading.Thread(target=wait_in_line)
        waiter.start()
        waits = 0
        for _ in range(100):
            waits = measured(Database("default", CONF))["database lock waits"].value
            if waits:
                break
            # InnoDB shows what it knew until nobody has looked for a tenth of a second.
            time.sleep(0.2)
    waiter.join(60)

    assert waits >= 1


@pytest.mark.postgresql
@pytest.mark.django_db
def test_what_the_server_refuses_is_left_out_and_not_asked_again(monkeypatch):
    from django.db import ProgrammingError

    from django_system_ops.services.performance import databases

    asked = []

    def forbidden(connection, conf):
        asked.append(1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM pg_authid_of_somebody_else")
        raise ProgrammingError

    monkeypatch.setitem(databases._STATISTICS, "postgresql", (forbidden,))
    source = Database("default", CONF)

    def twice():
        source.begin()
        try:
            return [[one.metric for one in source.measure()] for _ in range(2)]
        finally:
            source.end()

    assert in_a_thread(twice) == [["database latency"]] * 2
    assert asked == [1]


@pytest.mark.postgresql
def test_replica_that_is_up_to_date_lags_behind_nothing(any_alias):
    """A standby that has never had a primary has replayed all that it will ever get."""
    PrivatePostgreSQL.require()
    server = PrivatePostgreSQL()
    try:
        (server.folder / "data" / "standby.signal").touch()
        with django_database(server.start(), "replica"):
            found = in_a_thread(lambda: _once(Database("replica", CONF)))
    finally:
        server.end()

    assert "database latency" in found
    lag = found.get("database replication lag")
    assert lag is None or lag.value >= 0


def _once(source):
    source.begin()
    try:
        return {one.metric: one for one in source.measure()}
    finally:
        source.end()


@pytest.fixture
def any_alias(django_db_setup, django_db_blocker):
    """Lets the test use databases that pytest-django has not heard of."""
    with django_db_blocker.unblock():
        yield


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_database_that_stops_is_a_failure_and_is_found_again(any_alias, settings):
    kind = {"postgresql": PrivatePostgreSQL, "mariadb": PrivateMariaDB}[settings.DATABASE]
    kind.require()
    server = kind().start()

    def ask(source):
        try:
            return "database latency" in {one.metric for one in source.measure()}
        except OperationalError:
            return "away"

    def through_it_all():
        source = Database("private", CONF)
        source.begin()
        try:
            first = ask(source)
            server.stop()
            second = [ask(source), ask(source)]
            server.start()
            return [first, *second, ask(source)]
        finally:
            source.end()

    try:
        with django_database(server, "private"):
            answers = in_a_thread(through_it_all)
    finally:
        server.end()

    assert answers == [True, "away", "away", True]


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_write_ahead_log_of_sqlite_is_measured():
    from django.contrib.auth.models import Group

    Group.objects.create(name="staff")
    path = Path(f"{connections['default'].settings_dict['NAME']}-wal")

    wal = measured(Database("default", CONF)).get("database wal")

    assert path.exists() is (wal is not None)
    if wal is not None:
        assert (wal.unit, wal.limit) == ("B", 256 * 2**20)


@pytest.fixture
def child():
    """A process that waits."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    with process:
        pass


def test_process_has_cpu_memory_threads_and_files(child):
    found = measured(Target(child.pid))

    assert {"process cpu", "process memory", "process threads"} <= set(found)
    # A kernel may have paged out all but little of a process that sleeps.
    assert 0 < found["process memory"].value < found["process memory"].limit
    assert found["process files"].limit is None or found["process files"].limit > 0


def test_process_that_has_ended_is_a_failure(child):
    source = Target(child.pid)
    source.begin()
    child.kill()
    child.wait(30)

    with pytest.raises(SystemOpsError, match=f"process {child.pid} has ended"):
        list(source.measure())


def test_process_that_has_ended_and_was_not_collected_is_a_failure(child):
    source = Target(child.pid)
    source.begin()
    child.kill()
    # Until its parent asks, it stays in the table, as a zombie.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    with pytest.raises(SystemOpsError, match="has ended"):
        list(source.measure())


@pytest.mark.parametrize("pid", [-1, 2**31 - 1, 2**70])
def test_process_that_is_not_there_is_wrong_usage(pid):
    with pytest.raises(WrongUsageError, match=f"--target-pid {pid}: there is no such process"):
        Target(pid)


def test_url_has_a_response_time():
    with api_server() as server:
        source = Url(f"{server.url}/200", limit_ms=2000, timeout_seconds=30)
        (latency,) = list(source.measure())

    assert (latency.metric, latency.unit, latency.limit) == ("url latency", "ms", 2000)
    assert latency.value > 0


@pytest.mark.parametrize(("path", "why"), [("/500", "answers 500"), ("/404", "answers 404")])
def test_url_that_answers_with_an_error_is_a_failure(path, why):
    with api_server() as server:
        source = Url(f"{server.url}{path}", limit_ms=2000, timeout_seconds=30)

        with pytest.raises(SystemOpsError, match=why):
            list(source.measure())


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://me:hunter22@x/", "nonsense", "http://", "http://x:0/"]
)
def test_url_that_is_none_is_wrong_usage_and_not_shown(url):
    with pytest.raises(WrongUsageError) as refused:
        sources(CONF, database="default", url=url)

    assert "hunter22" not in str(refused.value)


def test_missing_psutil_is_named_with_the_way_to_get_it(monkeypatch):
    # It is installed wherever the tests run.
    monkeypatch.setitem(sys.modules, "psutil", None)

    with pytest.raises(SystemOpsError, match=r'pip install "django-opskit\[system-ops\]"'):
        sources(CONF, database="default")
