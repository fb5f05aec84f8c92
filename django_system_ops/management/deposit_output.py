"""What the commands of backups say of those in a repository of restic."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django_system_ops.management.backup_output import (
    CONFIGURATION,
    age_of,
    database_line,
    left_out_lines,
    size_of,
    table,
    tenant_lines,
)
from django_system_ops.services.backups.restic.deposits import Deposit, Entry

__all__ = ["deposited", "listed", "removed"]


def deposited(deposit: Deposit) -> tuple[dict[str, Any], list[str]]:
    """Return what a new backup is, as a document and as lines."""
    document = {
        "id": deposit.id,
        "encrypted": True,
        "bytes": deposit.bytes,
        "manifest": deposit.model_dump(mode="json"),
    }
    lines = []
    if deposit.database:
        is_incremental = deposit.type == "incremental"
        lines.append(database_line(deposit.database, is_incremental=is_incremental))
    if (media := deposit.media) is not None:
        lines.append(
            f"Media: {media.files} files, {size_of(media.bytes)}; {media.new_files} are new "
            f"({size_of(media.new_bytes)} stored)."
        )
        lines += left_out_lines(media.skipped, media.problems)
    lines += deposit.notes
    if deposit.rows:
        lines += tenant_lines(deposit.tenant, deposit.rows)
    if "config" in deposit.streams:
        lines.append(CONFIGURATION)
    size = size_of(deposit.bytes)
    return document, [*lines, f"Backup {deposit.id}: {size}, encrypted, in the repository."]


def listed(found: Sequence[Entry], *, now: datetime) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the backups there are, as a document and as lines."""
    document: list[dict[str, Any]] = [
        {
            "id": one.id,
            "state": "complete",
            "type": one.facts.get("type", ""),
            "tenant": one.facts.get("tenant", ""),
            "created_at": one.created_at,
            "age": age_of(now, one.created_at),
            "parts": sorted(one.parts),
            "bytes": int(one.facts.get("bytes") or 0),
            "encrypted": True,
            "verified": _verified(one),
        }
        for one in found
    ]
    if not found:
        return document, ["There are no backups."]
    rows = [("id", "age", "type", "size", "verified")]
    rows += [
        (one["id"], one["age"], one["type"], size_of(one["bytes"]), one["verified"])
        for one in document
    ]
    return document, table(rows)


def removed(
    old: Sequence[str], halves: Sequence[str], *, dry_run: bool
) -> tuple[dict[str, Any], list[str]]:
    """Return what was removed, as a document and as lines."""
    verb = "Would remove" if dry_run else "Removed"
    lines = [f"{verb} {one}, which has had its time." for one in old]
    lines += [f"{verb} {one}, which was never finished." for one in halves]
    return {"removed": list(old), "removed_unfinished": list(halves)}, lines


def _verified(entry: Entry) -> str:
    bad = sorted(how for how, ok in entry.verified.items() if not ok)
    return f"FAILED ({', '.join(bad)})" if bad else ", ".join(sorted(entry.verified)) or "no"
