"""
What migrations have changed: the columns of each row as they were, and what came of it.

Each migration has a directory of its own in the state directory, for nobody else to read:
``migration.json`` says what it was, and the file of each step has a line for each row, as
:class:`~django_system_ops.services.cleanup.archiving.Archive` writes them. They are on the disk
before the rows are changed; what a killed run leaves is named ``.part``, and may have rows that
were not changed.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django_system_ops.conf import get_conf
from django_system_ops.exceptions import NotTriedError, SystemOpsError
from django_system_ops.sealing import make_private_directory, write_whole
from django_system_ops.services.cleanup.archiving import SUFFIX, Archive, read_archive
from django_system_ops.services.knowledge.registry import LoadedStep
from django_system_ops.services.knowledge.table import Table

__all__ = ["Journal", "Migration", "State", "naming_place", "past_migrations", "require_zstandard"]

_NAME = "migration.json"


class State(StrEnum):
    """How far a migration came."""

    UNFINISHED = "unfinished"
    FINISHED = "finished"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True)
class Migration:
    """
    A migration that changed something.

    Attributes:
        tenants: whose rows; empty for all.
        steps: from which version to which, in their order; each has a file if it met a row.
        columns: those that the fingerprints of its rows are made of.
    """

    folder: Path
    target: str
    tenants: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    state: State
    facts: dict[str, Any]

    def images(self, number: int) -> Iterator[dict[str, Any]]:
        """Yield the rows of a step, from 0 on: ``pk``, ``before`` and ``after``, a fingerprint."""
        whole = _file_of(self.folder, number)
        for path in (whole, whole.with_name(f"{whole.name}.part")):
            if path.exists():
                yield from read_archive(path)

    def mark(self, state: State) -> None:
        """Write down how far it came."""
        _write(self.folder, {**self.facts, "state": state})


class Journal:
    """The directory of a migration at work; there is none before the first row is changed."""

    def __init__(
        self, table: Table, target: str, steps: Sequence[LoadedStep], now: datetime
    ) -> None:
        root = get_conf().state_path / "knowledge"
        # By name they stand in the order in which they began.
        self.folder = root / f"{now:%Y%m%dT%H%M%S%fZ}-{os.getpid()}"
        self._facts = {
            "type": table.registry.kind.name,
            "model": table.model._meta.label,
            "database": table.using,
            "tenants": list(table.tenants.names),
            "target": target,
            "at": now.isoformat(),
            "columns": list(table.columns.names),
            "steps": [[one.from_version, one.to_version] for one in steps],
        }
        self._is_begun = False

    @property
    def is_begun(self) -> bool:
        """Return whether there is anything in it."""
        return self._is_begun

    def open_step(self, number: int) -> Archive:
        """Return a new file for the rows of a step, from 0 on."""
        with naming_place(self.folder):
            if not self._is_begun:
                self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                make_private_directory(self.folder)
                _write(self.folder, {**self._facts, "state": State.UNFINISHED})
                self._is_begun = True
            return Archive(_file_of(self.folder, number))

    def finish(self) -> None:
        """Write down that nothing was left to do."""
        if self._is_begun:
            _write(self.folder, {**self._facts, "state": State.FINISHED})


def past_migrations(table: Table) -> Iterator[Migration]:
    """
    Yield the migrations of these rows, those of other tenants left out, the newest first.

    Raises:
        SystemOpsError: the file of one cannot be read.
    """
    mine = {
        "type": table.registry.kind.name,
        "model": table.model._meta.label,
        "database": table.using,
    }
    names = set(table.tenants.names)
    root = get_conf().state_path / "knowledge"
    for path in sorted(root.glob(f"*/{_NAME}"), reverse=True):
        facts = _read(path)
        if any(facts.get(key) != value for key, value in mine.items()):
            continue
        tenants = tuple(facts["tenants"])
        if tenants and names and names.isdisjoint(tenants):
            continue
        steps = tuple((before, after) for before, after in facts["steps"])
        state = State(facts["state"])
        columns = tuple(facts["columns"])
        yield Migration(path.parent, facts["target"], tenants, steps, columns, state, facts)


def require_zstandard() -> None:
    """
    Do nothing if files can be written.

    Raises:
        SystemOpsError: the library zstandard is missing.
    """
    if find_spec("zstandard") is None:
        raise SystemOpsError(
            "migrate_knowledge_base keeps rows as they were in compressed files, and needs the "
            "library zstandard for that: install django-opskit[system-ops]."
        )


@contextmanager
def naming_place(path: Path) -> Iterator[None]:
    """Say of a file that cannot be written what it is for, and that nothing was changed."""
    try:
        yield
    except (OSError, NotTriedError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        reason = getattr(cause, "strerror", None) or cause
        raise SystemOpsError(
            f"The rows as they were cannot be written to {path}: {reason}. Nothing of this batch "
            "was changed. Make room, or name another place in "
            "MANAGEMENT_COMMANDS['state_directory']."
        ) from error


def _file_of(folder: Path, number: int) -> Path:
    return folder / f"step-{number + 1:03}{SUFFIX}"


def _write(folder: Path, facts: dict[str, Any]) -> None:
    with naming_place(folder):
        write_whole(folder / _NAME, json.dumps(facts, indent=1).encode())


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
        State(found["state"])
        [(before, after) for before, after in found["steps"]]
        _ = (found["target"], list(found["tenants"]), list(found["columns"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemOpsError(
            f"{path} cannot be read, and says what a migration has changed: {error}. Move its "
            "directory away if that migration is not to be taken back."
        ) from error
    facts: dict[str, Any] = found
    return facts
