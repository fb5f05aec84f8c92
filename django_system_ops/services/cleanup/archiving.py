"""
Rows in a file before they go.

A file is JSON lines as Django's ``dumpdata --format jsonl`` writes them, parents before children,
compressed with zstd: ``zstd -d`` and ``loaddata`` bring them back. Each batch is a frame of its
own, on the disk before the rows go. While it is written its name ends with ``.part``; what a
killed run leaves under that name holds every row that went, and perhaps some that did not.
"""

import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, time
from pathlib import Path
from typing import IO, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.encoding import is_protected_type
from django.utils.timezone import localtime

from django_system_ops.exceptions import SystemOpsError, WrongUsageError
from django_system_ops.sealing.private_files import sync_directory
from django_system_ops.services.cleanup.gathering import Closure, Scope
from django_system_ops.services.cleanup.relations import Model

__all__ = ["SUFFIX", "Archive", "archive_path", "archive_rows", "read_archive"]

SUFFIX = ".jsonl.zst"

_AT_ONCE = 500


class Archive:
    """A new file that rows are written into, by several jobs one after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(f"{path.name}.part")
        self._compressor = _zstandard().ZstdCompressor(level=3)
        self._lock = threading.Lock()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file: IO[bytes] = os.fdopen(os.open(self._part, flags, 0o600), "wb")
        sync_directory(path.parent)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """
        Keep what is written only if the block ends well: the rows of a batch that failed are there.

        Other jobs wait meanwhile.
        """
        with self._lock:
            start = self._file.tell()
            try:
                yield
            except BaseException:
                # Whole frames only: what comes behind half a one could not be read.
                self._file.seek(start)
                self._file.truncate()
                os.fsync(self._file.fileno())
                raise

    def write(self, rows: Iterator[dict[str, Any]]) -> int:
        """
        Write rows of a batch; when this returns, they are on the disk.

        Return how many there were. It is called in :meth:`batch`.
        """
        count = 0
        with self._compressor.stream_writer(self._file, closefd=False) as frame:
            for row in rows:
                line = json.dumps(row, cls=_Encoder, separators=(",", ":"))
                frame.write(line.encode() + b"\n")
                count += 1
        self._file.flush()
        os.fsync(self._file.fileno())
        return count

    def close(self) -> None:
        """Give the file its name; one without a row is removed."""
        is_empty = self._file.tell() == 0
        self._file.close()
        if is_empty:
            self._part.unlink()
        else:
            self._part.replace(self.path)
        sync_directory(self.path.parent)


def archive_path(text: str, name: str, now: datetime) -> Path:
    """
    Return where the rows of the type ``name`` go; ``text`` is the option ``--archive``.

    A directory that is not there is made, for nobody else to read.

    Raises:
        WrongUsageError: it is a link, or neither a directory nor a name that ends as it should, or
            there is such a file already.
        SystemOpsError: the library zstandard is missing.
    """
    _zstandard()
    path = Path(text).absolute()
    if path.is_symlink():
        raise WrongUsageError(f"--archive {text!r} is a symbolic link: name the place itself.")
    if text.endswith(SUFFIX):
        if not path.parent.is_dir():
            raise WrongUsageError(f"--archive {text!r}: there is no directory {path.parent}.")
        for one in (path, path.with_name(f"{path.name}.part")):
            if os.path.lexists(one):
                raise WrongUsageError(f"--archive: {one} exists, and is not written over.")
        return path
    if path.exists() and not path.is_dir():
        raise WrongUsageError(f"--archive {text!r} is neither a directory nor a new *{SUFFIX}.")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    moment = localtime(now) if now.tzinfo else now
    return path / f"{name}-{moment:%Y%m%dT%H%M%S.%f}{SUFFIX}"


def archive_rows(scope: Scope, closure: Closure) -> Iterator[dict[str, Any]]:
    """Yield the rows of a batch, what is pointed at first, as the archive has them."""
    for model in reversed(scope.cascade.order.nodes):
        keys = sorted(closure.rows.get(model, ()), key=str)
        yield from rows_of(model, keys, scope.using)


def rows_of(model: Model, keys: Sequence[Any], using: str) -> Iterator[dict[str, Any]]:
    """Yield rows of one model as the archive has them."""
    fields = [one for one in model._meta.local_concrete_fields if not one.primary_key]
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        for row in model._base_manager.using(using).filter(pk__in=some).order_by("pk"):
            yield {
                "model": model._meta.label_lower,
                "pk": _value(row, model._meta.pk),
                "fields": {one.name: _value(row, one) for one in fields},
            }


def read_archive(path: str | Path) -> Iterator[dict[str, Any]]:
    """
    Yield the rows of an archive, each with ``model``, ``pk`` and ``fields``.

    A ``.part`` that a killed run has left is read as far as it goes.

    Raises:
        SystemOpsError: the file ends in the middle, or is none.
    """
    line = b""
    for piece in _decompressed(Path(path), may_be_torn=str(path).endswith(".part")):
        *lines, line = (line + piece).split(b"\n")
        yield from map(json.loads, lines)


def _decompressed(path: Path, *, may_be_torn: bool) -> Iterator[bytes]:
    zstandard = _zstandard()
    frame: Any = None
    with path.open("rb") as file:
        try:
            while data := file.read(1 << 16):
                while data:
                    frame = frame or zstandard.ZstdDecompressor().decompressobj()
                    yield frame.decompress(data)
                    data = frame.unused_data if frame.eof else b""
                    frame = None if frame.eof else frame
        except zstandard.ZstdError as error:
            raise SystemOpsError(f"{path} cannot be read as zstd: {error}.") from error
    if frame is not None and not may_be_torn:
        raise SystemOpsError(f"{path} ends in the middle of a batch: its end is missing.")


class _Encoder(DjangoJSONEncoder):
    """Django's encoder, which would cut moments off at the millisecond."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime | time) else super().default(o)


def _value(row: models.Model, one: "models.Field[Any, Any]") -> Any:
    value = one.value_from_object(row)
    is_plain: bool = is_protected_type(value)
    return value if is_plain else one.value_to_string(row)


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError:
        raise SystemOpsError(
            "--archive needs the library zstandard: install django-opskit[system-ops]."
        ) from None
    return zstandard
