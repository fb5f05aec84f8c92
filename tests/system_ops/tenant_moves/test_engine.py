"""Names and values, without a database."""

import datetime
import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_system_ops.engine.row_values import (
    Digest,
    canonical,
    copied_file_name,
    numbered,
    same,
)


def test_number_stands_at_the_end():
    assert numbered("a", 2, None) == "a-2"
    assert numbered("abcdef", 12, 6) == "abc-12"
    with pytest.raises(ValueError, match="2 characters have no room for '-2'"):
        numbered("ab", 2, 2)


@given(st.text(min_size=1), st.integers(2, 10_000), st.integers(7, 40))
def test_numbered_text_fits_and_tells_numbers_apart(text, number, longest):
    found = numbered(text, number, longest)

    assert len(found) <= longest
    assert found != numbered(text, number + 1, longest)


def test_copied_file_stays_where_it_is_and_keeps_its_ending():
    assert copied_file_name("a/b.tar.gz", "x", None).startswith("a/b.tar_")
    assert copied_file_name("a/b.tar.gz", "x", None).endswith(".gz")
    assert copied_file_name(".env", "x", None).startswith(".env_")
    assert copied_file_name("b", "x", None) == copied_file_name("b", "x", None)
    assert copied_file_name("b", "x", None) != copied_file_name("b", "y", None)


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=50))
def test_copied_file_name_has_room(stem):
    assert len(copied_file_name(f"dir/{stem}.txt", "x", 40)) <= 40
    assert len(copied_file_name(f"dir/a.{stem}", "x", 40)) <= 40


def test_equal_values_have_one_form_and_others_another():
    assert canonical(b"a") == canonical(memoryview(b"a"))
    assert canonical("1.5") != canonical(decimal.Decimal("1.5"))
    assert canonical({"a": (1, None)}) == {"a": [1, None]}
    day = datetime.date(2026, 6, 1)
    assert canonical(day) == {"date": "2026-06-01"}


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (0, False), (3, 3.0), (1.0, True), ("1", 1), (None, False), ([], {}), ("", None)],
)
def test_values_that_json_tells_apart_are_not_the_same(one, other):
    for first, second in ((one, other), (other, one)):
        assert not same(first, second)
        assert not same({"a": [first]}, {"a": [second]})
        assert same(first, first)
        assert same({"a": [first]}, {"a": [first]})


def test_values_of_the_database_are_the_same_in_other_clothes():
    assert same(decimal.Decimal("1.50"), decimal.Decimal("1.5"))
    assert same(b"a", memoryview(b"a"))
    assert same(float("nan"), float("nan"))
    assert not same(float("nan"), 1.0)
    assert same({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert same(0.0, -0.0)


def test_digest_tells_order_and_borders():
    def digest(*rows):
        found = Digest()
        for row in rows:
            found.add(row)
        return found.text

    assert digest([1, "a"]) == digest([1, "a"])
    assert digest([1], ["a"]) != digest([1, "a"])
    assert digest(["a"], ["b"]) != digest(["b"], ["a"])
