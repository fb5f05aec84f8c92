"""Minutes as people write them."""

import pytest

from timetracker.durations import hours_minutes, signed_hours_minutes


@pytest.mark.parametrize(
    ("minutes", "text"), [(0, "0:00"), (5, "0:05"), (440, "7:20"), (6000, "100:00"), (-60, "−1:00")]
)
def test_minutes_are_hours_and_minutes(minutes, text):
    assert hours_minutes(minutes) == text


@pytest.mark.parametrize(("minutes", "text"), [(0, "0:00"), (20, "+0:20"), (-95, "−1:35")])
def test_difference_has_its_sign(minutes, text):
    assert signed_hours_minutes(minutes) == text
