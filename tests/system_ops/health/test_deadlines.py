"""One service that hangs is nobody else's trouble."""

import threading

import pytest

from django_system_ops.services.health import State, check_health, unfinished
from tests.system_ops.health import callables

HERE = "tests.system_ops.health.callables"


def test_service_that_hangs_fails_and_the_others_are_in_time(configure, hanging):
    services = {"hung": f"{HERE}.hang", "well": f"{HERE}.well"}
    configure(health={"services": services})

    report = check_health(["hung", "well"], timeout_seconds=0.5)

    hung, well = report.results
    assert (hung.state, hung.finding.sentence) == (State.FAIL, "no answer within 0.5 s")
    assert hung.latency_ms == 500
    assert (well.state, well.latency_ms < 500) == (State.OK, True)
    assert unfinished() == ["hung"]


def test_service_that_still_hangs_is_not_asked_a_second_time(configure, hanging):
    configure(health={"services": {"hung": f"{HERE}.hang"}})
    check_health(["hung"], timeout_seconds=0.1)

    (again,) = check_health(["hung"], timeout_seconds=0.1).results

    assert again.finding.sentence == "the check before it has not ended yet"
    assert [one.name for one in threading.enumerate()].count("health hung") == 1


def test_service_that_has_ended_after_all_is_asked_again(configure, hanging):
    configure(health={"services": {"hung": f"{HERE}.hang"}})
    check_health(["hung"], timeout_seconds=0.1)
    callables.RELEASE.set()
    for thread in threading.enumerate():
        if thread.name == "health hung":
            thread.join(30)

    (again,) = check_health(["hung"], timeout_seconds=30).results

    assert again.state is State.OK


def test_many_that_hang_take_nobodys_place(configure, hanging):
    hung = {f"hung {number}": f"{HERE}.hang" for number in range(40)}
    configure(health={"services": {**hung, "well": f"{HERE}.well"}})

    report = check_health([*hung, "well"], timeout_seconds=1)

    assert report.counts() == {"ok": 1, "warn": 0, "fail": 40, "skip": 0}


def test_process_without_room_for_a_thread_says_so(configure, monkeypatch):
    # Running out of threads for real would take the other tests along.
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    configure(health={"services": {"well": f"{HERE}.well"}})
    monkeypatch.setattr(threading.Thread, "start", refuse)

    (result,) = check_health(["well"]).results

    assert (result.state, result.finding.sentence) == (
        State.FAIL,
        "not asked: this process cannot start a thread",
    )


@pytest.mark.django_db(transaction=True)
def test_connection_that_a_check_has_opened_is_closed(configure):
    queue = {"callable": f"{HERE}.queries", "warn": 5, "fail": 9}
    configure(health={"backlog": {"users": queue}})

    report = check_health(["backlog"])

    assert report.state is State.OK
    for thread in threading.enumerate():
        if thread.name.startswith("health "):
            thread.join(30)
    assert callables.OPENED[-1].connection is None
