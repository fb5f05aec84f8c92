"""What has to change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timetracker.sync.engine.cursor import earlier, written
from timetracker.sync.engine.plan import (
    Action,
    Delivery,
    TaskState,
    is_too_many,
    latest_of_each,
    plan_changes,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
US, THEM = 1, 2
STATE = TaskState("Wiring", "Build", "Works", "Electrical", True, NOON, US)


def delivered(external_id="T-1", state=STATE, at=NOON):
    return Delivery(external_id, at, state and replace(state, source_updated_at=at))


def test_a_task_that_nobody_knows_is_added():
    plan = plan_changes([delivered()], {}, owner=US, take_older=False)

    assert [(change.action, change.after) for change in plan.changes] == [(Action.ADDED, STATE)]
    assert "display_name" in plan.changes[0].changed_fields


def test_a_task_as_we_know_it_is_left_alone():
    plan = plan_changes([delivered()], {"T-1": STATE}, owner=US, take_older=False)

    assert (plan.changes, plan.unchanged) == ((), 1)


def test_a_different_task_is_updated_and_tells_what_differs():
    later = NOON + timedelta(minutes=1)
    change = delivered(state=replace(STATE, display_name="Cabling"), at=later)

    plan = plan_changes([change], {"T-1": STATE}, owner=US, take_older=False)

    assert [change.action for change in plan.changes] == [Action.UPDATED]
    assert plan.changes[0].changed_fields == ["display_name", "source_updated_at"]


def test_a_task_that_is_no_longer_active_counts_as_deactivated():
    gone = replace(STATE, is_active=False)

    plan = plan_changes([delivered(state=gone)], {"T-1": STATE}, owner=US, take_older=False)

    assert plan.count(Action.DEACTIVATED) == 1


def test_a_task_that_comes_back_counts_as_updated():
    gone = replace(STATE, is_active=False)

    plan = plan_changes([delivered()], {"T-1": gone}, owner=US, take_older=False)

    assert plan.count(Action.UPDATED) == 1


def test_a_tombstone_deactivates_and_keeps_the_name():
    later = NOON + timedelta(minutes=1)

    plan = plan_changes(
        [delivered(state=None, at=later)], {"T-1": STATE}, owner=US, take_older=False
    )

    after = plan.changes[0].after
    assert (after.display_name, after.is_active) == ("Wiring", False)
    assert after.source_updated_at == later


def test_a_tombstone_of_a_task_that_nobody_knows_changes_nothing():
    plan = plan_changes([delivered(state=None)], {}, owner=US, take_older=False)

    assert (plan.changes, plan.unchanged) == ((), 1)


def test_a_part_of_the_list_never_brings_an_older_version_back():
    older = delivered(state=replace(STATE, display_name="Old"), at=NOON - timedelta(minutes=1))

    plan = plan_changes([older], {"T-1": STATE}, owner=US, take_older=False)

    assert (plan.changes, plan.unchanged) == ((), 1)


def test_the_whole_list_is_the_truth_even_when_older():
    older = delivered(state=replace(STATE, display_name="Old"), at=NOON - timedelta(minutes=1))

    plan = plan_changes([older], {"T-1": STATE}, owner=US, take_older=True)

    assert plan.changes[0].after.display_name == "Old"


@pytest.mark.parametrize("state", [STATE, None])
def test_a_task_without_an_owner_is_taken_over(state):
    orphan = replace(STATE, owner=None, source_updated_at=None)

    plan = plan_changes([delivered(state=state)], {"T-1": orphan}, owner=US, take_older=False)

    assert plan.changes[0].after.owner == US


def test_a_task_of_another_source_is_rejected():
    theirs = replace(STATE, owner=THEM)

    plan = plan_changes([delivered()], {"T-1": theirs}, owner=US, take_older=True)

    assert plan.changes == ()
    assert [(one.record, one.reason) for one in plan.rejections] == [
        ("task 'T-1'", "another source delivers a task of this id")
    ]


def test_a_vanished_task_is_deactivated_and_else_kept_as_it_was():
    plan = plan_changes([], {"T-1": STATE}, owner=US, vanished=["T-1"], take_older=True)

    assert plan.changes[0].after == replace(STATE, is_active=False)
    assert plan.changes[0].changed_fields == ["is_active"]


def test_of_two_deliveries_of_a_task_the_newer_counts_in_either_order():
    old, new = delivered(at=NOON), delivered(at=NOON + timedelta(seconds=1))

    assert latest_of_each([old, new]) == latest_of_each([new, old]) == {"T-1": new}


def test_of_two_equally_old_deliveries_the_last_counts():
    first, last = delivered(), delivered(state=replace(STATE, display_name="Last"))

    assert latest_of_each([first, last]) == {"T-1": last}


states = st.builds(
    TaskState,
    display_name=st.sampled_from("ab"),
    project_phase=st.just(""),
    department=st.just(""),
    discipline=st.just(""),
    is_active=st.booleans(),
    source_updated_at=st.sampled_from([NOON, NOON + timedelta(hours=1)]),
    owner=st.just(US),
)


@given(
    sent=st.dictionaries(st.sampled_from("abcd"), states | st.none()),
    known=st.dictionaries(st.sampled_from("abcd"), states),
    take_older=st.booleans(),
)
def test_what_was_planned_once_needs_no_second_time(sent, known, take_older):
    deliveries = [
        Delivery(key, state.source_updated_at if state else NOON, state)
        for key, state in sent.items()
    ]
    vanished = [key for key, state in known.items() if key not in sent and state.is_active]
    plan = plan_changes(deliveries, known, owner=US, vanished=vanished, take_older=take_older)
    after = known | {change.external_id: change.after for change in plan.changes}

    again = plan_changes(deliveries, after, owner=US, take_older=take_older)

    assert again.changes == ()


@pytest.mark.parametrize(
    ("deactivated", "active", "percent", "refused"),
    [
        (5, 10, 50, False),
        (6, 10, 50, True),
        (1, 3, 33, True),
        (10, 10, 100, False),
        (1, 1000, 0, True),
        (0, 0, 0, False),
    ],
)
def test_more_than_the_limit_is_too_many(deactivated, active, percent, refused):
    assert is_too_many(deactivated, active, percent=percent) is refused


def test_moments_are_written_in_utc_without_a_plus_sign():
    assert written(datetime.fromisoformat("2026-03-02T14:00:00.5+02:00")) == (
        "2026-03-02T12:00:00.500000Z"
    )


def test_the_overlap_lies_before_the_cursor():
    assert earlier("2026-03-02T12:00:00Z", 90) == "2026-03-02T11:58:30Z"
