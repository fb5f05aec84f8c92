"""Two runs of one command do not meet."""

import os
import signal
import threading

import pytest
from django.db import connection, transaction

from django_system_ops.exceptions import LockHeldError, LockLostError
from django_system_ops.models import CommandLock
from django_system_ops.services.locking import Lock, command_lock
from tests.processes import read_until

pytestmark = pytest.mark.django_db(transaction=True)

HOLD = """
import sys, time, django
django.setup()
from django_system_ops.services.locking import command_lock
from django_system_ops.exceptions import LockHeldError
try:
    with command_lock(sys.argv[1:]):
        print("held", flush=True)
        time.sleep(60)
except LockHeldError as error:
    print("refused:", error, flush=True)
"""


RACE = """
import os, sys, time, django
django.setup()
from django_system_ops.services.locking import command_lock
from django_system_ops.exceptions import LockHeldError

end_read, end_write = os.pipe()
results_read, results_write = os.pipe()

def race():
    os.close(end_write)
    try:
        with command_lock(sys.argv[1:]):
            os.write(results_write, f"held {os.getpid()}\\n".encode())
            os.read(end_read, 1)
    except LockHeldError as error:
        os.write(results_write, f"refused {error}\\n".encode())

for _ in range(16):
    if os.fork() == 0:
        race()
        os._exit(0)
os.close(results_write)
said = b""
while said.count(b"\\n") < 16 and (part := os.read(results_read, 65536)):
    said += part
print(said.decode(), end="")
"""


@pytest.fixture(params=["session", "lease"])
def kind(request, settings):
    settings.MANAGEMENT_COMMANDS = {
        **settings.MANAGEMENT_COMMANDS,
        "locks": {"kind": request.param},
    }
    return request.param


def test_second_is_refused_and_told_who_holds_it(kind):
    first, second = command_lock(["backup_data"]), command_lock(["backup_data"])

    with first, pytest.raises(LockHeldError) as refused, second:
        pytest.fail("both held it")

    assert f"process {os.getpid()} on " in str(refused.value)
    assert "backup_data is running already" in str(refused.value)


def test_keys_are_told_apart_by_every_letter(kind):
    with command_lock(["cleanup_old_data:a"]), command_lock(["cleanup_old_data:A"]):
        assert CommandLock.objects.exclude(process="").count() == 2


def test_all_keys_or_none(kind):
    with command_lock(["b"]), pytest.raises(LockHeldError), command_lock(["a", "b"]):
        pytest.fail("b was held")

    with command_lock(["a", "b"]):
        assert CommandLock.objects.exclude(process="").count() == 2


def test_free_again_after_the_block(kind):
    for _ in range(2):
        with command_lock(["backup_data"]) as lock:
            lock.check()

    row = CommandLock.objects.get()
    assert (row.fence, row.process, row.holder, row.expires_at) == (2, "", "", None)


def test_waits_for_as_long_as_it_was_told(kind):
    first = Lock(["backup_data"])
    first.acquire()
    threading.Timer(0.5, first.release).start()

    with command_lock(["backup_data"], wait_seconds=30) as lock:
        lock.check()


def test_lease_that_ran_out_is_taken_over_and_its_holder_is_told(settings):
    settings.MANAGEMENT_COMMANDS = {
        **settings.MANAGEMENT_COMMANDS,
        "locks": {"kind": "lease", "lease_seconds": 600},
    }
    first = Lock(["backup_data"])
    first.acquire()
    CommandLock.objects.update(expires_at=CommandLock.objects.get().acquired_at)

    with command_lock(["backup_data"]) as second:
        first._thread.call(first._renew)
        with pytest.raises(LockLostError):
            first.check()
        second.check()
        first.release()
        assert CommandLock.objects.get().process == second._process


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=False)
def test_none_is_needed_inside_a_transaction_on_sqlite():
    with transaction.atomic(), command_lock(["backup_data"]) as lock:
        assert lock is None


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_cut_session_loses_the_lock():
    with command_lock(["backup_data"]) as lock:
        number = lock._thread.call(_session_number)
        with connection.cursor() as cursor:
            kill = {"postgresql": "SELECT pg_terminate_backend(%s)", "mysql": "KILL %s"}
            cursor.execute(kill[connection.vendor], [number])
        lock._thread.call(lock._renew)

        with pytest.raises(LockLostError, match="run it again"):
            lock.check()


def _session_number() -> int:
    from django.db import connection

    ask = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
    with connection.cursor() as cursor:
        cursor.execute(ask[connection.vendor])
        return int(cursor.fetchone()[0])


def test_sixteen_processes_race_and_one_wins(kind, run_python):
    process = run_python(RACE, "backup_data:a", "backup_data:b", locks=kind)

    lines = process.communicate(timeout=120)[0].splitlines()

    assert len(lines) == 16, lines
    held = [line for line in lines if line.startswith("held ")]
    refused = [line for line in lines if line.startswith("refused ")]
    assert (len(held), len(refused)) == (1, 15)
    # The winner writes who it is a moment after it has won.
    assert any(f"process {held[0].split()[1]} on " in line for line in refused)


def test_killed_holder_leaves_no_lock(kind, process_env, run_python):
    process = run_python(HOLD, "backup_data", locks=kind)
    read_until(process, "held")
    process.send_signal(signal.SIGKILL)
    process.wait(30)

    with command_lock(["backup_data"], wait_seconds=30) as lock:
        lock.check()


@pytest.mark.parametrize("kind", ["session", "lease"])
@pytest.mark.parametrize(
    ("held", "wanted", "may"),
    [
        ("work", "work:acme", False),
        ("work:acme", "work", False),
        ("work:acme", "work:acme", False),
        ("work:acme", "work:other", True),
        ("work:acme", "workshop", True),
        ("workshop", "work", True),
    ],
)
def test_whole_work_and_a_part_of_it_do_not_meet(run_python, configure, kind, held, wanted, may):
    configure(locks={"kind": kind})
    holder = run_python(HOLD, held, locks=kind)
    read_until(holder, "held")

    if may:
        with command_lock([wanted]) as lock:
            lock.check()
    else:
        with pytest.raises(LockHeldError, match=f"lock {held}"), command_lock([wanted]):
            pass

    holder.kill()
    holder.wait()
    with command_lock([wanted], wait_seconds=10):
        pass


def test_lease_that_ran_out_unheard_is_lost(configure, monkeypatch):
    """Whoever is busy for longer than its lease hears of it before the next batch."""
    configure(locks={"kind": "lease", "lease_seconds": 1})
    monkeypatch.setattr(Lock, "_pause", lambda _self: 3600.0)
    with command_lock(["work"]) as lock:
        lock._renewed_at -= 2
        CommandLock.objects.filter(key="work").update(process="another", fence=99)

        with pytest.raises(LockLostError):
            lock.check()


def test_lease_that_ran_out_and_is_nobody_elses_is_renewed(configure, monkeypatch):
    configure(locks={"kind": "lease", "lease_seconds": 5})
    monkeypatch.setattr(Lock, "_pause", lambda _self: 3600.0)
    with command_lock(["work"]) as lock:
        lock._renewed_at -= 6

        lock.check()
