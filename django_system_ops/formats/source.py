"""A file as text: checked to be UTF-8, and to be no longer than it may."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from django_system_ops.exceptions import FormatError
from django_system_ops.formats.rows import Limits

__all__ = ["Source"]

_CHUNK_BYTES = 1 << 16
# UTF-32 first: its little-endian mark begins with that of UTF-16.
_FOREIGN = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class Source:
    """
    Reads a file once, by lines or by chunks.

    Attributes:
        line: the number of the line that was handed out last; 0 before the first.
        offset: how many bytes were handed out.
        mark: how many of them were the mark of the byte order, which is no part of the text.

    Raises:
        FormatError: it is not UTF-8, or too long.
    """

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._file, self._limits = file, limits
        self.line = self.offset = self.mark = 0

    def lines(self) -> Iterator[str]:
        """Yield the lines with their ends; a line ends with a line feed."""
        return (text for _, text in self.lines_in_both())

    def lines_in_both(self) -> Iterator[tuple[bytes, str]]:
        """Yield each line as bytes and as text."""
        limit = self._limits.row_bytes
        while data := self._file.readline(limit + 1):
            number = self.line + 1
            if len(data) > limit:
                raise FormatError(f"it is longer than {limit:,} bytes.", line=number)
            plain = self._without_mark(data)
            try:
                text = plain.decode()
            except UnicodeDecodeError as error:
                place = self.offset + len(data) - len(plain) + error.start
                raise _not_utf8(plain[error.start], place, number) from None
            self.line, self.offset = number, self.offset + len(data)
            self._check_size()
            yield plain, text

    def chunks(self) -> Iterator[str]:
        """Yield the text, some at a time."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        while data := self._file.read(_CHUNK_BYTES):
            if text := self._decoded(decoder, data, is_last=False):
                yield text
        if rest := self._decoded(decoder, b"", is_last=True):
            yield rest

    def _decoded(self, decoder: codecs.IncrementalDecoder, data: bytes, *, is_last: bool) -> str:
        plain = self._without_mark(data)
        pending = decoder.getstate()[0]
        try:
            text = decoder.decode(plain, is_last)
        except UnicodeDecodeError as error:
            place = self.offset + len(data) - len(plain) - len(pending) + error.start
            raise _not_utf8((pending + plain)[error.start], place, None) from None
        self.offset += len(data)
        self._check_size()
        return text

    def _without_mark(self, data: bytes) -> bytes:
        if self.offset or not data:
            return data
        for mark, name in _FOREIGN.items():
            if data.startswith(mark):
                raise FormatError(f"the file is {name}: save it as UTF-8.")
        if b"\0" in data[:2]:
            raise FormatError(
                "byte 0x00 at the beginning: the file looks like UTF-16, and has to be UTF-8."
            )
        plain = data.removeprefix(codecs.BOM_UTF8)
        self.mark = len(data) - len(plain)
        return plain

    def _check_size(self) -> None:
        if self.offset > self._limits.bytes:
            raise FormatError(f"the file is longer than {self._limits.bytes:,} bytes.")


def _not_utf8(byte: int, place: int, line: int | None) -> FormatError:
    reason = f"byte 0x{byte:02x} at offset {place} is no UTF-8: save the file as UTF-8."
    return FormatError(reason, line=line)
