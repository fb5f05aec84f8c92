"""What the commands of backups say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django_system_ops.services.backups.catalogue import Entry
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.manifests import DatabaseFacts, Manifest, TenantFacts
from django_system_ops.services.backups.tidying import Tidied

__all__ = [
    "CONFIGURATION",
    "age_of",
    "copied",
    "database_line",
    "described",
    "left_out_lines",
    "listed",
    "size_of",
    "table",
    "tenant_lines",
    "tidied",
]

#: What is to be said of the configuration.
CONFIGURATION = "Configuration: settings without secrets, packages, migrations."
_MOST_SHOWN = 10
_PAST = "which has had its time"


def described(directory: BackupDirectory, manifest: Manifest) -> tuple[dict[str, Any], list[str]]:
    """Return what a new backup is, as a document and as lines."""
    document = {
        "id": manifest.id,
        "path": directory.path / manifest.id,
        "encrypted": manifest.is_encrypted,
        "key_id": manifest.key_id,
        "bytes": manifest.stored_bytes,
        "manifest": manifest.model_dump(mode="json"),
    }
    return document, [
        *_database_lines(manifest),
        *_media_lines(manifest),
        *manifest.notes,
        *_tenant_lines(manifest),
        *([CONFIGURATION] * bool(manifest.config)),
        f"Backup {manifest.id}: {size_of(manifest.stored_bytes)}, "
        f"{'encrypted' if manifest.is_encrypted else 'NOT encrypted'}, in {directory.path}.",
    ]


def listed(found: Sequence[Entry], *, now: datetime) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the backups there are, as a document and as lines."""
    document = [_listed(one, now) for one in found]
    if not found:
        return document, ["There are no backups."]
    rows = [("id", "age", "type", "size", "encrypted", "verified")]
    rows += [
        (
            one["id"],
            one["age"],
            one["type"] or one["state"],
            size_of(one["bytes"]) if one["type"] else "",
            {True: "yes", False: "NO", None: ""}[one["encrypted"]],
            one["verified"],
        )
        for one in document
    ]
    return document, table(rows) + [one.problem for one in found if one.problem]


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines with columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def copied(
    there: Sequence[str] | str | None, local: Sequence[str]
) -> tuple[dict[str, Any] | None, list[str]]:
    """
    Return what is known of the copies, as a document and as lines.

    ``there``: their ids, why they are not known, or None where the site keeps none.
    """
    if there is None:
        return None, []
    if isinstance(there, str):
        return {"copies": None, "problem": there}, [there]
    missing, only = sorted({*local} - {*there}), sorted({*there} - {*local})
    lines = [f"{len(there)} of them have a copy." if not only else f"{len(there)} copies."]
    lines += [f"{one} has no copy yet." for one in missing]
    lines += [f"{one} is in the storage only: restore_backup --from-storage." for one in only]
    return {"copies": list(there), "problem": ""}, lines


def tidied(
    gone: Tidied, copies: Sequence[str], *, dry_run: bool
) -> tuple[dict[str, Any], list[str]]:
    """Return what was removed, as a document and as lines."""
    verb = "Would remove" if dry_run else "Removed"
    lines = [f"{verb} {one}, {_PAST}." for one in gone.expired]
    lines += [f"{verb} the copy of {one}, {_PAST}." for one in copies]
    lines += [f"{verb} {one}, which was never finished." for one in gone.unfinished]
    if gone.objects:
        lines.append(
            f"{verb} {gone.objects} contents of media files that no backup needs "
            f"({size_of(gone.object_bytes)})."
        )
    document = {
        "removed": list(gone.expired),
        "removed_unfinished": list(gone.unfinished),
        "removed_objects": gone.objects,
        "removed_copies": list(copies),
        "notes": list(gone.notes),
    }
    return document, [*lines, *gone.notes]


def _listed(entry: Entry, now: datetime) -> dict[str, Any]:
    manifest = entry.manifest
    state = "complete" if manifest else "unfinished" if entry.is_unfinished else "damaged"
    return {
        "id": entry.id,
        "state": state,
        "type": manifest.type if manifest else "",
        "tenant": manifest.tenant if manifest else "",
        "created_at": manifest.created_at if manifest else None,
        "age": age_of(now, manifest.created_at) if manifest else "",
        "parts": sorted(manifest.parts) if manifest else [],
        "bytes": manifest.stored_bytes if manifest else 0,
        "encrypted": manifest.is_encrypted if manifest else None,
        "key_id": manifest.key_id if manifest else "",
        "verified": _verified(entry),
        "verifications": dict(entry.verified),
        "problem": entry.problem,
    }


def _verified(entry: Entry) -> str:
    bad = [how for how, one in entry.verified.items() if not one.get("ok")]
    good = [how for how, one in entry.verified.items() if one.get("ok")]
    return f"FAILED ({', '.join(bad)})" if bad else ", ".join(sorted(good)) or "no"


def _database_lines(manifest: Manifest) -> list[str]:
    if (part := manifest.database) is None:
        return []
    return [database_line(part, is_incremental=manifest.type == "incremental")]


def database_line(part: DatabaseFacts, *, is_incremental: bool) -> str:
    """Return what is to be said of a dump."""
    exact = "" if not part.rows_after else f" ({len(part.rows_after)} tables were written to)"
    rows = sum(part.rows.values())
    whole = "Database (the whole of it)" if is_incremental else "Database"
    return f"{whole} {part.alias}: {rows} rows in {len(part.rows)} tables{exact}."


def _tenant_lines(manifest: Manifest) -> list[str]:
    return [] if manifest.rows is None else tenant_lines(manifest.tenant, manifest.rows)


def tenant_lines(tenant: str, part: TenantFacts) -> list[str]:
    """Return what is to be said of the rows of a tenant."""
    return [
        f"Tenant {tenant}: {sum(part.rows.values())} rows of {len(part.rows)} models, as "
        "lines of JSON; shared tables cannot be dumped for one tenant.",
        *part.warnings,
    ]


def _media_lines(manifest: Manifest) -> list[str]:
    if (part := manifest.media) is None:
        return []
    lines = [
        f"Media: {part.files} files, {size_of(part.bytes)}; {part.new_objects} contents are new "
        f"({size_of(part.new_bytes)} stored)."
    ]
    return [*lines, *left_out_lines(part.skipped, part.problems)]


def left_out_lines(skipped: Sequence[str], problems: Sequence[str]) -> list[str]:
    """Return which media files are not in a backup, the first of them by name."""
    lines = []
    for what, found in (("Skipped", skipped), ("Not as it should be", problems)):
        lines += [f"{what}: {one}" for one in found[:_MOST_SHOWN]]
        if len(found) > _MOST_SHOWN:
            lines.append(f"{what}: {len(found) - _MOST_SHOWN} more.")
    return lines


def size_of(count: int) -> str:
    """Return a number of bytes as people read it."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def age_of(now: datetime, then: datetime) -> str:
    """Return how long ago something was, as people say it."""
    minutes = int((now - then).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 72 * 60 else f"{minutes // 1440} d"
