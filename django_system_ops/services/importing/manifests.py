"""What a manifest of export_data says of the files beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

__all__ = ["MANIFEST", "Listed", "Manifest"]

#: What export_data writes beside its files, and what says how they were written.
MANIFEST = "manifest.json"

_MOST_BYTES = 10_000_000
_PACKED = ".zst"


@dataclass(frozen=True)
class Listed:
    """
    A file of an export.

    Attributes:
        name: of the file, unpacked.
        kind: the type of its rows; "" where the manifest does not say it.
        tenant: whose they are; "" for everybody's.
        sha256: of its bytes, unpacked; "" where it is not said.
    """

    name: str
    kind: str = ""
    tenant: str = ""
    sha256: str = ""
    is_guarded: bool = False

    @classmethod
    def of(cls, found: Mapping[str, Any], *, is_guarded: bool) -> Self:
        """Return what an entry says; raises what Python does where it is none."""
        return cls(
            name=Path(found["name"]).name.removesuffix(_PACKED),
            kind=str(found.get("type") or ""),
            tenant=str(found.get("tenant") or ""),
            sha256=str(found.get("plain_sha256") or found.get("sha256") or ""),
            is_guarded=bool(found.get("guard", is_guarded)),
        )


@dataclass(frozen=True)
class Manifest:
    """The files of an export by their names, none where there is no manifest."""

    files: Mapping[str, Listed] = field(default_factory=dict)

    @classmethod
    def in_directory(cls, directory: Path) -> Self:
        """Return what the manifest of a directory says; nothing where it is none of ours."""
        path = directory / MANIFEST
        if not path.is_file() or path.is_symlink() or path.stat().st_size > _MOST_BYTES:
            return cls()
        try:
            document = json.loads(path.read_bytes())
            is_guarded = bool(document.get("guard", False))
            files = [Listed.of(one, is_guarded=is_guarded) for one in document["files"]]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls()
        return cls({one.name: one for one in files})
