"""
Line charts as inline SVG, from numbers and words alone.

Nothing in them needs a style sheet or a script, so that the strictest Content-Security-Policy
lets them through. Lines and words have the colour of the text around them (``currentColor``),
which fits dark pages too. A style sheet may give others by ``color`` or ``stroke``: the classes
are ``opskit-chart``, ``-grid``, ``-text``, ``-line``, ``-mark``, ``-circle``, ``-triangle`` and
``-cross``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from django.utils.formats import number_format
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from django_opskit.svg import FONT, LETTER, joined, text_at

__all__ = ["ChartPoint", "Mark", "line_chart"]

# In units of the view box.
_ROW = 20.0
_MARK = 10.0
_COLUMN = 2.0

_MOST_STEPS = 4
_MOST_LABELS = 5
_SMALLEST_STEP = 1e-9
# Whatever is larger is no measurement, and differences would overflow.
_TOO_LARGE = 1e15


class Mark(IntEnum):
    """A shape below a point, told from the others without colour; a larger one weighs more."""

    CIRCLE = 1
    TRIANGLE = 2
    CROSS = 3


_SHAPES = {
    Mark.CIRCLE: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",
    Mark.TRIANGLE: "M0 -4L4.5 4H-4.5Z",
    Mark.CROSS: "M-4 -4L4 4M-4 4L4 -4",
}


@dataclass(frozen=True)
class ChartPoint:
    """
    One point; all points of a chart are equally far from each other.

    Attributes:
        label: what may stand below it, such as a time of day.
        value: None where nothing was measured, which breaks the line; so do NaN and numbers from
            1e15 on, since nothing that they say can be drawn.
        mark: the shape that is shown below it.
    """

    label: str
    value: float | None
    mark: Mark | None = None


def line_chart(
    points: Sequence[ChartPoint],
    *,
    title: str,
    description: str,
    unit: str,
    mark_texts: Mapping[Mark, str] | None = None,
    width: int = 720,
    height: int = 180,
) -> SafeString:
    """
    Return an ``<svg>`` that is as wide as the box around it, with an axis that includes 0.

    When there are more points than there is room for, each stretch shows its highest, its
    lowest, its gaps and its weightiest mark: no outage disappears among its neighbours.

    All texts are plain: even one that is marked as safe HTML is escaped.

    Args:
        points: the oldest first; none give an empty chart.
        title: the chart's name for a screen reader; others see it when they point at the chart.
        description: what the chart shows, for those who do not see it.
        unit: stands above the axis.
        mark_texts: the legend, and what is said of a mark when it is pointed at.
        width: of the view box. Letters are 13 units high, so that 360 suits a phone.
        height: of the view box.

    Raises:
        ValueError: there is no room for a chart in ``width`` and ``height``.
    """
    if width < 240 or height < 100:
        raise ValueError(f"A chart needs 240 by 100 units or more, got {width!r} by {height!r}.")
    values = [_measured(point.value) for point in points]
    ticks = _ticks([value for value in values if value is not None])
    has_marks = any(point.mark for point in points)
    plot = _Plot(
        left=LETTER * (max((len(text) for _value, text in ticks), default=0) + 1),
        right=width - LETTER,
        top=_ROW + FONT / 2,
        bottom=height - (2 if has_marks else 1) * _ROW,
        count=len(points),
        low=ticks[0][0] if ticks else 0.0,
        high=ticks[-1][0] if ticks else 1.0,
    )
    texts = mark_texts or {}
    return format_html(
        '<svg class="opskit-chart" role="img" viewBox="0 0 {} {}" width="100%" font-size="{}"'
        ' direction="ltr">'
        "<title>{}</title><desc>{}</desc>{}{}{}{}{}{}</svg>",
        width,
        height,
        FONT,
        escape(title),
        escape(description),
        text_at(unit, 0, FONT, "start"),
        _axis(plot, ticks),
        _labels(plot, [point.label for point in points], height - FONT / 3),
        _line(plot, values),
        _marks(plot, points, texts),
        _legend(plot, {point.mark for point in points}, texts),
    )


@dataclass(frozen=True)
class _Plot:
    """The box in which the line is, and where in it a point is."""

    left: float
    right: float
    top: float
    bottom: float
    count: int
    low: float
    high: float

    def x(self, index: int) -> float:
        if self.count < 2:
            return (self.left + self.right) / 2
        return self.left + (self.right - self.left) * index / (self.count - 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.bottom - (self.bottom - self.top) * share


def _measured(value: float | None) -> float | None:
    return value if value is not None and abs(value) < _TOO_LARGE else None


def _ticks(values: Sequence[float]) -> list[tuple[float, str]]:
    """Return round numbers between which 0 and all ``values`` are, and how they are written."""
    if not values:
        return []
    low, high = min(0.0, *values), max(0.0, *values)
    if low == high:
        high = 1.0
    rough = max((high - low) / _MOST_STEPS, _SMALLEST_STEP)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((n * power for n in (1, 2, 5) if n * power >= rough), 10 * power)
    places = max(0, -math.floor(math.log10(step)))
    multiples = range(math.floor(low / step), math.ceil(high / step) + 1)
    # In the reader's language, which may have a decimal comma.
    return [
        (n * step, number_format(round(n * step, places), places, force_grouping=True))
        for n in multiples
    ]


def _axis(plot: _Plot, ticks: Sequence[tuple[float, str]]) -> SafeString:
    heights = [plot.y(value) for value, _text in ticks] or [plot.bottom]
    return format_html(
        '<path class="opskit-chart-grid" d="{}" stroke="currentColor" stroke-opacity="0.2"/>{}',
        "".join(f"M{plot.left:.1f} {y:.1f}H{plot.right:.1f}" for y in heights),
        joined(
            text_at(text, plot.left - LETTER / 2, plot.y(value) + FONT / 3, "end")
            for value, text in ticks
        ),
    )


def _labels(plot: _Plot, labels: Sequence[str], y: float) -> SafeString:
    """Return the first label, the last one, and as many between them as there is room for."""
    longest = LETTER * (max(map(len, labels), default=0) + 2)
    shown = min(len(labels), max(2, min(_MOST_LABELS, int((plot.right - plot.left) / longest))))
    if shown < 2:
        return joined(text_at(label, plot.x(0), y, "middle") for label in labels)
    last = len(labels) - 1
    indices = [round(n * last / (shown - 1)) for n in range(shown)]
    anchors = {0: "start", last: "end"}
    return joined(
        text_at(labels[index], plot.x(index), y, anchors.get(index, "middle")) for index in indices
    )


def _line(plot: _Plot, values: Sequence[float | None]) -> SafeString:
    pieces: list[list[str]] = [[]]
    for index in _kept(values, int((plot.right - plot.left) / _COLUMN)):
        value = values[index]
        if value is not None:
            pieces[-1].append(f"{plot.x(index):.1f} {plot.y(value):.1f}")
        elif pieces[-1]:
            pieces.append([])
    lines = "".join("M" + "L".join(piece) for piece in pieces if len(piece) > 1)
    # A point between two gaps: a line of no length with round ends.
    dots = "".join(f"M{piece[0]}h0" for piece in pieces if len(piece) == 1)
    return format_html_join(
        "",
        '<path class="opskit-chart-line" d="{}" fill="none" stroke="currentColor"'
        ' stroke-width="{}" stroke-linecap="round" stroke-linejoin="round"'
        ' vector-effect="non-scaling-stroke"/>',
        ((path, width) for path, width in ((lines, 2), (dots, 5)) if path),
    )


def _kept(values: Sequence[float | None], columns: int) -> list[int]:
    """Return which points are drawn: all, or what is seen of each column."""
    count = len(values)
    if count <= 2 * columns:
        return list(range(count))
    kept = {0, count - 1}
    for column in range(columns):
        measured, gaps = [], []
        for index in range(column * count // columns, (column + 1) * count // columns):
            value = values[index]
            if value is None:
                gaps.append(index)
            else:
                measured.append((value, index))
        # Both ends of the gaps, or the line would cross one of them.
        kept.update(gaps[:1], gaps[-1:])
        if measured:
            kept.update((min(measured)[1], max(measured)[1]))
    return sorted(kept)


def _marks(plot: _Plot, points: Sequence[ChartPoint], texts: Mapping[Mark, str]) -> SafeString:
    shown: list[tuple[float, Mark, str]] = []
    for index, point in enumerate(points):
        if not point.mark:
            continue
        x = plot.x(index)
        # Where there is no room for another one, the weightier takes the place.
        if shown and x - shown[-1][0] < _MARK:
            x, weightiest, _label = shown[-1]
            if point.mark <= weightiest:
                continue
            shown.pop()
        shown.append((x, point.mark, point.label))
    return joined(
        _shape(
            mark,
            x,
            plot.bottom + _ROW / 2,
            f"{label}: {texts[mark]}" if mark in texts else label,
        )
        for x, mark, label in shown
    )


def _legend(plot: _Plot, marks: set[Mark | None], texts: Mapping[Mark, str]) -> SafeString:
    """Return the marks that occur, with their texts, in the upper right corner."""
    parts: list[SafeString] = []
    explained = sorted(mark for mark in marks if mark and mark in texts)
    widths = [LETTER * len(texts[mark]) + 3 * _MARK for mark in explained]
    x = plot.right - sum(widths) + _MARK
    for mark, width in zip(explained, widths, strict=True):
        parts.append(_shape(mark, x, FONT - _MARK / 2, texts[mark]))
        parts.append(text_at(texts[mark], x + _MARK, FONT, "start"))
        x += width
    return joined(parts)


def _shape(mark: Mark, x: float, y: float, said: str) -> SafeString:
    return format_html(
        '<path class="opskit-chart-mark opskit-chart-{}" transform="translate({} {})" d="{}"'
        ' fill="none" stroke="currentColor" stroke-width="2"><title>{}</title></path>',
        mark.name.lower(),
        f"{x:.1f}",
        f"{y:.1f}",
        _SHAPES[mark],
        escape(said),
    )
