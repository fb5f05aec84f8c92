"""Which column of a file goes into which field, as an operator writes it."""

from collections.abc import Iterable

__all__ = ["parse_mapping"]


def parse_mapping(texts: Iterable[str]) -> dict[str, str]:
    """
    Return the columns with their fields, from texts such as ``"Title=title,Body=content"``.

    A column without a field (``"Internal="``) is left out: its field is "".

    Raises:
        ValueError: says which part is none, or names a column or a field twice.
    """
    found: dict[str, str] = {}
    for part in (part for text in texts for part in text.split(",")):
        column, sign, field = (one.strip() for one in part.partition("="))
        if not sign or not column:
            raise ValueError(f"{part.strip()!r} is no column=field.")
        if column in found:
            raise ValueError(f"the column {column!r} stands there twice.")
        if field and field in found.values():
            raise ValueError(f"two columns go into the field {field!r}.")
        found[column] = field
    return found
