"""The states of a job under any order of events that hypothesis can think of."""

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test

from tests.outbox.proofs.machine import QUEUES, JobLives

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("examples", "steps", "is_fixed"),
    [(50, 30, True), pytest.param(1500, 50, False, marks=pytest.mark.soak)],
)
def test_no_order_of_events_breaks_a_promise(settings, examples, steps, is_fixed):
    settings.OUTBOX = {"QUEUES": QUEUES, "WAKE_UP": False}

    run_state_machine_as_test(
        JobLives,
        settings=hypothesis_settings(
            max_examples=examples,
            stateful_step_count=steps,
            # The same ones in every run: what is found there is found by everybody.
            derandomize=is_fixed,
            # To look for the shortest way to a fault takes minutes: the long version does that.
            phases=[Phase.generate] if is_fixed else [Phase.generate, Phase.shrink],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
