"""Where the files of reports go, and what they are called."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django_system_ops.conf import get_conf
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.sealing import make_private_directory, naming_full_disk, write_whole
from django_system_ops.services.reports.documents import Document
from django_system_ops.services.reports.rendering import FORMATS

__all__ = ["Target", "target_of"]

_MOST_TENANT = 120


@dataclass(frozen=True)
class Target:
    """
    Where files go.

    Attributes:
        directory: for files with names of their own.
        file: in place of it, the one file that is asked for.
    """

    directory: Path
    file: Path | None = None

    def path(self, document: Document, form: str) -> Path:
        """Return where a report in a format goes: the same report is always the same file."""
        return self.file or self.directory / f"{_stem(document)}.{form}"

    def write(self, path: Path, content: bytes) -> None:
        """
        Write a file that is its owner's alone, whole or not at all, over the one that was there.

        Raises:
            BackupError: there is no room.
            OSError: the directory cannot be made or written.
        """
        with naming_full_disk(path):
            if not path.parent.exists():
                make_private_directory(path.parent)
        write_whole(path, content)


def target_of(output: str, *, forms: list[str], reports: int) -> Target:
    """
    Return where the files go that ``--output`` asks for; by default into the settings' directory.

    Raises:
        WrongUsageError: it is the name of one file, and there will be several or none of its kind;
            or it is no directory.
    """
    if not output:
        conf = get_conf()
        directory = conf.below_base(conf.reports.directory)
        _require_directory(directory, "MANAGEMENT_COMMANDS['reports']['directory']")
        return Target(directory)
    path = Path(output).absolute()
    suffix = path.suffix.removeprefix(".")
    if suffix in FORMATS and not path.is_dir():
        if forms != [suffix] or reports > 1:
            raise WrongUsageError(
                f"--output {output!r} is one file, and there would be {reports * len(forms)} as "
                f"{', '.join(forms)}. Name a directory, or one report and --format {suffix}."
            )
        return Target(path.parent, path)
    _require_directory(path, f"--output {output!r}")
    return Target(path)


def _require_directory(path: Path, name: str) -> None:
    if path.exists() and not path.is_dir():
        raise WrongUsageError(f"{name} is no directory: {path}.")


def _stem(document: Document) -> str:
    stem = f"{document['type']}_{document['period']['name']}"
    tenant = document["tenant"]
    return stem if tenant is None else f"{stem}_{_file_name(tenant)}"


def _file_name(tenant: str) -> str:
    """Return a tenant's name as part of the name of a file: no other tenant has the same."""
    # What could lead elsewhere, or means something to a shell, as percent signs in UTF-8.
    name = "".join(one if one.isalnum() or one in "-_." else quote(one, safe="") for one in tenant)
    if len(name.encode()) <= _MOST_TENANT:
        return name
    start = name.encode()[:_MOST_TENANT].decode(errors="ignore")
    return f"{start}-{hashlib.sha256(tenant.encode()).hexdigest()[:16]}"
