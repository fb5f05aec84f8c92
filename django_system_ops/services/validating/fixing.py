"""
Mending what can be mended without harm, with every touched row kept as it was.

One transaction for each fix. Its rows are locked, written to a file that is on the disk before
anything changes, and then changed by a statement that asks the condition again: a row that
somebody mended meanwhile is left alone. A process that dies on the way leaves rows in the file
and nothing changed in the database.
"""

import base64
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connections, models, transaction
from django.db.models import QuerySet

from django_system_ops.exceptions import SystemOpsError
from django_system_ops.sealing.private_files import sync_directory
from django_system_ops.services.validating.findings import CheckReport, Finding, Fix
from django_system_ops.services.validating.rows import quoted

__all__ = ["BeforeImages", "Fixed", "fix_findings"]

_AT_ONCE = 1000


@dataclass(frozen=True)
class Fixed:
    """
    What became of a finding that can be mended.

    Attributes:
        fixed: how many rows were changed, or would be.
        left: how many are wrong afterwards.
        image: the file with the rows as they were; None when nothing was written.
        error: why nothing was changed; empty when all went well.
    """

    check: str
    object: str
    action: str
    fixed: int
    left: int
    image: Path | None = None
    error: str = ""


class BeforeImages:
    """
    A file of rows as they were: JSON lines, readable by its owner alone.

    A line that begins a fix has "fix"; its rows follow, with "row"; and a line with "committed"
    says that the change was made. Without that line it was not.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def write(self, *documents: dict[str, Any]) -> None:
        """Add lines, and return when they are on the disk."""
        if self._descriptor is None:
            self._descriptor = self._open()
        text = "".join(json.dumps(one, cls=_RowEncoder) + "\n" for one in documents)
        left = memoryview(text.encode())
        while left:
            left = left[os.write(self._descriptor, left) :]
        os.fsync(self._descriptor)

    @property
    def is_written(self) -> bool:
        """Return whether there is anything in it."""
        return self._descriptor is not None

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _open(self) -> int:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        # The name has to survive as well as what is under it.
        sync_directory(self.path.parent)
        return descriptor


def fix_findings(
    report: CheckReport,
    *,
    using: str,
    folder: Path,
    run: str,
    now: datetime,
    dry_run: bool = False,
    between: Callable[[], None] = lambda: None,
) -> Iterator[Fixed]:
    """
    Mend what a check found and says is safe; yield what became of each.

    ``run`` names the file of the rows as they were, ``<folder>/<run>-<check>.jsonl``. ``between``
    is called before each batch, and what it raises undoes the fix that is at work.

    Raises:
        SystemOpsError: inside a transaction, whose end would decide and is not ours.
    """
    if not dry_run and connections[using].in_atomic_block:
        raise SystemOpsError(
            "--fix-issues cannot work inside a transaction: each fix is one of its own, and the "
            "file of rows says which were committed. Call it outside of atomic()."
        )
    images = BeforeImages(folder / f"{run}-{report.name}.jsonl")
    try:
        for finding in report.findings:
            if finding.fix is None:
                continue
            if dry_run:
                yield _told(report, finding, finding.fix)
                continue
            yield _fixed(report, finding, finding.fix, using, images, now, between)
    finally:
        images.close()


def _told(report: CheckReport, finding: Finding, fix: Fix) -> Fixed:
    return Fixed(report.name, finding.object, _action(fix), finding.count, finding.count)


def _fixed(
    report: CheckReport,
    finding: Finding,
    fix: Fix,
    using: str,
    images: BeforeImages,
    now: datetime,
    between: Callable[[], None],
) -> Fixed:
    changed, error = 0, ""
    try:
        changed = _change(finding.object, fix, using, images, now, between)
    except DatabaseError as failure:
        error = " ".join(str(failure).split())
    return Fixed(
        report.name,
        finding.object,
        _action(fix),
        changed,
        fix.rows.all().count(),
        images.path if images.is_written else None,
        error,
    )


def _change(
    what: str,
    fix: Fix,
    using: str,
    images: BeforeImages,
    now: datetime,
    between: Callable[[], None],
) -> int:
    changed = 0
    table = fix.rows.model._meta.db_table
    images.write({"fix": what, "table": table, "action": _action(fix), "at": now})
    with transaction.atomic(using=using):
        _begin_to_write(using, table)
        for pks, rows in _batches(fix.rows, using):
            between()
            images.write(*({"row": row} for row in rows))
            # With the whole condition once more: locks keep the rows, and not what they lack.
            those: Any = fix.rows.filter(pk__in=pks)
            if fix.set_null is None:
                changed += those._raw_delete(using)
            else:
                changed += those.update(**{fix.set_null.attname: None})
    images.write({"committed": changed})
    return changed


def _begin_to_write(using: str, table: str) -> None:
    """Take SQLite's one lock for writing now: a reader that becomes a writer may be refused."""
    if connections[using].vendor == "sqlite":
        with connections[using].cursor() as cursor:
            (name,) = quoted(using, table)
            cursor.execute(f"DELETE FROM {name} WHERE 0")  # noqa: S608  # a quoted name


def _batches(
    rows: QuerySet[models.Model], using: str
) -> Iterator[tuple[list[Any], list[dict[str, Any]]]]:
    """Yield the primary keys and the locked rows, as the driver gives them, in their order."""
    model = rows.model
    fields = model._meta.local_concrete_fields
    last: list[Any] = []
    while True:
        some = rows.filter(pk__gt=last[-1]) if last else rows
        query: Any = some.order_by("pk").values_list("pk", *(one.attname for one in fields))
        query = query.select_for_update()[:_AT_ONCE].query
        # Past the fields' own conversions: what is encrypted in the database stays so here.
        sql, parameters = query.get_compiler(using).as_sql()
        with connections[using].cursor() as cursor:
            cursor.execute(sql, parameters)
            found = cursor.fetchall()
        if not found:
            return
        last = [row[0] for row in found]
        names = [str(one.column) for one in fields]
        yield last, [dict(zip(names, row[1:], strict=True)) for row in found]


def _action(fix: Fix) -> str:
    return f"set {fix.set_null.name} to NULL" if fix.set_null else "delete"


class _RowEncoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        if isinstance(o, bytes | bytearray | memoryview):
            return {"base64": base64.b64encode(bytes(o)).decode()}
        try:
            return super().default(o)
        except TypeError:
            return str(o)  # a type of the database's own
