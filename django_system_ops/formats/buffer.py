"""Text that goes into a file in pieces of a size that is worth a call."""

from typing import BinaryIO

from django_system_ops.exceptions import FormatError

__all__ = ["ByteBuffer", "TextBuffer"]

_ENOUGH = 1 << 16


class TextBuffer:
    """Gathers text, and writes it as UTF-8."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._parts: list[str] = []
        self._size = 0

    def write(self, text: str) -> None:
        """Take some more."""
        self._parts.append(text)
        self._size += len(text)
        if self._size >= _ENOUGH:
            self.flush()

    def flush(self) -> None:
        """
        Write what is there.

        Raises:
            FormatError: a text has half a character, which UTF-8 cannot hold.
        """
        text = "".join(self._parts)
        self._parts, self._size = [], 0
        try:
            self._sink.write(text.encode())
        except UnicodeEncodeError as error:
            half = text[error.start]
            raise FormatError(
                f"a text has a lone surrogate, {half!r}, which this format cannot "
                "hold: use json or jsonl."
            ) from None


class ByteBuffer:
    """Gathers bytes."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Take some more."""
        self._parts.append(data)
        self._size += len(data)
        if self._size >= _ENOUGH:
            self.flush()

    def flush(self) -> None:
        """Write what is there."""
        self._sink.write(b"".join(self._parts))
        self._parts, self._size = [], 0
