"""
Cells that a spreadsheet takes for text.

A cell that begins with =, + and the like is a formula to a spreadsheet, and a formula in a text
that a visitor wrote can send the other cells away. An apostrophe before it makes it text. Source:
OWASP, "CSV Injection"; here with the line feed and the wide forms of Japanese keyboards.
"""

import json

from django_system_ops.formats.rows import Value

__all__ = ["guarded_value", "json_text", "unguarded_cell"]

_DANGEROUS = frozenset("=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20")


def guarded_value(value: object) -> object:
    """Return a text as a guarded cell; what is no text stays."""
    if isinstance(value, str) and (not value or value[0] in _DANGEROUS):
        return f"'{value}"
    return value


def unguarded_cell(cell: str) -> Value:
    """Return what was written into a guarded cell; None where there was nothing."""
    if not cell:
        return None
    return cell[1:] if cell[0] == "'" else cell


def json_text(value: object) -> str:
    """Return a list or an object as a cell holds it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
