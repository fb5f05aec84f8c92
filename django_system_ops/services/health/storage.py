"""The storage of uploads: what is written there can be read and deleted."""

import secrets
from collections.abc import Iterator
from functools import partial

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, default_storage

from django_system_ops.conf.health import HealthSettings
from django_system_ops.engine.findings import Finding, State
from django_system_ops.services.health.probes import CannotAskError, Probe

__all__ = ["probes"]


def probes(_conf: HealthSettings) -> Iterator[Probe]:
    """Yield the one for the default storage."""
    yield Probe("storage", "storage", partial(_ask, default_storage))


def _ask(storage: Storage, _seconds: float) -> Finding:
    # Without one Django would take the current directory.
    if isinstance(storage, FileSystemStorage) and not storage.base_location:
        raise CannotAskError("MEDIA_ROOT is not set")
    written = secrets.token_hex(16).encode()
    # The storage chooses the name in the end; it is that file which is deleted.
    name = storage.save(f"opskit-health-{secrets.token_hex(8)}.txt", ContentFile(written))
    try:
        with storage.open(name) as file:
            read = file.read()
    finally:
        storage.delete(name)
    if read != written:
        return Finding(State.FAIL, "what was written is not what was read")
    return Finding(State.OK, "writes, reads and deletes")
