"""Whether a column's type is the one that a model means, where words alone can tell."""

import re

__all__ = ["is_other_type"]

_PART = re.compile(r"^([a-z ]+?) ?(?:\(([\d ,]+)\))?( unsigned)?$")

_POSTGRESQL = {
    "bigint": "bigint",
    "bigserial": "bigint",
    "bool": "boolean",
    "boolean": "boolean",
    "bytea": "bytea",
    "char": "character",
    "character": "character",
    "character varying": "character varying",
    "date": "date",
    "decimal": "numeric",
    "double precision": "double precision",
    "inet": "inet",
    "integer": "integer",
    "interval": "interval",
    "jsonb": "jsonb",
    "numeric": "numeric",
    "real": "real",
    "serial": "integer",
    "smallint": "smallint",
    "smallserial": "smallint",
    "text": "text",
    "time": "time without time zone",
    "time without time zone": "time without time zone",
    "timestamp with time zone": "timestamp with time zone",
    "timestamp without time zone": "timestamp without time zone",
    "uuid": "uuid",
    "varchar": "character varying",
}
_MYSQL = {
    "bigint": "bigint",
    "bool": "tinyint",
    "char": "char",
    "date": "date",
    "datetime": "datetime",
    "decimal": "decimal",
    "double": "double",
    "double precision": "double",
    "int": "int",
    "integer": "int",
    "longblob": "longblob",
    "longtext": "longtext",
    "numeric": "decimal",
    "smallint": "smallint",
    "time": "time",
    "tinyint": "tinyint",
    "uuid": "uuid",
    "varchar": "varchar",
}
# MySQL shows how wide it would print them, which says nothing about what is in them.
_WITHOUT_WIDTH = {"bigint", "int", "smallint", "tinyint"}


def is_other_type(vendor: str, wanted: str, found: str) -> bool:
    """
    Return whether ``found`` is certainly another type than ``wanted``; False when in doubt.

    On SQLite what counts is the affinity of the column: anything else is only a word.
    """
    if vendor == "sqlite":
        return _affinity(wanted) != _affinity(found)
    known = {"postgresql": _POSTGRESQL, "mysql": _MYSQL}.get(vendor, {})
    types = [_canonical(known, one) for one in (wanted, found)]
    return None not in types and types[0] != types[1]


def _canonical(known: dict[str, str], text: str) -> tuple[str, str, bool] | None:
    words = " ".join(text.lower().replace("auto_increment", "").split())
    match = _PART.match(words)
    if match is None or match[1] not in known:
        return None
    name = known[match[1]]
    size = "" if name in _WITHOUT_WIDTH else (match[2] or "").replace(" ", "")
    return name, size, bool(match[3])


def _affinity(text: str) -> str:
    """Source: SQLite documentation, "Determination Of Column Affinity"."""
    words = text.upper()
    if "INT" in words:
        return "INTEGER"
    if any(one in words for one in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if "BLOB" in words or not words:
        return "BLOB"
    return "REAL" if any(one in words for one in ("REAL", "FLOA", "DOUB")) else "NUMERIC"
