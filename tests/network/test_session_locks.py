"""One session of a network at a time, and none that is lost."""

import subprocess
import sys

import pytest
from django.db import IntegrityError, transaction

from django_network_hc.exceptions import (
    CancelledError,
    SessionLockedError,
    SessionLostError,
    UnknownSessionError,
)
from django_network_hc.models import HealthCheckSession, Network
from django_network_hc.services.processing import run_session
from django_network_hc.services.sessions import cancel, find_session, take
from django_opskit.clock import ServerTime
from django_opskit.identity import process_name
from tests.network.samples import EXPECTED
from tests.network.workspace import opened, prepared, run_month

pytestmark = pytest.mark.django_db(transaction=True)


class TestLock:
    def test_second_session_of_the_network_is_told_who_is_at_work(self, root):
        network = prepared(root)
        first = opened(network)
        take(first, lease_seconds=60)

        with pytest.raises(SessionLockedError, match=str(first)):
            run_month(network, 0)

    def test_session_of_another_network_goes_on(self, root):
        network = prepared(root)
        other = Network.objects.create(customer="CustomerA", name="Birch")
        take(opened(other), lease_seconds=60)

        assert run_month(network, 0).status == "COMPLETED"

    def test_session_of_a_dead_process_gives_way_and_can_run_again(self, root):
        network = prepared(root)
        dead = opened(network)
        take(dead, lease_seconds=3600)
        child = subprocess.Popen([sys.executable, "-c", "pass"])
        child.wait()
        host, space, _pid, token = process_name().split("|")
        HealthCheckSession.objects.filter(pk=dead.pk).update(
            holder=f"{host}|{space}|{child.pid}|{token}"
        )

        done = run_month(network, 0)

        dead.refresh_from_db()
        assert (done.status, dead.status) == ("COMPLETED", "FAILED")
        assert "can be run again" in dead.error_messages

    def test_session_on_another_host_is_taken_over_when_its_lease_is_over(self, root):
        network = prepared(root)
        slow = opened(network)
        turn = take(slow, lease_seconds=60)
        elsewhere = "another-host|1|1|abcd"
        rows = HealthCheckSession.objects.filter(pk=slow.pk)
        rows.update(holder=elsewhere, expires_at=ServerTime(-1))
        turn.session.holder = elsewhere

        assert run_month(network, 0).status == "COMPLETED"
        with pytest.raises(SessionLostError):
            turn.step(50, "late")
        with pytest.raises(SessionLostError):
            turn.end(HealthCheckSession.Status.COMPLETED)

    def test_database_lets_no_two_sessions_of_a_network_work(self, root):
        network = prepared(root)
        take(opened(network), lease_seconds=60)
        second = opened(network)

        with pytest.raises(IntegrityError), transaction.atomic():
            HealthCheckSession.objects.filter(pk=second.pk).update(status="PROCESSING")

    def test_waiting_session_is_cancelled_at_once_and_one_at_work_at_its_next_step(self, root):
        network = prepared(root)
        waiting, working = opened(network), opened(network)
        turn = take(working, lease_seconds=60)

        assert cancel(waiting)
        assert cancel(working)

        waiting.refresh_from_db()
        assert waiting.status == "CANCELLED"
        with pytest.raises(CancelledError):
            turn.step(30, "next")
        assert not cancel(waiting)

    def test_cancelled_run_changes_nothing_and_can_run_again(self, root):
        network = prepared(root)
        session = opened(network, 0)
        cases = network.cases.count()

        def watch(percent, _text):
            if percent >= 50:
                cancel(HealthCheckSession.objects.get(pk=session.pk))

        with pytest.raises(CancelledError):
            run_session(session, watch=watch)

        session.refresh_from_db()
        assert (session.status, network.cases.count()) == ("CANCELLED", cases)
        assert run_session(session).counts == EXPECTED[0]["counts"]


class TestFindSession:
    def test_beginning_of_an_id_is_enough(self, root):
        session = opened(prepared(root))

        assert find_session(str(session)[:10]) == session

    @pytest.mark.parametrize("text", ["", "abc", "no such", "0000000000"])
    def test_unknown_one_is_an_error_with_the_way_out(self, root, text):
        with pytest.raises(UnknownSessionError, match="hc_monitor --action failed"):
            find_session(text)
