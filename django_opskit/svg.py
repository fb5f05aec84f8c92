"""What all charts are drawn with: texts that are escaped, in the colour of those around them."""

from collections.abc import Iterable

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

__all__ = ["FONT", "LETTER", "joined", "text_at"]

#: How high letters are, in units of the view box, and how wide most of them are at most: no font
#: can be asked.
FONT = 13
LETTER = 7.5


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
