"""A value that is good at first sight is what `Field.clean` says, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_system_ops.services.importing.cleaning import REFUSALS
from django_system_ops.services.importing.shortcuts import shortcut_of
from tests.system_ops.shop.models import Article

NAMES = (
    *("slug", "title", "content", "language", "note", "rating", "price", "is_open", "token"),
    *("printed_on", "seen_at", "tenant", "id"),
)
NUMBERS = st.one_of(
    st.integers(-(10**12), 10**12),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.floats(),
    st.booleans(),
)
TEXTS = st.one_of(
    st.text(),
    st.text("abc-_ 19.\t\n'", max_size=60),
    NUMBERS.map(str),
    st.datetimes().map(str),
    st.dates().map(str),
    st.uuids().map(str),
    st.sampled_from(
        ["en", "es", "true", "False", "t", "1", " 7 ", "1_0", "1e2", "-0.00", "\ud800"]
    ),
)


class _LeftToCleanError(Exception):
    pass


def left_to_clean(_value):
    raise _LeftToCleanError


@pytest.mark.django_db
@given(
    value=st.one_of(NUMBERS, TEXTS, st.lists(st.integers(), max_size=2)),
    name=st.sampled_from(NAMES),
)
def test_shortcut_agrees_with_clean(value, name):
    field = Article._meta.get_field(name)
    try:
        found = shortcut_of(field, left_to_clean)(value)
    except _LeftToCleanError:
        return

    # The step before clean() that a boolean has: files write it in small letters.
    wanted = field.clean(
        value.capitalize() if name == "is_open" and value == str(value) else value, None
    )

    if name == "seen_at" and wanted.tzinfo is None:
        wanted = wanted.replace(tzinfo=found.tzinfo)
    assert (type(found), found) == (type(wanted), wanted)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("slug", "a-b"),
        ("title", "Título 😀\nx"),
        ("content", "x"),
        ("language", "es"),
        ("rating", "7"),
        ("rating", 7),
        ("price", "12.50"),
        ("is_open", "true"),
        ("token", "6f9619ff-8b86-4011-b42d-00c04fc964ff"),
        ("printed_on", "2026-01-31"),
        ("seen_at", "2026-01-31T12:00:00+02:00"),
    ],
)
@pytest.mark.django_db
def test_ordinary_value_takes_the_shortcut(name, value):
    assert shortcut_of(Article._meta.get_field(name), left_to_clean)(value) is not None


@pytest.mark.django_db
def test_what_is_wrong_is_never_said_by_a_shortcut():
    assert _LeftToCleanError not in REFUSALS
    for name in ("slug", "language", "rating", "price", "is_open", "token", "printed_on"):
        with pytest.raises(_LeftToCleanError):
            shortcut_of(Article._meta.get_field(name), left_to_clean)("no such value?")
