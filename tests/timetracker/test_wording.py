"""Sentences for people: every refusal has one, in every language, with the right plural."""

from datetime import timedelta

import pytest
from django.utils import translation

from tests.timetracker.factories import TODAY, TOMORROW
from timetracker.exceptions import (
    DayTooLongError,
    DurationError,
    EditWindowError,
    EntryError,
    FutureDateError,
    InactiveEmployeeError,
    InactiveTaskError,
    RepeatedTaskError,
    TimesheetError,
)
from timetracker.services import SavedDay
from timetracker.wording import explain, saved

REFUSALS = [
    FutureDateError(TOMORROW, today=TODAY),
    EditWindowError(TODAY - timedelta(days=60), first_open=TODAY - timedelta(days=31)),
    InactiveEmployeeError("ann@example.com"),
    DurationError(1, "Plan A", minutes=0),
    RepeatedTaskError(1, "Plan A"),
    InactiveTaskError(1, "Plan A"),
    DayTooLongError(TODAY, total_minutes=1500),
]


def leaves(error: type[TimesheetError]) -> set[type[TimesheetError]]:
    children = error.__subclasses__()
    return set().union(*map(leaves, children)) if children else {error}


def day_of(count: int) -> SavedDay:
    return SavedDay(1, TODAY, 60 * count, added=count, changed=0, removed=0, unchanged=0)


def test_no_refusal_is_without_a_sentence():
    assert {type(error) for error in REFUSALS} == leaves(TimesheetError)
    assert issubclass(DurationError, EntryError)


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
def test_sentence_differs_in_every_language(error):
    sentences = set()
    for language in ("en", "es", "pl"):
        with translation.override(language):
            sentences.add(explain(error))

    assert len(sentences) == 3
    assert str(error) not in sentences


def test_refusal_of_another_app_is_told_in_its_own_words():
    assert explain(TimesheetError("The day is locked.")) == "The day is locked."


@pytest.mark.parametrize(
    ("language", "count", "words"),
    [
        ("en", 1, "1 entry, 1:00."),
        ("en", 2, "2 entries, 2:00."),
        ("es", 1, "1 registro, 1:00."),
        ("es", 2, "2 registros, 2:00."),
        ("pl", 1, "1 wpis, 1:00."),
        ("pl", 2, "2 wpisy, 2:00."),
        ("pl", 5, "5 wpisów, 5:00."),
        ("pl", 22, "22 wpisy, 22:00."),
    ],
)
def test_count_of_entries_takes_the_plural_of_the_language(language, count, words):
    with translation.override(language):
        assert saved(day_of(count)).endswith(words)
