"""Settings of made-up rows that cannot work are errors of check."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_system_ops.checks.seeding import check_seeding
from django_system_ops.conf import get_conf
from django_system_ops.engine.shares import ShareError, Wanted, apportion, counts_of, zipf_weights
from tests.system_ops.seeding.conftest import HERE, TENANTS


@pytest.mark.parametrize(
    ("sections", "number", "sentence"),
    [
        ({"init": {"steps": ["no.such.thing"]}}, 85, "cannot be imported"),
        ({"init": {"steps": [f"{HERE}.NOON"]}}, 85, "cannot be called"),
        ({"demo": {"recipes": [f"{HERE}.dmeo"]}}, 85, "cannot be imported"),
        ({"init": {"tenants": {"acme": {}}}}, 86, "no model of them"),
        (
            {"tenants": TENANTS, "init": {"tenants": {"acme": {"colour": 1}}}},
            86,
            "shop.Tenant has no field 'colour'",
        ),
        ({"test_data": {"scenarios": {"x": {"shop.Chatt": {"share": 1}}}}}, 87, "Did you mean"),
        (
            {"test_data": {"scenarios": {"x": {"shop.Message": {"per": {"shop.Chat": 2}}}}}},
            87,
            "per shop.Chat, which is not in it",
        ),
        ({"test_data": {"values": {"shop.Chat.colour": ["red"]}}}, 88, "no such field"),
    ],
)
def test_what_does_not_fit_is_an_error(configure, sections, number, sentence):
    configure(**sections)

    (message,) = check_seeding()

    assert message.id == f"django_system_ops.E0{number}"
    assert sentence in message.msg


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"init": {"steps": HERE}}, "write a list"),
        ({"demo": {"recipes": HERE}}, "write a list"),
        ({"test_data": {"scenarios": {"x": {}}}}, "names no model"),
        ({"test_data": {"scenarios": {"x": {"a.B": {"share": 1, "count": 2}}}}}, "no two of them"),
        ({"test_data": {"scenarios": {"x": {"a.B": {"per": {}}}}}}, "one other model"),
    ],
)
def test_what_cannot_be_meant_is_refused(configure, sections, sentence):
    configure(**sections)

    with pytest.raises(ImproperlyConfigured, match=sentence):
        get_conf()


def test_counts_are_those_that_are_wanted_and_the_rest_is_divided():
    wanted = {
        "agent": Wanted(count=20),
        "chat": Wanted(share=1),
        "message": Wanted(per="chat", rate=8),
        "note": Wanted(per="agent", rate=0.5),
    }

    found = counts_of(wanted, 1000)

    assert (found["agent"], found["note"], sum(found.values())) == (20, 10, 1000)
    assert abs(found["message"] - 8 * found["chat"]) < 9


def test_circle_of_rates_is_said():
    with pytest.raises(ShareError, match="a per b per a is a circle"):
        counts_of({"a": Wanted(per="b", rate=1), "b": Wanted(per="a", rate=1)}, 10)


@pytest.mark.parametrize(
    ("total", "weights", "found"),
    [(10, [1, 1, 1], [4, 3, 3]), (0, [1], [0]), (7, [], []), (5, [0, 0], [0, 0])],
)
def test_parts_add_up(total, weights, found):
    assert apportion(total, weights) == found


def test_first_of_many_weighs_most():
    assert zipf_weights(4) == [1, 1 / 2, 1 / 3, 1 / 4]
