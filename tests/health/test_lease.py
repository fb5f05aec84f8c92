"""One monitor leads, by the database's word and clock."""

import subprocess
import sys
import threading

import pytest
from django.db import connection

from django_health_check_job.models import MonitorLease
from django_health_check_job.services.lease import Lease
from django_opskit.clock import ServerTime
from django_opskit.identity import is_known_dead, process_name

pytestmark = pytest.mark.django_db(transaction=True)

ELSEWHERE = "another-host|1|1|aa"


def lease(holder: str = "", *, seconds: float = 60) -> Lease:
    return Lease(holder or process_name(), seconds=seconds, using="default")


def expire() -> None:
    MonitorLease.objects.update(expires_at=ServerTime(-1.0))


def test_first_one_leads_and_the_second_waits():
    one, other = lease(), lease(ELSEWHERE)

    assert one.extend()
    assert not other.extend()
    assert one.is_valid
    assert not other.is_valid


def test_turn_that_is_over_is_taken_with_a_higher_fence():
    one, other = lease(ELSEWHERE), lease()
    one.extend()
    expire()

    assert other.extend()
    assert other.fence == one.fence + 1
    assert not one.confirm()
    assert not one.extend()


def test_turn_that_is_over_stays_ours_while_nobody_takes_it():
    one = lease()
    one.extend()
    expire()

    assert one.extend()
    assert one.fence == 1


def test_released_lease_is_taken_at_once():
    one, other = lease(ELSEWHERE), lease()
    one.extend()

    one.release()

    assert other.extend()


def test_dead_process_of_this_machine_is_not_waited_for():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    parts = process_name().split("|")
    dead = "|".join([parts[0], parts[1], str(child.pid), "aa"])
    lease(dead, seconds=3600).extend()

    assert is_known_dead(dead)
    assert lease().extend()


@pytest.mark.parametrize("name", [ELSEWHERE, "nonsense", "a|b|c|d", ""])
def test_nobody_is_dead_whom_we_cannot_know(name):
    assert not is_known_dead(name)
    assert not is_known_dead(process_name())


@pytest.mark.parametrize("is_there", [False, True])
def test_of_many_at_once_one_leads(is_there):
    if is_there:
        lease(ELSEWHERE).extend()
        expire()
    barrier, led = threading.Barrier(6), []

    def race() -> None:
        one = lease()
        barrier.wait()
        try:
            led.append(one.extend())
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(led) == [False] * 5 + [True]
