"""Charts are drawn from numbers and words, and say the same without colour and without eyes."""

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy, override
from hypothesis import given
from hypothesis import strategies as st

from django_opskit.charts import ChartPoint, Mark, line_chart

HOSTILE = "</text><script>alert('1')</script><b title=\"&amp;\">"
WORDS = {Mark.CIRCLE: "Unknown", Mark.TRIANGLE: "Warning", Mark.CROSS: "Down"}


def points(*values: float | None) -> list[ChartPoint]:
    return [ChartPoint(f"t{index}", value) for index, value in enumerate(values)]


def markup(shown: Sequence[ChartPoint], **options: object) -> SafeString:
    texts = {"title": "Response time", "description": "Of the last hour", "unit": "ms"}
    return line_chart(shown, **{**texts, **options})  # type: ignore[arg-type]  # mixed on purpose


def chart(shown: Sequence[ChartPoint], **options: object) -> ElementTree.Element:
    return ElementTree.fromstring(markup(shown, **options))


def classes(svg: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    name = f"opskit-chart-{name}"
    return [element for element in svg.iter() if name in element.get("class", "").split()]


def texts(svg: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in classes(svg, "text")]


def line(svg: ElementTree.Element) -> list[list[tuple[float, float]]]:
    """Return the pieces of the line, each with its points, from left to right."""
    paths = "".join(path.get("d", "") for path in classes(svg, "line"))
    pieces = [piece for piece in paths.split("M") if piece]
    return sorted(
        [(float(x), float(y)) for x, y in re.findall(r"([-\d.]+) ([-\d.]+)", piece)]
        for piece in pieces
    )


def marks(svg: ElementTree.Element) -> list[tuple[str, str]]:
    """Return the shape and the words of each mark, those of the legend at the end."""
    return [
        (mark.get("class", "").rpartition("-")[2], mark.findtext("title", ""))
        for mark in classes(svg, "mark")
    ]


def test_chart_has_a_name_and_a_description_for_screen_readers():
    svg = chart(points(1, 2), title="API", description="Between 1 and 2 ms")

    assert svg.get("role") == "img"
    assert [(child.tag, child.text) for child in svg[:2]] == [
        ("title", "API"),
        ("desc", "Between 1 and 2 ms"),
    ]


def test_chart_needs_no_style_and_no_script_and_names_no_colour():
    svg = chart([*points(1, None, 3), ChartPoint("t3", 2, Mark.CROSS)], mark_texts=WORDS)

    for element in svg.iter():
        assert element.tag in {"svg", "title", "desc", "path", "text"}
        assert not {"style", "id", "href"} & set(element.attrib)
        assert not [name for name in element.attrib if name.startswith("on")]
        assert {element.get("fill"), element.get("stroke")} <= {None, "none", "currentColor"}


def test_page_from_right_to_left_does_not_turn_the_texts_round():
    assert chart(points(1, 2)).get("direction") == "ltr"


def test_chart_is_as_wide_as_the_box_around_it():
    svg = chart(points(1, 2), width=360, height=120)

    assert (svg.get("viewBox"), svg.get("width"), svg.get("height")) == (
        "0 0 360 120",
        "100%",
        None,
    )


@pytest.mark.parametrize("size", [{"width": 239}, {"height": 99}])
def test_chart_without_room_is_refused(size):
    with pytest.raises(ValueError, match="240 by 100 units or more"):
        chart(points(1), **size)


@pytest.mark.parametrize("hostile", [HOSTILE, mark_safe(HOSTILE), gettext_lazy(HOSTILE)])
def test_every_text_is_escaped_even_one_that_is_said_to_be_safe(hostile):
    shown = [ChartPoint(hostile, 1, Mark.CROSS), ChartPoint(hostile, 2)]

    found = markup(
        shown, title=hostile, description=hostile, unit=hostile, mark_texts={Mark.CROSS: hostile}
    )

    assert isinstance(found, SafeString)
    svg = ElementTree.fromstring(found)
    assert not list(svg.iter("script"))
    assert not list(svg.iter("b"))
    assert svg.findtext("title") == svg.findtext("desc") == HOSTILE
    # The unit, two labels and the legend.
    assert texts(svg).count(HOSTILE) == 4
    assert ("cross", f"{HOSTILE}: {HOSTILE}") in marks(svg)


def test_line_goes_through_the_points_from_left_to_right():
    ((*places,),) = line(chart(points(0, 10, 5)))

    (x1, y1), (x2, y2), (x3, y3) = places
    assert x1 < x2 < x3
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    # y counts downwards.
    assert y2 < y3 < y1
    assert y1 - y3 == pytest.approx(y3 - y2, abs=0.2)


@pytest.mark.parametrize("gap", [None, math.nan, math.inf, -math.inf, 10**400])
def test_gap_breaks_the_line(gap):
    pieces = line(chart(points(1, 2, gap, 3, 4)))

    assert [len(piece) for piece in pieces] == [2, 2]


def test_point_between_two_gaps_is_a_dot():
    (dot,) = classes(chart(points(None, 7, None)), "line")

    assert dot.get("d", "").endswith("h0")
    assert (dot.get("stroke-linecap"), dot.get("stroke-width")) == ("round", "5")


@pytest.mark.parametrize("shown", [(), (None, None)])
def test_chart_without_values_has_neither_line_nor_numbers(shown):
    svg = chart(points(*shown))

    assert line(svg) == []
    assert texts(svg) == ["ms", *(f"t{index}" for index in range(len(shown)))]


def test_single_point_stands_in_the_middle():
    svg = chart(points(7))

    ((place,),) = line(svg)
    label = classes(svg, "text")[-1]
    assert 300 < place[0] < 420
    assert (label.text, label.get("text-anchor")) == ("t0", "middle")


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        ((0, 0), ["0.0", "0.5", "1.0"]),
        ((3, 17), ["0", "5", "10", "15", "20"]),
        ((250,), ["0", "100", "200", "300"]),
        ((0.7, 0.3), ["0.0", "0.2", "0.4", "0.6", "0.8"]),
        ((-3, 4), ["-4", "-2", "0", "2", "4"]),
        ((-3,), ["-3", "-2", "-1", "0"]),
        ((12_345,), ["0", "5,000", "10,000", "15,000"]),
        ((9e14,), ["0", "500,000,000,000,000", "1,000,000,000,000,000"]),
    ],
)
def test_axis_has_few_round_numbers_and_zero(values, numbers):
    svg = chart(points(*values))

    assert texts(svg)[1 : len(numbers) + 1] == numbers


def test_axis_writes_numbers_as_the_reader_does():
    with override("pl"):
        svg = chart(points(0.4))

    assert "0,2" in texts(svg)


@pytest.mark.parametrize(
    ("count", "width", "labels"),
    [
        (2, 720, ["t0", "t1"]),
        (3, 720, ["t0", "t1", "t2"]),
        (9, 720, ["t0", "t2", "t4", "t6", "t8"]),
    ],
)
def test_few_labels_stand_below_the_axis(count, width, labels):
    svg = chart(points(*range(count)), width=width)

    assert texts(svg)[-len(labels) :] == labels


def test_long_labels_leave_room_for_each_other():
    shown = [ChartPoint(f"27 November 2026, 12:{minute}", 1) for minute in range(10, 60)]

    svg = chart(shown, width=360)

    (first, last) = [element for element in classes(svg, "text") if "November" in str(element.text)]
    assert (first.text, last.text) == (shown[0].label, shown[-1].label)
    assert (first.get("text-anchor"), last.get("text-anchor")) == ("start", "end")


class TestManyPoints:
    def test_extremes_are_drawn(self):
        values: list[float | None] = [100.0] * 2000
        values[777], values[1234] = 900, 1

        (piece,) = line(chart(points(*values)))

        top, usual, bottom = sorted({y for _x, y in piece})
        assert [y for _x, y in piece].count(top) == 1
        assert [y for _x, y in piece].count(bottom) == 1
        assert usual == piece[0][1]
        assert len(piece) < 1000

    def test_single_gap_breaks_the_line(self):
        values: list[float | None] = [100.0] * 2000
        values[777] = None

        assert len(line(chart(points(*values)))) == 2

    def test_long_outage_is_a_gap_as_wide(self):
        values: list[float | None] = [100.0] * 2000
        values[500:1500] = [None] * 1000

        before, after = line(chart(points(*values)))

        assert after[0][0] - before[-1][0] == pytest.approx(700 / 2, abs=20)

    def test_value_between_two_gaps_touches_no_neighbour(self):
        values: list[float | None] = [100.0] * 2000
        values[1000:1003] = [None, 500, None]

        pieces = line(chart(points(*values)))

        top = min(y for piece in pieces for _x, y in piece)
        assert [len(piece) for piece in pieces if top in {y for _x, y in piece}] == [1]

    def test_chart_stays_small(self):
        values = [float(index % 97) for index in range(2000)]

        assert len(markup(points(*values))) < 20_000

    def test_weightiest_mark_of_a_column_is_shown(self):
        shown = [ChartPoint(f"t{index}", 1, Mark.CIRCLE) for index in range(2000)]
        shown[777] = ChartPoint("t777", None, Mark.CROSS)

        found = marks(chart(shown, mark_texts=WORDS))

        assert ("cross", "t777: Down") in found
        assert len(found) < 80

    def test_marks_leave_room_for_each_other(self):
        shown = [ChartPoint("t", 1, [Mark.CROSS, Mark.CIRCLE][index % 2]) for index in range(2000)]

        places = [
            float(mark.get("transform", "").partition("(")[2].partition(" ")[0])
            for mark in classes(chart(shown), "mark")
        ]

        assert min(other - one for one, other in pairwise(places)) >= 9.9


class TestMarks:
    def test_each_has_a_shape_and_words_of_its_own(self):
        shown = [ChartPoint(mark.name, None, mark) for mark in Mark]

        svg = chart(shown, mark_texts=WORDS)

        assert len({mark.get("d") for mark in classes(svg, "mark")}) == 3
        assert marks(svg)[:3] == [
            ("circle", "CIRCLE: Unknown"),
            ("triangle", "TRIANGLE: Warning"),
            ("cross", "CROSS: Down"),
        ]

    def test_legend_explains_those_that_occur(self):
        svg = chart([*points(1), ChartPoint("t1", 2, Mark.CROSS)], mark_texts=WORDS)

        assert marks(svg) == [("cross", "t1: Down"), ("cross", "Down")]
        assert "Down" in texts(svg)
        assert "Warning" not in texts(svg)

    def test_one_without_words_is_shown_with_its_label(self):
        assert marks(chart([ChartPoint("t0", 2, Mark.CROSS)])) == [("cross", "t0")]

    def test_they_stand_below_their_points_and_above_the_labels(self):
        svg = chart([*points(0, 1), ChartPoint("t2", 1, Mark.CROSS)])

        (mark,) = classes(svg, "mark")
        x, y = (float(number) for number in re.findall(r"[\d.]+", mark.get("transform", "")))
        ((first, _second, last),) = line(svg)
        assert x == last[0]
        assert first[1] < y - 4
        assert y + 4 < float(classes(svg, "text")[-1].get("y", "0"))


@given(
    values=st.lists(st.none() | st.floats(), max_size=40),
    width=st.sampled_from([240, 720]),
    height=st.sampled_from([100, 180]),
)
def test_whatever_was_measured_is_drawn_inside_the_box(values, width, height):
    svg = chart(points(*values), width=width, height=height)

    drawn = [place for piece in line(svg) for place in piece]
    assert len(drawn) == sum(value is not None and abs(value) < 1e15 for value in values)
    assert all(0 <= x <= width and 0 <= y <= height for x, y in drawn)
    assert all(one[0] < other[0] for one, other in pairwise(drawn))
