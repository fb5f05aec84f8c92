"""A file whose age tells a supervisor that the monitor lives, without starting Django."""

import json
import logging
import os
import time
from pathlib import Path

__all__ = ["LivenessFile"]

logger = logging.getLogger(__name__)

_EVERY_SECONDS = 1.0


class LivenessFile:
    """
    Rewritten at most once a second while the monitor's loop turns; gone after a clean stop.

    ``find /run/monitor.alive -mmin -1 | grep -q .`` is all that a probe needs. The content is one
    line of JSON: ``pid``, ``at`` (seconds since 1970), ``leads`` and ``healthy`` (null before the
    first round).
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._next = float("-inf")
        self._has_failed = False

    def beat(self, *, leads: bool, healthy: bool | None) -> None:
        """Touch the file; a full disk is logged once and stops nothing."""
        if self._path is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY_SECONDS
        facts = {"pid": os.getpid(), "at": round(time.time(), 3), "leads": leads}
        # Renamed into place: whoever reads it never finds half a line.
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            beside.write_text(json.dumps({**facts, "healthy": healthy}), encoding="ascii")
            beside.replace(self._path)
        except OSError as error:
            if not self._has_failed:
                logger.warning("liveness file %s: %s", self._path, error.strerror)
            self._has_failed = True
        else:
            self._has_failed = False

    def remove(self) -> None:
        """Take the file away: this monitor no longer lives."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
