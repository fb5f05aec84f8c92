"""What the tests of pages look at: the policy of a page, and forms as a browser sends them."""

import re
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse

# Tags that never have an end tag (HTML standard, "void elements"), as far as we use them.
_VOID = {"img", "input", "link", "meta"}


class Markup(HTMLParser):
    """What there is to say about a page without looking at it."""

    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.unclosed: list[str] = []
        self.mismatches: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.inline.append(f"<{tag}>")
        self.inline += [f"<{tag} {name}>" for name in names if name == "style" or name[:2] == "on"]
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in _VOID:
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and (not self.unclosed or self.unclosed.pop() != tag):
            self.mismatches.append(tag)


def markup(response: HttpResponse) -> Markup:
    """Parse a page."""
    parsed = Markup()
    parsed.feed(response.content.decode())
    parsed.close()
    return parsed


def assert_sound(response: HttpResponse) -> None:
    """Assert that tags match, ids are unique, and nothing is inline."""
    parsed = markup(response)
    assert (parsed.inline, parsed.mismatches, parsed.unclosed) == ([], [], [])
    assert len(parsed.ids) == len(set(parsed.ids))


def text(response: HttpResponse) -> str:
    """Return the words of a page, without tags and with single spaces."""
    without_tags = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(without_tags.split())


def day_data(*rows: tuple[Any, Any], standing: int = 0) -> dict[str, Any]:
    """Return what a browser sends for `rows` of task and minutes, `standing` of them old."""
    data: dict[str, Any] = {
        "entries-TOTAL_FORMS": len(rows),
        "entries-INITIAL_FORMS": standing,
    }
    for number, (task, minutes) in enumerate(rows):
        data[f"entries-{number}-task"] = getattr(task, "pk", task)
        data[f"entries-{number}-minutes"] = minutes
    return data
