"""What is wrong with the settings of backups."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from django_system_ops.conf import get_conf
from django_system_ops.exceptions import SystemOpsError
from django_system_ops.sealing import read_key_file
from django_system_ops.services.backups.keys import key_file
from django_system_ops.services.backups.programs import program
from django_system_ops.services.backups.restic.repository import Repository

__all__ = ["check_backup"]

_SITES_OWN = ("default", "staticfiles")
_PUBLIC = ("MEDIA_ROOT", "STATIC_ROOT")


def check_backup(**_kwargs: object) -> list[CheckMessage]:
    """
    Return what is wrong with ``MANAGEMENT_COMMANDS["backup"]`` beyond the types of its values.

    E010: the backups, or their key, lie where the web server hands out files. E012: their copies go
    to a storage that does not exist, or holds the site's own files. E013: they are in a repository
    of restic, and copies were to go to a storage. W010: backups are scheduled,
    and there is no key. W011: the key file cannot be used by this user. W012: the key lies among
    the backups that it opens. W013: copies go elsewhere without encryption. W014: backups are for
    recipients of age, and that program is not there. W015: restic is not there, or the file of its
    password cannot be used by this user.
    """
    try:
        return list(_found())
    except ImproperlyConfigured:
        return []  # E001 to E003 say so


def _found() -> Iterator[CheckMessage]:
    conf = get_conf()
    yield from _public_found()
    yield from _storage_found(conf.backup.storage)
    if (repository := Repository.configured()) is not None:
        yield from _restic_found(repository)
    elif conf.backup.encryption and conf.backup.recipients:
        yield from _age_found()
    elif conf.backup.encryption:
        yield from _key_found()


def _public_found() -> Iterator[CheckMessage]:
    places = {"backups are": get_conf().backup_path, **_restic_places()}
    if (key := key_file()) is not None:
        places["key of the backups is"] = key
    for name in _PUBLIC:
        public = getattr(settings, name, None)
        for what, path in places.items():
            if public and path.is_relative_to(Path(public).absolute()):
                yield Error(
                    f"The {what} in {path}, below {name}, which the web server hands out.",
                    hint="Set MANAGEMENT_COMMANDS['backup'] to places outside of it.",
                    id="django_system_ops.E010",
                )


def _key_found() -> Iterator[CheckMessage]:
    conf, key = get_conf(), key_file()
    if key is None:
        if any(one.command == "backup_data" for one in conf.schedule.values()):
            yield Warning(
                "backup_data is scheduled, and will fail: backups are encrypted, and there is no "
                "key.",
                hint="Make one with ops_keygen, and set MANAGEMENT_COMMANDS['backup']['key_file'].",
                id="django_system_ops.W010",
            )
        return
    try:
        read_key_file(key)
    except SystemOpsError as error:
        # The user of the web server need not be the one who makes the backups.
        yield Warning(str(error), id="django_system_ops.W011")
    if key.is_relative_to(conf.backup_path):
        yield Warning(
            f"The key {key} lies among the backups: who takes them has it too.",
            hint="Move it elsewhere.",
            id="django_system_ops.W012",
        )


def _restic_places() -> dict[str, Path]:
    conf = get_conf()
    restic = conf.backup.restic
    if not restic.repository:
        return {}
    found = {"password of the backups is": conf.below_base(restic.password_file)}
    if Path(restic.repository).is_absolute():
        found["repository of the backups is"] = Path(restic.repository)
    return found


def _restic_found(repository: Repository) -> Iterator[CheckMessage]:
    if alias := get_conf().backup.storage:
        yield Error(
            f"MANAGEMENT_COMMANDS['backup'] has a repository of restic, and copies that go to "
            f"{alias!r}: what is in the repository has none.",
            hint="Leave one of them out.",
            id="django_system_ops.E013",
        )
    try:
        program("restic")
        repository.require_password()
    except SystemOpsError as error:
        # The user of the web server need not be the one who makes the backups.
        yield Warning(str(error), id="django_system_ops.W015")


def _storage_found(alias: str) -> Iterator[CheckMessage]:
    if not alias:
        return
    setting = f"MANAGEMENT_COMMANDS['backup']['storage'] is {alias!r}"
    if alias not in settings.STORAGES:
        yield Error(
            f"{setting}, and STORAGES has only {', '.join(settings.STORAGES)}.",
            hint="Name one of them, or add it.",
            id="django_system_ops.E012",
        )
    elif alias in _SITES_OWN:
        yield Error(
            f"{setting}, which holds the site's own files and hands them out.",
            hint="Add a storage to STORAGES that only the backups use.",
            id="django_system_ops.E012",
        )
    elif not get_conf().backup.encryption:
        yield Warning(
            f"{setting}, and backups are not encrypted: whoever may read it has all data.",
            hint="Set MANAGEMENT_COMMANDS['backup']['encryption'] to True.",
            id="django_system_ops.W013",
        )


def _age_found() -> Iterator[CheckMessage]:
    try:
        program("age")
    except SystemOpsError as error:
        yield Warning(
            f"MANAGEMENT_COMMANDS['backup']['recipients'] needs age: {error}",
            id="django_system_ops.W014",
        )
