"""A bar is as long as its figure says, and its words are only words."""

from xml.etree import ElementTree

import pytest
from django.utils.safestring import mark_safe
from django.utils.translation import override

from django_opskit.bars import Bar, bar_chart

HOSTILE = "</text><script>alert('1')</script>"


def chart(*bars, width=720):
    markup = bar_chart(bars, title="Nodes", description="Of this report", width=width)
    return ElementTree.fromstring(markup)


def lengths(svg):
    return [float(one.get("width")) for one in svg.iter() if one.tag == "rect"]


def texts(svg):
    return [one.text for one in svg.iter() if one.tag == "text"]


def test_lengths_are_in_the_proportion_of_the_figures():
    svg = chart(Bar("covered", 300), Bar("missing", 150), Bar("none", 0), Bar("odd", -5))

    long, half, none, odd = lengths(svg)
    assert long == pytest.approx(2 * half, abs=0.2)
    assert (none, odd) == (0, 0)


def test_figures_stand_behind_their_bars_in_the_readers_language():
    with override("de"):
        svg = chart(Bar("Knoten", 12345))

    assert texts(svg) == ["Knoten", "12.345"]


def test_figure_may_be_written_otherwise():
    assert texts(chart(Bar("solved", 65.85, "65.9 %"))) == ["solved", "65.9 %"]


@pytest.mark.parametrize("label", [HOSTILE, mark_safe(HOSTILE)])
def test_markup_in_a_label_is_a_text(label):
    svg = chart(Bar(label, 1, label))

    assert "script" not in {one.tag for one in svg.iter()}


def test_everything_is_inside_the_box_on_a_phone():
    svg = chart(Bar("a label that is much longer than there is room for", 10**12), width=360)

    (length,) = lengths(svg)
    (start,) = (float(one.get("x")) for one in svg.iter() if one.tag == "rect")
    assert 0 < start + length < 360
    assert texts(svg)[0].endswith("…")


@pytest.mark.parametrize(
    ("label", "letter"),
    # How wide they are in DejaVu Sans, by their height; those of East Asia are squares.
    [("WWWWWW", 0.99), ("MANNHEIM OOO", 0.79), ("mmmmmm", 0.98), ("株式会社東京", 1.0),
     ("0123456789", 0.64), ("жжжшшш", 0.92), ("\U0001f600" * 6, 1.3)],
)  # fmt: skip
@pytest.mark.parametrize("times", [1, 10])
def test_wide_letters_do_not_reach_the_bar(label, letter, times):
    svg = chart(Bar(label * times, 1000), Bar("b", 1), width=360)

    start = min(float(one.get("x")) for one in svg.iter() if one.tag == "rect")
    shown = texts(svg)[0]
    assert len(shown) * letter * 13 < start
    assert shown == label if times == 1 else shown.endswith("…")


def test_narrow_letters_need_less_room():
    narrow, plain, accents = (
        float(chart(Bar(label, 1)).find("rect").get("x"))
        for label in ("illilli", "abcdefg", "a\u0301b\u0323c\u0308defg")
    )

    assert narrow < plain == accents


def test_label_is_not_cut_behind_a_joiner():
    shown = texts(chart(Bar("\U0001f469\u200d\U0001f4bb" * 20, 1), width=360))[0]

    assert "\u200d…" not in shown


def test_page_from_right_to_left_does_not_turn_the_texts_round():
    assert chart(Bar("a", 1)).get("direction") == "ltr"


@pytest.mark.parametrize("bars", [(), (Bar("none", 0),)])
def test_nothing_to_show_is_a_chart_too(bars):
    assert chart(*bars).tag == "svg"


def test_too_narrow_a_chart_is_refused():
    with pytest.raises(ValueError, match="240 units or more, got 100"):
        chart(width=100)
