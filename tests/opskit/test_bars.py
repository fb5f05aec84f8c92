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
    assert long == pytest.approx(2 * half, abs=0.1)
    assert (none, odd) == (0, 0)


def test_figures_stand_behind_their_bars_in_the_readers_language():
    with override("de"):
        svg = chart(Bar("Knoten", 12345))

    assert texts(svg) == ["Knoten", "12.345"]


@pytest.mark.parametrize("label", [HOSTILE, mark_safe(HOSTILE)])
def test_markup_in_a_label_is_a_text(label):
    svg = chart(Bar(label, 1))

    assert "script" not in {one.tag for one in svg.iter()}


def test_everything_is_inside_the_box_on_a_phone():
    svg = chart(Bar("a label that is much longer than there is room for", 10**12), width=360)

    (length,) = lengths(svg)
    (start,) = (float(one.get("x")) for one in svg.iter() if one.tag == "rect")
    assert 0 < start + length < 360
    assert texts(svg)[0].endswith("…")


@pytest.mark.parametrize("bars", [(), (Bar("none", 0),)])
def test_nothing_to_show_is_a_chart_too(bars):
    assert chart(*bars).tag == "svg"


def test_too_narrow_a_chart_is_refused():
    with pytest.raises(ValueError, match="240 units or more, got 100"):
        chart(width=100)
