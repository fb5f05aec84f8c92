"""The forms that knowledge has had: steps of migrate_knowledge_base."""

from collections.abc import Iterator
from typing import ClassVar

from django_system_ops.services.knowledge.registry import Row

__all__ = ["HeadedText"]


class HeadedText:
    """
    From 1.0, a text, to 2.0, the same below its title as a heading.

    An agent that is given a text of form 2.0 knows what it is about.
    """

    from_version: ClassVar[str] = "1.0"
    to_version: ClassVar[str] = "2.0"

    def forward(self, rows: list[Row]) -> None:
        """Put the title above the text."""
        for row in rows:
            row["content"] = _head(row) + row["content"]

    def backward(self, rows: list[Row]) -> None:
        """Take the title away again, where it is still the title's."""
        for row in rows:
            row["content"] = row["content"].removeprefix(_head(row))

    def validate(self, rows: list[Row]) -> Iterator[tuple[Row, str]]:
        """Name texts without a heading, and headings without a text."""
        for row in rows:
            heading, _, text = row["content"].partition("\n\n")
            if not heading.startswith("# "):
                yield row, "the text has no heading"
            elif not text.strip():
                yield row, "there is no text below the heading"


def _head(row: Row) -> str:
    return f"# {row['title']}\n\n"
