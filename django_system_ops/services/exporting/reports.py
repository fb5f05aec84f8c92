"""What an export came to, and what its manifest says of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from django_system_ops.services.exporting.orders import Order, Piece

__all__ = ["ExportReport", "FileReport", "PieceReport"]

_FORMAT = 1


@dataclass(frozen=True)
class FileReport:
    """
    One file.

    Attributes:
        bytes, sha256: of the file as it is on the disk.
        plain_bytes, plain_sha256: of what is in it, where it is compressed.
    """

    name: str
    rows: int
    bytes: int
    sha256: str
    plain_bytes: int
    plain_sha256: str


@dataclass(frozen=True)
class PieceReport:
    """
    The rows of one type and one tenant, and their files.

    Attributes:
        too_long: fields with a value that import_knowledge refuses, with how many characters the
            longest has.
    """

    piece: Piece = field(repr=False)
    files: Sequence[FileReport]
    too_long: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Return how many rows went out."""
        return sum(one.rows for one in self.files)

    def document(self) -> dict[str, Any]:
        """Return it for the manifest and ``--json``."""
        piece = self.piece
        return {
            "type": piece.kind.name,
            "model": piece.kind.conf.model,
            "tenant": piece.tenant or None,
            "rows": self.rows,
            "fields": piece.columns.names,
            "secret_fields_left_out": list(piece.left_out),
            "filter": dict(piece.kind.conf.filter),
            "date_field": piece.kind.conf.date_field,
            "changed_since": piece.since.isoformat() if piece.since is not None else None,
            "remark": piece.remark,
            "too_long_to_import": dict(self.too_long),
            "files": [one.name for one in self.files],
        }

    def file_documents(self) -> list[dict[str, Any]]:
        """Return its files for the same, each with whose rows it has."""
        whose = {"type": self.piece.kind.name, "tenant": self.piece.tenant or None}
        return [{**whose, **asdict(one)} for one in self.files]


@dataclass(frozen=True)
class ExportReport:
    """
    What an export came to.

    Attributes:
        path: where it is.
        moment: all that was committed by then is in it.
        skipped: types that did not fit, with the reason.
    """

    order: Order = field(repr=False)
    path: Path
    moment: datetime
    pieces: Sequence[PieceReport]
    skipped: Mapping[str, str]

    def counters(self) -> dict[str, int]:
        """Return what a history of runs keeps."""
        files = [one for piece in self.pieces for one in piece.files]
        return {
            "rows": sum(one.rows for one in files),
            "files": len(files),
            "bytes": sum(one.bytes for one in files),
        }

    def files(self) -> list[dict[str, Any]]:
        """Return all files, as documents."""
        return [file for one in self.pieces for file in one.file_documents()]

    def manifest(self) -> bytes:
        """Return the manifest."""
        order = self.order
        document = {
            "format": _FORMAT,
            "kind": "export",
            "snapshot": self.moment,
            "database": order.using,
            "file_format": order.format,
            "guard": order.guard,
            "compressed": order.compress,
            "incremental": order.incremental,
            "since": order.since,
            "until": order.until,
            "skipped": dict(self.skipped),
            "exports": [one.document() for one in self.pieces],
            "files": self.files(),
        }
        return json.dumps(document, cls=_Encoder, indent=1).encode() + b"\n"


class _Encoder(DjangoJSONEncoder):
    """Django's encoder, with moments to the microsecond, and whatever a site filters by."""

    def default(self, o: Any) -> Any:
        if isinstance(o, datetime):
            return o.isoformat()
        try:
            return super().default(o)
        except TypeError:
            return str(o)
