"""
Bar charts as inline SVG: a bar for each label, with its figure behind it.

As with line charts nothing needs a style sheet or a script; the classes are ``opskit-chart``,
``-text`` and ``-bar``, each bar with its number from 1 besides: ``opskit-chart-bar-1``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from django_opskit.svg import FONT, LETTER, joined, text_at, width_of

__all__ = ["Bar", "bar_chart"]

_ROW = 30.0
_BAR = 16.0
_MOST_LABEL = 0.45
_LOOSE = " \u200d"


@dataclass(frozen=True)
class Bar:
    """
    One bar.

    Attributes:
        label: stands before it.
        value: how long it is; where that is negative there is none.
        text: how the value is written, such as with its unit; by default as a number.
    """

    label: str
    value: float
    text: str = ""


def bar_chart(bars: Sequence[Bar], *, title: str, description: str, width: int = 720) -> SafeString:
    """
    Return an ``<svg>`` that is as wide as the box around it.

    All texts are plain: even one that is marked as safe HTML is escaped.

    Args:
        bars: from top to bottom; none give an empty chart.
        title: the chart's name for a screen reader; others see it when they point at the chart.
        description: what the chart shows, for those who do not see it.
        width: of the view box. Letters are 13 units high, so that 360 suits a phone.

    Raises:
        ValueError: there is no room for a chart in ``width``.
    """
    if width < 240:
        raise ValueError(f"A chart needs 240 units or more, got {width!r}.")
    figures = [
        one.text or number_format(one.value, use_l10n=True, force_grouping=True) for one in bars
    ]
    left = min(_MOST_LABEL * width, max((width_of(one.label) for one in bars), default=0) + LETTER)
    room = width - left - max(map(width_of, figures), default=0) - LETTER
    largest = max((one.value for one in bars), default=0)
    return format_html(
        '<svg class="opskit-chart" role="img" viewBox="0 0 {} {}" width="100%" font-size="{}"'
        ' direction="ltr">'
        "<title>{}</title><desc>{}</desc>{}</svg>",
        width,
        f"{max(len(bars), 1) * _ROW:.0f}",
        FONT,
        escape(title),
        escape(description),
        joined(
            _row(one, figures[index], index, left, room * _share(one.value, largest))
            for index, one in enumerate(bars)
        ),
    )


def _share(value: float, largest: float) -> float:
    return max(value, 0) / largest if largest > 0 else 0.0


def _row(bar: Bar, figure: str, index: int, left: float, length: float) -> SafeString:
    top = index * _ROW + (_ROW - _BAR) / 2
    base = top + _BAR / 2 + FONT / 3
    return format_html(
        '{}<rect class="opskit-chart-bar opskit-chart-bar-{}" x="{}" y="{}" width="{}" height="{}"'
        ' rx="2" fill="currentColor"/>{}',
        text_at(_cut(bar.label, left - LETTER), 0, base, "start"),
        index + 1,
        f"{left:.1f}",
        f"{top:.1f}",
        f"{length:.1f}",
        f"{_BAR:.0f}",
        text_at(figure, left + length + LETTER / 2, base, "start"),
    )


def _cut(label: str, room: float) -> str:
    """Return what there is room for of a label."""
    # What is added up in another order may differ in the last digit.
    if width_of(label) <= room + 0.01:
        return label
    kept, used = "", width_of("…")
    for letter in label:
        used += width_of(letter)
        if used > room:
            break
        kept += letter
    # A joiner would join what follows it.
    return f"{kept.rstrip(_LOOSE)}…"
