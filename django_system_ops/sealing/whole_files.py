"""Small files that are there whole or not at all."""

import os
from pathlib import Path

from django_system_ops.sealing.private_files import create_private, sync_directory
from django_system_ops.sealing.stored_files import naming_full_disk

__all__ = ["write_whole"]


def write_whole(path: Path, data: bytes) -> None:
    """Write a small private file whole or not at all, in place of the one that is there."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with naming_full_disk(path):
        try:
            with os.fdopen(create_private(part), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    sync_directory(path.parent)
