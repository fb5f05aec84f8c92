"""
Files of runs, for when the database cannot take a word: it is away, or it is SQLite's.

``<state directory>/spool/<run>.json`` is a row that waits to be written, and
``<state directory>/live/<run>.json`` is the sign of life of a run on SQLite, whose one writer is
the command itself. Each is written whole or not at all.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from django_system_ops.conf import get_conf

__all__ = ["live_file", "read_json", "spool_file", "spooled_files", "write_json"]


def spool_file(run_id: object) -> Path:
    """Return where the row of a run waits."""
    return get_conf().state_path / "spool" / f"{run_id}.json"


def live_file(run_id: object) -> Path:
    """Return where a run on SQLite says that it lives."""
    return get_conf().state_path / "live" / f"{run_id}.json"


def spooled_files() -> Iterator[Path]:
    """Yield the rows that wait, the oldest first."""
    folder = get_conf().state_path / "spool"
    with suppress(OSError):
        yield from sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """
    Put ``document`` in the place of the file, for nobody but this user to read.

    Raises:
        OSError: the disk is full, or the directory is not ours.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123  # a descriptor
            json.dump(document, file, cls=DjangoJSONEncoder)
        os.replace(name, path)  # noqa: PTH105  # what mkstemp gives is no Path
    except BaseException:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise


def read_json(path: Path) -> dict[str, Any] | None:
    """Return what a file holds; None when it is gone or no JSON object."""
    try:
        found = json.loads(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
