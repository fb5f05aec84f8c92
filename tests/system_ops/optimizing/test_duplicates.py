"""Which indexes are redundant, and which only look as if."""

import pytest

from django_system_ops.engine.duplicate_indexes import Index, redundancies


def index(name: str, *keys: str, **more) -> Index:
    return Index("t", name, keys, **more)


def found(*indexes: Index) -> list[tuple[str, str, bool]]:
    return [(one.index.name, one.other.name, one.is_exact) for one in redundancies(indexes)]


def test_of_two_that_are_the_same_one_is_named():
    assert found(index("a", "x"), index("b", "x")) == [("b", "a", True)]


def test_of_three_that_are_the_same_two_are_named():
    assert found(index("a", "x"), index("b", "x"), index("c", "x")) == [
        ("b", "a", True),
        ("c", "a", True),
    ]


def test_plain_one_beside_a_unique_one_is_the_one_to_go():
    assert found(index("a", "x"), index("u", "x", is_unique=True)) == [("a", "u", True)]


def test_one_on_which_a_constraint_stands_stays():
    constraint = index("z", "x", is_unique=True, is_bound=True)

    assert found(index("a", "x", is_unique=True), constraint) == [("a", "z", True)]


def test_two_constraints_are_named_and_neither_may_go():
    both = [index(name, "x", is_unique=True, is_bound=True) for name in "ab"]

    (one,) = redundancies(both)

    assert (one.index.name, one.may_go) == ("b", False)


def test_beginning_of_a_longer_one_may_be_redundant():
    assert found(index("a", "x"), index("b", "x", "y")) == [("a", "b", False)]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param(index("a", "x"), index("b", "y"), id="other column"),
        pytest.param(index("a", "y"), index("b", "x", "y"), id="not the beginning"),
        pytest.param(index("a", "x ops"), index("b", "x like_ops"), id="operator class"),
        pytest.param(index("a", "x"), index("b", "x", predicate="y > 1"), id="partial"),
        pytest.param(index("a", "x"), index("b", "x", method="gin"), id="method"),
        pytest.param(index("a", "x", method="gin"), index("b", "x", "y", method="gin"), id="gin"),
        pytest.param(index("a", "x", is_unique=True), index("b", "x", "y"), id="unique beginning"),
        pytest.param(
            index("a", "x", is_unique=True),
            index("b", "x", is_unique=True, has_null_twice=False),
            id="null",
        ),
        pytest.param(
            index("a", "x", included=frozenset({"z"})), index("b", "x", "y"), id="included"
        ),
        pytest.param(Index("t", "a", ("x",)), Index("s", "b", ("x",)), id="other table"),
    ],
)
def test_what_only_looks_redundant(one, two):
    assert found(one, two) == []
