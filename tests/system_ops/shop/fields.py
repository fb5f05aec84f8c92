"""A field of a site's own, whose values are no texts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import models


@dataclass(frozen=True)
class Colour:
    """Three numbers from 0 to 255."""

    red: int
    green: int
    blue: int


if TYPE_CHECKING:
    Base = models.CharField[Colour | str | None, Colour | None]
else:
    Base = models.CharField


class ColourField(Base):
    """A colour, kept as #rrggbb."""

    def from_db_value(self, value: str | None, *_: Any) -> Colour | None:
        """Return what the column means."""
        found: Colour | None = self.to_python(value)
        return found

    def to_python(self, value: Any) -> Any:
        """Return a colour for a text."""
        if value is None or isinstance(value, Colour):
            return value
        return Colour(*bytes.fromhex(value.removeprefix("#")))

    def get_prep_value(self, value: Any) -> str | None:
        """Return a text for a colour."""
        if value is None or isinstance(value, str):
            return value
        return f"#{value.red:02x}{value.green:02x}{value.blue:02x}"

    def value_to_string(self, obj: models.Model) -> str:
        """Return the text for a file."""
        return self.get_prep_value(self.value_from_object(obj)) or ""
