"""Lists, which a text would be taken for: one of its letters."""

__all__ = ["a_list"]


def a_list(value: object, example: str) -> object:
    """
    Return the value of a setting that wants a list.

    Raises:
        ValueError: it is a text; says how one is written.
    """
    if isinstance(value, str):
        raise ValueError(f"write a list, such as [{example!r}], even for one.")
    return value
