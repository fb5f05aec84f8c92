"""How much room a value needs."""

__all__ = ["size_of"]

_SMALL = 8


def size_of(value: object) -> int:
    """Return about how many characters or bytes a value has, with all that stands in it."""
    size, rest = 0, [value]
    # No recursion: what a database has may be nested deeper than Python goes.
    while rest:
        one = rest.pop()
        if isinstance(one, str | bytes):
            size += len(one)
        elif isinstance(one, memoryview):
            size += one.nbytes
        elif isinstance(one, dict):
            rest += [*one, *one.values()]
        elif isinstance(one, list | tuple):
            rest += one
        else:
            size += _SMALL
    return size
