"""What is wrong with a row, in words that give no secret away."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django_opskit.masking import MASK, mask_text
from django_system_ops.services.texts import clean

__all__ = ["Problem", "Rejected", "masked_row", "shown"]

_LONGEST_VALUE = 80


@dataclass(frozen=True)
class Problem:
    """
    What is wrong with a value.

    Attributes:
        field: the column or the field; "" where it is the whole row.
        value: shortened, and masked when it is a secret; "" where none is shown.
    """

    field: str
    value: str
    reason: str

    def __str__(self) -> str:
        value = f" {self.value}" if self.value else ""
        return f"{self.field}{value}: {self.reason}" if self.field else self.reason

    def document(self) -> dict[str, str]:
        """Return it for JSON."""
        return {"field": self.field, "value": self.value, "reason": self.reason}


@dataclass(frozen=True)
class Rejected:
    """A row that does not come in; ``row`` is as the file has it, None where it has none."""

    line: int
    problems: tuple[Problem, ...]
    row: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"line {self.line}: {'; '.join(map(str, self.problems))}"

    def document(self) -> dict[str, Any]:
        """Return it for JSON, without the row."""
        return {"line": self.line, "problems": [one.document() for one in self.problems]}


def shown(value: object, *, is_secret: bool = False) -> str:
    """Return a value as an error shows it."""
    if is_secret:
        return MASK
    text = clean(repr(value))
    if len(text) > _LONGEST_VALUE:
        text = f"{text[: _LONGEST_VALUE - 1]}…"
    return mask_text(text)


def masked_row(row: Mapping[str, Any], secrets: Iterable[str]) -> dict[str, Any]:
    """Return a row with the values of ``secrets`` masked; what is empty gives nothing away."""
    hidden = frozenset(secrets)
    return {
        name: MASK if name in hidden and value not in (None, "") else value
        for name, value in row.items()
    }
