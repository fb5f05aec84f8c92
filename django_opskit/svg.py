"""
What all charts are drawn with: texts that are escaped, in the colour of those around them.

A chart says ``direction="ltr"``: in a page from right to left its texts would begin at the wrong
end.
"""

import unicodedata
from collections.abc import Iterable

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

__all__ = ["FONT", "LETTER", "joined", "text_at", "width_of"]

#: How high letters are, in units of the view box, and how wide most of them are at most.
FONT = 13
LETTER = 7.5

# Of the height, as the widest fonts of screens have them (Verdana, DejaVu Sans): a text that has
# more room than it needs looks better than one that lies on another.
_NARROW, _SMALL, _PLAIN, _CAPITAL, _SQUARE, _WIDE, _EMOJI = 0.36, 0.46, 0.66, 0.82, 1.0, 1.08, 1.4
_NARROW_ONES = frozenset(" ijlI.,:;'|!\u00a0·í\u2019\u202f")
_SMALL_ONES = frozenset('frtJ()[]{}/\\"-')
_WIDE_ONES = frozenset("mwMW@%&—…œŒæÆжмфшщыюЖ\u041cФШЩЫЮ")


def width_of(text: str) -> float:
    """Return how wide a text is at most, in units of the view box: no font can be asked."""
    return FONT * sum(map(_em, text))


def _em(letter: str) -> float:
    category = unicodedata.category(letter)
    if category in ("Mn", "Me", "Cf"):
        return 0.0  # stands above, below or nowhere
    if letter in _NARROW_ONES:
        return _NARROW
    if letter in _SMALL_ONES:
        return _SMALL
    if unicodedata.east_asian_width(letter) in "WF":
        return _EMOJI if category in ("So", "Sk") else _SQUARE
    if letter in _WIDE_ONES:
        return _WIDE
    # Letters without cases are those of India, Thailand, Arabia and others.
    return _CAPITAL if category in ("Lu", "Lo", "So") else _PLAIN


def text_at(text: str, x: float, y: float, anchor: str) -> SafeString:
    """Return a text; the anchor says which of its ends is there: start, middle or end."""
    # escape(), since format_html() would let HTML through that is marked as safe, and a tag of
    # HTML ends the SVG in the middle of the page.
    return format_html(
        '<text class="opskit-chart-text" x="{}" y="{}" text-anchor="{}" fill="currentColor">{}'
        "</text>",
        f"{x:.1f}",
        f"{y:.1f}",
        anchor,
        escape(text),
    )


def joined(parts: Iterable[SafeString]) -> SafeString:
    """Return parts one behind the other."""
    return format_html_join("", "{}", ((part,) for part in parts))
