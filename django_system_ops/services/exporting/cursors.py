"""
How far an export has come, for ``--incremental``.

A small file for each type and tenant in the state directory. It moves on only when an export is in
its place: a run that dies makes the next one repeat rows, and never leave one out.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django_system_ops.conf import get_conf
from django_system_ops.engine.backup_names import slug
from django_system_ops.exceptions import SystemOpsError
from django_system_ops.sealing import make_private_directory, require_private_directory, write_whole

__all__ = ["Cursor", "CursorFile"]


@dataclass(frozen=True)
class Cursor:
    """
    What was exported last.

    Attributes:
        moment: the database as it was then is out.
        shape: a hash of what was asked for; with another one, older rows are not out.
    """

    moment: datetime
    shape: str


@dataclass(frozen=True)
class CursorFile:
    """Where the cursor of a type and a tenant is kept."""

    path: Path

    @classmethod
    def of(cls, name: str, tenant: str, using: str) -> "CursorFile":
        """Return the file for a type of data, a tenant's name or nothing, and a database."""
        whole = hashlib.sha256(json.dumps([name, tenant, using]).encode()).hexdigest()[:12]
        words = "-".join(filter(None, (slug(name), slug(tenant), whole)))
        return cls(get_conf().state_path / "exports" / f"{words}.json")

    def read(self) -> Cursor | None:
        """
        Return the cursor; None where nothing was exported yet.

        Raises:
            SystemOpsError: the file is none of ours.
        """
        try:
            found = json.loads(self.path.read_bytes())
            return Cursor(datetime.fromisoformat(found["moment"]), str(found["shape"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise SystemOpsError(
                f"{self.path} is no cursor of an export: remove it, and the next run exports "
                "everything."
            ) from error

    def write(self, cursor: Cursor) -> None:
        """Move on."""
        folder = self.path.parent
        if not folder.exists():
            make_private_directory(folder)
        require_private_directory(folder)
        document = {"moment": cursor.moment.isoformat(), "shape": cursor.shape}
        write_whole(self.path, json.dumps(document).encode())
