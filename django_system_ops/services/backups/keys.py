"""The key of the site's backups."""

from pathlib import Path

from django_system_ops.conf import get_conf
from django_system_ops.exceptions import KeyFileError, SystemOpsError
from django_system_ops.sealing import Key, new_key, read_key_file

__all__ = ["key_file", "key_for_reading", "key_for_writing"]


def key_file() -> Path | None:
    """Return where the settings say that the key is."""
    conf = get_conf()
    return conf.below_base(conf.backup.key_file) if str(conf.backup.key_file) else None


def key_for_writing() -> Key | None:
    """
    Return the key that new backups are sealed with; None where the site wants none.

    Raises:
        KeyFileError: the site wants them sealed, and there is no key. Nothing is written then.
    """
    if not get_conf().backup.encryption:
        return None
    if get_conf().backup.recipients:
        return new_key()  # which the recipients get, and nobody else
    path = key_file()
    if path is None:
        raise KeyFileError(
            "Backups are encrypted, and there is no key yet. Make one with `manage.py ops_keygen "
            "--output /etc/backup.key`, keep a copy elsewhere, and set "
            "MANAGEMENT_COMMANDS['backup']['key_file'] to its path. (To do without encryption, "
            "set MANAGEMENT_COMMANDS['backup']['encryption'] to False.)"
        )
    return read_key_file(path)


def key_for_reading(*, required: bool) -> Key | None:
    """
    Return the key that there is; None where there is none.

    Raises:
        KeyFileError: it is ``required`` and cannot be read.
    """
    path = key_file()
    if path is None:
        return None
    try:
        return read_key_file(path)
    except SystemOpsError:
        if required:
            raise
        return None
