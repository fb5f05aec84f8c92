"""Bring rows in from files."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from django_opskit.commands import ExitStatus, FindingsError, UsageError
from django_system_ops.conf import get_conf
from django_system_ops.engine.import_mapping import parse_mapping
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.management.import_lines import import_lines
from django_system_ops.services.importing.ordering import Asked, make_order
from django_system_ops.services.importing.orders import Order
from django_system_ops.services.importing.pages import report_places, write_report
from django_system_ops.services.importing.reports import ImportReport
from django_system_ops.services.importing.running import import_files
from django_system_ops.services.importing.sources import (
    READABLE,
    SourceList,
    source_of,
    sources_in,
)

__all__ = ["Command"]

_TYPE = "knowledge"


class Command(SystemOpsCommand):
    """``import_knowledge``: see its help."""

    help = (
        "Bring rows in from a file, or from the files of a directory: csv, json, jsonl or xml. "
        "Whose rows they are and what their fields are is in MANAGEMENT_COMMANDS['data']['types']."
    )
    changes_data = takes_lock = has_tenant = has_database = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--file", metavar="PATH", help="The file with the rows.")
        parser.add_argument("--directory", metavar="DIR", help="All files of such formats there.")
        parser.add_argument(
            "--type", default=_TYPE, metavar="NAME", help="What they are (default: %(default)s)."
        )
        parser.add_argument(
            "--format", choices=READABLE, help="Their format, if their names do not say it."
        )
        parser.add_argument(
            "--mapping",
            action="append",
            metavar="COLUMN=FIELD",
            help="Which column goes into which field, with commas between; COLUMN= leaves it out.",
        )
        parser.add_argument(
            "--key",
            metavar="FIELDS",
            help="The fields that tell whether a row is there already; else those of the type.",
        )
        parser.add_argument(
            "--on-conflict",
            choices=("error", "skip", "update"),
            default="error",
            help="What becomes of a row that is there already (default: %(default)s).",
        )
        parser.add_argument(
            "--validation",
            choices=("strict", "lenient"),
            help="strict: all rows or none; lenient: the good ones, and a file of the others.",
        )
        parser.add_argument(
            "--resume",
            action="store_true",
            help="Go on where a lenient import of the same file was killed.",
        )
        parser.add_argument(
            "--again", action="store_true", help="Yes, begin anew with a file that came in before."
        )
        parser.add_argument(
            "--report",
            metavar="FILE",
            help="Write a report there: *.json, *.html, or both for a name without such an end.",
        )
        parser.add_argument(
            "--batch-size", type=int, metavar="ROWS", help="How many rows are written at once."
        )
        parser.add_argument(
            "--guarded",
            action="store_true",
            default=None,
            help="Texts of the csv have a ' before them that keeps spreadsheets quiet. Not needed "
            "where the manifest.json of export_data lies beside the file.",
        )

        parser.add_argument(
            "--edited",
            action="store_true",
            help="The files are meant to be others than the manifest.json beside them says: "
            "changed by hand, or not all of them.",
        )

    def lock_keys(self, **options: Any) -> list[str]:
        """Return the lock of the type and the tenant."""
        parts = ["import_knowledge", options.get("type") or _TYPE]
        tenant = (options.get("tenant") or "").strip()
        return [":".join([*parts, tenant] if tenant and tenant != "all" else parts)]

    def perform(self, *, report: str | Path | None = None, **options: Any) -> None:
        """Bring them in."""
        places = report_places(str(report)) if report else ()
        elsewhere = places[0].parent if places else _fallback()
        with self.progress("Bringing rows in", None) as advance:
            order = make_order(
                _asked(options), now=timezone.now(), check=self.check_lock, advance=advance
            )
            files = _sources(order, options)
            found = import_files(order, files, rejects_elsewhere=elsewhere)
        self.counters = found.counters()
        self.result(
            {**found.document(), "report_files": places},
            *import_lines(found, places, detail=self.verbosity > 1),
        )
        for place in places:
            write_report(found, place)
        _raise(found)


def _asked(options: dict[str, Any]) -> Asked:
    return Asked(
        type_name=options.get("type") or _TYPE,
        tenant=options.get("tenant"),
        database=options.get("database") or DEFAULT_DB_ALIAS,
        mapping=_mapping(options.get("mapping")),
        key=_names(options.get("key")),
        on_conflict=options.get("on_conflict") or "error",
        validation=options.get("validation"),
        is_resumed=bool(options.get("resume")),
        is_again=bool(options.get("again")),
        batch_size=options.get("batch_size"),
        is_dry_run=bool(options.get("dry_run")),
    )


def _sources(order: Order, options: dict[str, Any]) -> SourceList:
    file, directory = options.get("file"), options.get("directory")
    if bool(file) == bool(directory):
        raise UsageError("Say what comes in: either --file PATH or --directory DIR.")
    format, guarded = options.get("format") or "", options.get("guarded") or None
    is_edited = bool(options.get("edited"))
    if file:
        source = source_of(Path(file), format=format, is_guarded=guarded, is_edited=is_edited)
        return SourceList((source,))
    return sources_in(
        Path(directory or ""),
        type_name=order.kind.name,
        tenant=",".join(order.tenants.names),
        format=format,
        is_guarded=guarded,
        is_edited=is_edited,
    )


def _mapping(given: list[str] | str | None) -> dict[str, str]:
    try:
        return parse_mapping([given] if isinstance(given, str) else given or [])
    except ValueError as error:
        raise UsageError(f"--mapping: {error}") from error


def _names(given: str | None) -> tuple[str, ...]:
    if given is None:
        return ()
    names = tuple(name.strip() for name in given.split(","))
    if not all(names):
        raise UsageError(f"--key {given!r}: a name is empty.")
    return names


def _fallback() -> Path:
    conf = get_conf()
    return conf.below_base(getattr(conf, "import").directory)


def _raise(report: ImportReport) -> None:
    """End as it went: 1 where nothing, or not all of a file, could come in; 3 with rejects."""
    if report.failures:
        raise CommandError(report.failures[0], returncode=ExitStatus.FAILED)
    if not report.rejected:
        return
    count = f"{report.rejected:,} {'row is' if report.rejected == 1 else 'rows are'}"
    if report.is_strict:
        raise CommandError(
            f"{count} wrong, so that nothing was changed. Mend them, or bring the others in with "
            "--validation=lenient.",
            returncode=ExitStatus.FAILED,
        )
    raise FindingsError(f"{count} not in: the report says why.")
