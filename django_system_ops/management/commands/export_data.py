"""Write the site's rows into files."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from django_opskit.commands import UsageError
from django_system_ops.conf import get_conf
from django_system_ops.formats import FORMATS
from django_system_ops.formats.xlsx_files import XLSX_ROWS
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.management.moments import moment_in
from django_system_ops.services.exporting.orders import Order
from django_system_ops.services.exporting.reports import ExportReport, PieceReport
from django_system_ops.services.exporting.running import default_path, export
from django_system_ops.services.tenants import resolve_tenants

__all__ = ["Command"]

_GUARDED = ("csv", "xlsx")


class Command(SystemOpsCommand):
    """``export_data``: see its help."""

    help = (
        "Write rows into files, all as they were at one moment: the types in "
        "MANAGEMENT_COMMANDS['data']['types']. A manifest beside the files says what is in them."
    )
    takes_lock = has_tenant = has_database = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--type",
            action="append",
            metavar="NAME",
            help="This type alone; several with commas between, or given several times; or all.",
        )
        parser.add_argument(
            "--format", choices=list(FORMATS), help="Else that of the settings, which is csv."
        )
        parser.add_argument(
            "--output",
            default="",
            metavar="DIR",
            help="The directory of the files; else a new one in that of the settings.",
        )
        parser.add_argument(
            "--replace", action="store_true", help="The export that is in the directory makes room."
        )
        parser.add_argument(
            "--since", metavar="WHEN", help="Rows from this day or moment on (ISO 8601)."
        )
        parser.add_argument("--until", metavar="WHEN", help="Rows before this day or moment.")
        parser.add_argument(
            "--incremental",
            action="store_true",
            help="Rows since the last incremental export of the type and tenant.",
        )
        parser.add_argument(
            "--fields", default="", metavar="NAMES", help="These fields of the one --type."
        )
        parser.add_argument("--include-secrets", action="store_true", help="The secret_fields too.")
        parser.add_argument("--compress", action="store_true", help="Compress the files with zstd.")
        parser.add_argument(
            "--split-rows", type=int, metavar="ROWS", help="Begin a new file after so many rows."
        )
        parser.add_argument(
            "--raw-csv",
            action="store_true",
            help="Texts as they are, for programs: a spreadsheet may take them for formulas.",
        )

    def perform(
        self,
        *,
        tenant: str | None = None,
        database: str = "default",
        output: str | Path = "",
        replace: bool = False,
        **options: Any,
    ) -> None:
        """Write them."""
        conf, now = get_conf(), timezone.now()
        tenants = resolve_tenants(tenant, using=database)
        words = "" if tenants.is_all else "-".join(tenants.names)
        order = Order(
            path=Path(output) if output else default_path(conf.export_path, now, words),
            tenants=tenants,
            using=database,
            replace=replace,
            **_wishes(**options),
        )
        with self.progress("Exporting", None) as advance:
            report = export(order, check=self.check_lock, advance=advance)
        self.counters = report.counters()
        self.result(_document(report), *_lines(report))


def _wishes(
    *,
    type: Sequence[str] | str | None = None,  # the name of the option
    format: str | None = None,
    since: str | date | None = None,
    until: str | date | None = None,
    incremental: bool = False,
    fields: Sequence[str] | str = "",
    include_secrets: bool = False,
    compress: bool = False,
    split_rows: int | None = None,
    raw_csv: bool = False,
    **_others: Any,
) -> dict[str, Any]:
    """Return the options as an order has them."""
    conf = get_conf().export
    format = format or conf.format
    if incremental and (since or until):
        raise UsageError("--incremental knows itself since when: leave --since and --until out.")
    if raw_csv and format not in _GUARDED:
        raise UsageError(f"--raw-csv is for csv and xlsx: {format} needs no guard.")
    if compress and format == "xlsx":
        raise UsageError("--compress: xlsx is compressed by itself.")
    _check_split(split_rows, format)
    begin, end = moment_in(since, "--since"), moment_in(until, "--until")
    if begin and end and begin >= end:
        raise UsageError(f"--since {since} is not before --until {until}: there is no such row.")
    return {
        "types": _types(type),
        "format": format,
        "since": begin,
        "until": end,
        "incremental": incremental,
        "fields": _names("--fields", fields),
        "include_secrets": include_secrets,
        "guard": format in _GUARDED and not raw_csv,
        "compress": (compress or conf.compress) and format != "xlsx",
        "split_rows": split_rows,
    }


def _check_split(rows: int | None, format: str) -> None:
    if rows is not None and rows < 1:
        raise UsageError(f"--split-rows must be 1 or more, got {rows}.")
    if rows is not None and format == "xlsx" and rows >= XLSX_ROWS:
        raise UsageError(
            f"--split-rows {rows}: a sheet has {XLSX_ROWS:,} rows, and its header is one of them."
        )


def _types(given: Sequence[str] | str | None) -> list[str]:
    names = list(dict.fromkeys(_names("--type", given or "")))
    if "all" not in names:
        return names
    if len(names) > 1:
        raise UsageError("--type: either all, or names.")
    return []


def _names(option: str, given: Sequence[str] | str) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    names = [name.strip() for text in texts if text for name in text.split(",")]
    if not all(names):
        raise UsageError(f"{option}: a name is empty.")
    return names


def _document(report: ExportReport) -> dict[str, Any]:
    return {
        "directory": report.path,
        "snapshot": report.moment.isoformat(),
        "format": report.order.format,
        "guard": report.order.guard,
        "rows": sum(one.rows for one in report.pieces),
        "exports": [one.document() for one in report.pieces],
        "files": report.files(),
        "skipped": dict(report.skipped),
    }


def _lines(report: ExportReport) -> list[str]:
    lines = [line for one in report.pieces for line in _piece_lines(one)]
    lines += [f"{name}: skipped, {reason}" for name, reason in report.skipped.items()]
    moment = timezone.localtime(report.moment)
    return [*lines, f"In {report.path}, as of {moment:%Y-%m-%d %H:%M:%S}."]


def _piece_lines(one: PieceReport) -> list[str]:
    piece = one.piece
    whose = f" of {piece.tenant}" if piece.tenant else ""
    files = one.files[0].name if len(one.files) == 1 else f"{len(one.files)} files"
    lines = [f"{piece.kind.name}{whose}: {one.rows:,} rows in {files}"]
    if piece.since is not None:
        lines.append(f"  changed since {timezone.localtime(piece.since):%Y-%m-%d %H:%M:%S}")
    if piece.remark:
        lines.append(f"  {piece.remark}")
    for name, size in one.too_long.items():
        lines.append(
            f"  {name}: the longest has {size:,} characters, more than import_knowledge takes: "
            "MANAGEMENT_COMMANDS['import']['max_text_characters']"
        )
    if piece.left_out:
        lines.append(f"  left out, since secret: {', '.join(piece.left_out)}")
    return lines
