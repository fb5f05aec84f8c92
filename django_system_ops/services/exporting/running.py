"""An export from its beginning to its end."""

import secrets
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from itertools import chain, count, islice
from pathlib import Path
from typing import Any, BinaryIO, cast

from django_system_ops.conf import get_conf
from django_system_ops.engine.backup_names import backup_id
from django_system_ops.exceptions import FormatError, SystemOpsError
from django_system_ops.formats import writer_for
from django_system_ops.sealing import StoredWriter
from django_system_ops.services.exporting.batches import Batches
from django_system_ops.services.exporting.destination import Destination
from django_system_ops.services.exporting.orders import Order, Piece, moved_on, pieces_of
from django_system_ops.services.exporting.reports import ExportReport, FileReport, PieceReport
from django_system_ops.services.snapshots import one_moment

__all__ = ["default_path", "export"]


def export(
    order: Order, *, check: Callable[[], None], advance: Callable[[int], None]
) -> ExportReport:
    """
    Write what is ordered, all of one moment, and return what it came to.

    Args:
        order: what is wanted.
        check: called between batches; may raise to stop.
        advance: told how many rows have gone out since it was told last.

    Raises:
        WrongUsageError: it cannot be; nothing was done.
        SystemOpsError: it failed; nothing is in the place, and no cursor has moved.
    """
    pieces, skipped = pieces_of(order)
    with Destination(order.path, replace=order.replace) as destination:
        with one_moment(order.using) as moment:
            written = [
                _written(one, order, destination.staging, check=check, advance=advance)
                for one in pieces
            ]
        check()
        report = ExportReport(order, destination.path, moment, written, skipped)
        names = [file.name for one in written for file in one.files]
        destination.publish(names, report.manifest())
    for one in pieces:
        moved_on(one, moment)
    return report


def _written(
    piece: Piece,
    order: Order,
    folder: Path,
    *,
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> PieceReport:
    """Write the files of a piece, one after the other."""
    batches = Batches(piece.rows, piece.columns.fetched, using=order.using)
    with closing(_rows(batches, piece, order.using, check=check, advance=advance)) as stream:
        files = list(_files(stream, piece, order, folder))
    return PieceReport(piece, files, _too_long(batches.longest))


def _too_long(longest: Mapping[str, int]) -> dict[str, int]:
    """Return the fields with a value that import_knowledge refuses, with its characters."""
    most = getattr(get_conf(), "import").max_text_characters
    return {name: size for name, size in longest.items() if size > most}


def _files(
    stream: Iterator[Sequence[Any]], piece: Piece, order: Order, folder: Path
) -> Iterator[FileReport]:
    rows: Iterator[Sequence[Any]] = stream
    for number in count(1):
        part = f"-{number:04}" if order.split_rows else ""
        path = folder / f"{piece.stem}{part}.{order.format}"
        yield _file(path, piece, order, islice(rows, order.split_rows))
        following = next(stream, None)
        if following is None:
            return
        rows = chain([following], stream)


def _file(path: Path, piece: Piece, order: Order, rows: Iterator[Sequence[Any]]) -> FileReport:
    number = 0
    with StoredWriter(path, key=None, compress=order.compress) as file:
        sink = cast(BinaryIO, file)
        try:
            writer = writer_for(
                order.format,
                sink,
                piece.columns.names,
                name=piece.kind.name,
                guard=order.guard,
                scratch=path.parent,
            )
            try:
                write = writer.write
                for number, row in enumerate(rows, 1):  # noqa: B007  # how many there were
                    write(row)
                writer.finish()
            except BaseException:
                writer.abandon()
                raise
        except FormatError as error:
            raise SystemOpsError(f"{piece.kind.name} as {order.format}: {error}") from error
    stored = file.stored
    return FileReport(
        stored.name,
        number,
        stored.stored_bytes,
        stored.stored_sha256,
        stored.plain_bytes,
        stored.plain_sha256,
    )


def _rows(
    batches: Batches,
    piece: Piece,
    using: str,
    *,
    check: Callable[[], None],
    advance: Callable[[int], None],
) -> Generator[Sequence[Any], None, None]:
    with closing(batches.read()) as found:
        for batch in found:
            check()
            yield from piece.columns.rows(batch, using=using)
            advance(len(batch))


def default_path(directory: Path, now: datetime, tenant: str) -> Path:
    """Return where an export goes that nobody has named a place for."""
    return directory / backup_id(now, secrets.token_hex(4), tenant)
