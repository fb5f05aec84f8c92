"""A full disk, as a sentence."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django_system_ops.exceptions import SystemOpsError

__all__ = ["naming_full_disk"]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def naming_full_disk(path: Path, way_out: str) -> Iterator[None]:
    """Turn the errors of a full disk into a sentence with the path, and with what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise SystemOpsError(f"No room for {path}: {error.strerror}. {way_out}") from error
