"""
Rows in files: csv, json (one array), jsonl, xml, and xlsx for writing.

Each format has a reader and a writer that are each other's opposite. Both are streams: memory is
flat whatever the size of a file, and no Django is needed.

What each format keeps of a value:

=======  ================================================================================
format   values
=======  ================================================================================
jsonl    all of them; numbers with a fraction come back as Decimal, those inside a list or
json     an object as float
xml      texts and None; the rest comes back as text
csv      texts; None and the empty text are told apart with ``guard`` alone, where the
         empty text is the cell ``'``; without it both are an empty cell
xlsx     texts, numbers of at most 15 digits and truth values; the rest is text
=======  ================================================================================
"""

from django_system_ops.formats.names import FORMATS, format_of, keeps_types
from django_system_ops.formats.reading import read_rows
from django_system_ops.formats.rows import BadRow, Limits, Row, Value
from django_system_ops.formats.writing import Writer, writer_for

__all__ = [
    "FORMATS",
    "BadRow",
    "Limits",
    "Row",
    "Value",
    "Writer",
    "format_of",
    "keeps_types",
    "read_rows",
    "writer_for",
]
