"""The files that rows come from: which there are, of which format, and of which bytes."""

import glob
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from django_system_ops.exceptions import SystemOpsError, WrongUsageError
from django_system_ops.formats import format_of
from django_system_ops.services.importing.manifests import MANIFEST, Listed, Manifest
from django_system_ops.services.importing.rejects import SUFFIX as REJECTS

__all__ = ["READABLE", "Source", "SourceList", "source_of", "sources_in"]

#: The formats that rows are read from.
READABLE = ("csv", "json", "jsonl", "xml")

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """
    A file with rows.

    Attributes:
        is_guarded: whether its texts have the sign before them that keeps spreadsheets quiet.
        sha256: of its bytes, which tell it from any other.
    """

    path: Path
    format: str
    is_guarded: bool
    sha256: str

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """
        Give the file, open for reading.

        Raises:
            SystemOpsError: it was changed since it was looked at, at the beginning or meanwhile.
        """
        with _open(self.path) as file:
            before = os.fstat(file.fileno())
            if _sha256(file) != self.sha256:
                raise SystemOpsError(f"{self.path} was changed meanwhile: import it again.")
            file.seek(0)
            yield file
            after = os.fstat(file.fileno())
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                raise SystemOpsError(f"{self.path} was changed while it was read: import it again.")


@dataclass(frozen=True)
class SourceList:
    """Files, and those of a directory that were left alone, each with the reason."""

    sources: tuple[Source, ...]
    skipped: dict[str, str] = field(default_factory=dict)


def source_of(
    path: Path,
    *,
    format: str = "",
    is_guarded: bool | None = None,
    is_edited: bool = False,
    manifest: Manifest | None = None,
) -> Source:
    """
    Return the file as it is now.

    Args:
        path: of the file.
        format: that of its name if empty.
        is_guarded: asked of its manifest when it is None.
        is_edited: whether it may be another than its manifest says.
        manifest: of its directory; read if it is None.

    Raises:
        WrongUsageError: there is no such file, its name does not say what format it has, or it is
            not as the manifest beside it says.
    """
    if not path.exists():
        raise WrongUsageError(f"--file {str(path)!r}: there is no such file.")
    if not stat.S_ISREG(path.stat().st_mode):
        raise WrongUsageError(
            f"--file {str(path)!r} is no plain file. A pipe can be read only once: save it first."
        )
    format = format or _format_of(path)
    if format not in READABLE:
        raise WrongUsageError(
            f"{path.name}: rows cannot be read from {format or 'such a file'}. Known: "
            f"{', '.join(READABLE)}; say which with --format."
        )
    listed = (manifest or Manifest.in_directory(path.parent)).files.get(path.name)
    if is_guarded is None:
        is_guarded = format == "csv" and listed is not None and listed.is_guarded
    with _open(path) as file:
        source = Source(path, format, is_guarded, _sha256(file))
    if not is_edited and listed is not None and listed.sha256 not in ("", source.sha256):
        raise WrongUsageError(
            f"{path.name} is not the file that {MANIFEST} beside it names: it was cut off or "
            "changed. Copy it again, or say --edited if it is meant to be as it is."
        )
    return source


def sources_in(
    directory: Path,
    *,
    type_name: str,
    tenant: str = "",
    format: str = "",
    is_guarded: bool | None = None,
    is_edited: bool = False,
) -> SourceList:
    """
    Return the files of a directory whose names end as those of data do, in the order of names.

    Those that a manifest beside them says to be another type's or tenant's are left alone, and so
    is one that has the bytes of another.

    Raises:
        WrongUsageError: it is no directory, has no such file, or not all that its manifest names.
    """
    if not directory.is_dir():
        raise WrongUsageError(f"--directory {str(directory)!r} is no directory.")
    manifest = Manifest.in_directory(directory)
    if not is_edited:
        _require_all(directory, manifest, type_name, tenant)
    found: dict[str, Source] = {}
    skipped: dict[str, str] = {}
    for path in sorted(directory.iterdir(), key=lambda one: one.name):
        if _goes_without_saying(path):
            continue
        listed = manifest.files.get(path.name)
        if reason := _not_meant(path, format) or _not_theirs(listed, type_name, tenant):
            skipped[path.name] = reason
            continue
        source = source_of(
            path, format=format, is_guarded=is_guarded, is_edited=is_edited, manifest=manifest
        )
        if (twin := found.get(source.sha256)) is not None:
            skipped[path.name] = f"has the same bytes as {twin.path.name}"
        else:
            found[source.sha256] = source
    if not found:
        some = [f"{name} ({reason})" for name, reason in list(skipped.items())[:3]]
        left = f" that is meant. Left alone: {', '.join(some)}" if some else ""
        raise WrongUsageError(
            f"--directory {str(directory)!r} has no file of {format or ', '.join(READABLE)}{left}."
        )
    return SourceList(tuple(found.values()), skipped)


def _require_all(directory: Path, manifest: Manifest, type_name: str, tenant: str) -> None:
    meant = [one for one in manifest.files.values() if not _not_theirs(one, type_name, tenant)]
    missing = [one.name for one in meant if not (directory / one.name).exists()]
    if missing:
        packed = next(directory.glob(f"{glob.escape(missing[0])}.*"), None)
        way_out = f"Unpack {packed.name}" if packed is not None else "Copy it again"
        raise WrongUsageError(
            f"--directory {str(directory)!r}: {' and '.join(missing)} of {MANIFEST} is not there. "
            f"{way_out}, or say --edited to bring in what there is."
        )


def _goes_without_saying(path: Path) -> bool:
    """Say whether nobody would take a file for one that is meant."""
    is_ours = path.name == MANIFEST or path.name.endswith(REJECTS)
    return path.name.startswith(".") or is_ours or path.is_dir()


def _not_meant(path: Path, format: str) -> str:
    """Return why a file is left alone, or nothing."""
    if path.is_symlink():
        return "it is a symbolic link"
    found = _format_of(path) if path.is_file() else ""
    if found not in READABLE:
        return "no data by its name"
    return f"it is {found}" if format and found != format else ""


def _not_theirs(listed: Listed | None, type_name: str, tenant: str) -> str:
    """Return whose rows a file has by its manifest, if those are not meant."""
    if listed is None:
        return ""
    if listed.kind not in ("", type_name):
        return f"its rows are {listed.kind}"
    whose = listed.tenant
    return f"its rows are those of {whose}" if tenant and whose not in ("", tenant) else ""


def _format_of(path: Path) -> str:
    try:
        return format_of(path)
    except SystemOpsError:
        return ""


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
