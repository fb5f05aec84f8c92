"""A remote inventory: a CSV with semicolons, in the older form of 21 fields or the newer of 22."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from django_network_hc.engine.rows import InventoryItem
from django_network_hc.exceptions import InputError
from django_network_hc.readers.cells import Columns, node_id

__all__ = ["Inventory", "read_inventory"]

_COLUMNS: dict[str, tuple[str, ...]] = {
    "node": ("HC-Id",),
    "serial": ("Serial number",),
    "mnemonic": ("Mnemonic",),
    "shelf_type": ("Shelf Type",),
}
_MOST_NOTED = 20
_MOST_FIELDS = 200
# The csv module has a limit of its own, but one for the whole process, which others may raise.
_MOST_CHARS = 131_072


@dataclass
class Inventory:
    """
    An inventory.

    Attributes:
        header: as it came.
        items: in the order of the file.
        notes: the lines that were left out, and why.
    """

    header: tuple[str, ...]
    items: list[InventoryItem] = field(default_factory=list, repr=False)
    notes: list[str] = field(default_factory=list)


def read_inventory(path: Path, *, file: str = "", most_mb: float = 50) -> Inventory:
    """
    Read an inventory, in UTF-8 or, failing that, in the code page of western Windows.

    Raises:
        InputError: it is no inventory; says where and why.
    """
    name = file or path.name
    try:
        size = path.stat().st_size
        if size > most_mb * 1e6:
            raise InputError(name, f"it has {size / 1e6:,.0f} MB; {most_mb:g} MB are the most.")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(name, f"it cannot be opened: {error.strerror}.") from error
    if not content.strip():
        raise InputError(name, "it is empty.")
    if b"\0" in content:
        raise InputError(name, "it is no text: give the inventory as .csv.")
    try:
        written = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        written = content.decode("cp1252", errors="replace")
    # Nothing is quoted in an inventory: an inch stands for itself.
    lines = csv.reader(StringIO(written, newline=""), delimiter=";", quoting=csv.QUOTE_NONE)
    try:
        return _read(name, lines)
    except csv.Error as error:
        raise InputError(name, f"it cannot be read: {error}", row=lines.line_num) from error


def _read(name: str, lines: Iterable[list[str]]) -> Inventory:
    rows = iter(lines)
    header = next(rows, [])
    if len(header) > _MOST_FIELDS:
        raise InputError(name, f"it has {len(header):,} fields; 22 are usual.", row=1)
    columns = Columns(header, _COLUMNS, file=name, optional=("serial",))
    found = Inventory(tuple(header))
    skipped = 0
    once: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        if max(map(len, row)) > _MOST_CHARS:
            raise csv.Error(f"field larger than field limit ({_MOST_CHARS})")
        node = node_id(columns.cell(row, "node"))
        if node is None or not columns.last < len(row) <= len(header):
            skipped += 1
            if skipped <= _MOST_NOTED:
                why = "its HC-Id is no number" if node is None else f"it has {len(row)} fields"
                found.notes.append(f"Line {number} was left out: {why}.")
            continue
        found.items.append(
            InventoryItem(
                node=node,
                mnemonic=columns.text(row, "mnemonic").strip(),
                shelf_type=columns.text(row, "shelf_type").strip(),
                serial=columns.text(row, "serial").strip(),
                cells=tuple(once.setdefault(cell, cell) for cell in row),
            )
        )
    if skipped and not found.items:
        raise InputError(name, f"no line fits the header. {found.notes[0]}")
    if skipped > _MOST_NOTED:
        found.notes.append(f"{skipped - _MOST_NOTED} more lines were left out.")
    return found
