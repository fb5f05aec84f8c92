"""A repository of restic: its snapshots, and the program that knows how they are stored."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Any

from django_system_ops.conf import get_conf
from django_system_ops.exceptions import BackupError, NotTriedError
from django_system_ops.services.backups.programs import (
    finished,
    program,
    read_from,
    reading_from,
    writing_to,
)

__all__ = ["Kept", "Repository", "Snapshot"]

_OURS = "django-opskit"
# Some files could not be read; the others are in the snapshot.
_INCOMPLETE = 3
# How long others may be in the repository before what needs it alone gives up.
_WAIT_SECONDS = 60


@dataclass(frozen=True)
class Snapshot:
    """
    A snapshot of ours.

    Attributes:
        tags: without the one that says that it is ours.
        path: the file or directory that it is of.
    """

    id: str
    tags: tuple[str, ...]
    path: str


@dataclass(frozen=True)
class Kept:
    """
    What became of a directory.

    Attributes:
        files, bytes: all that are in the snapshot.
        new_files, new_bytes: files that were not in the one before, and what all took as stored.
        problems: files that could not be read.
    """

    files: int
    bytes: int
    new_files: int
    new_bytes: int
    problems: Sequence[str]


class Repository:
    """
    The repository that the settings name.

    Its name may hold a password, and goes to restic in the environment, as the file of the
    repository's own does. What else restic needs, such as the keys of a cloud, it finds in the
    environment of this process.
    """

    def __init__(self, repository: str, password_file: Path) -> None:
        self.name = repository
        self._environment = {
            "RESTIC_REPOSITORY": repository,
            "RESTIC_REPOSITORY_FILE": "",
            "RESTIC_PASSWORD_FILE": str(password_file),
            "RESTIC_PROGRESS_FPS": "0.01",
        }

    @classmethod
    def configured(cls) -> "Repository | None":
        """Return the site's; None where it has none."""
        conf = get_conf()
        restic = conf.backup.restic
        if not restic.repository:
            return None
        return cls(restic.repository, conf.below_base(restic.password_file))

    def require_password(self) -> None:
        """
        Do nothing if the file of the password is there, and this user's alone.

        Raises:
            NotTriedError: it is not; says what to do.
        """
        path = Path(self._environment["RESTIC_PASSWORD_FILE"])
        try:
            mode = path.stat().st_mode
            is_readable = os.access(path, os.R_OK)
        except OSError as error:
            raise NotTriedError(
                f"The password of the repository cannot be read from {path}: {error.strerror}."
            ) from error
        if not is_readable:
            raise NotTriedError(f"The password of the repository in {path} is not this user's.")
        if mode & 0o077:
            raise NotTriedError(
                f"The password of the repository in {path} can be read by others: run chmod 600 "
                f"{path}."
            )

    def snapshots(self, *tags: str) -> list[Snapshot]:
        """
        Return those of ours that have all of these tags, oldest first.

        Raises:
            NotTriedError: there is no such repository, or it has another password.
            BackupError: restic failed otherwise.
        """
        self.require_password()
        try:
            done = finished(self._command("snapshots", "--tag", _tagged(*tags)), self._environment)
        except BackupError as error:
            raise NotTriedError(self._explained(str(error))) from error
        found = sorted(json.loads(done.output) or [], key=lambda one: str(one["time"]))
        return [
            Snapshot(
                one["id"],
                tuple(tag for tag in one["tags"] if tag != _OURS),
                one["paths"][0],
            )
            for one in found
        ]

    def receiving(
        self, name: str, *tags: str
    ) -> AbstractContextManager[Callable[[bytes | memoryview], None]]:
        """
        Yield what takes the content of a file; its snapshot is there when the block ended well.

        Raises:
            BackupError: restic failed; then there is none.
        """
        command = self._command("backup", "--tag", _tagged(*tags), "--stdin")
        return writing_to([*command, "--stdin-filename", name], self._environment)

    def keep_directory(self, path: Path, *tags: str, check: Callable[[], None]) -> Kept:
        """
        Make a snapshot of a directory.

        Raises:
            BackupError: restic failed; then there is none.
        """
        command = self._command("backup", "--tag", _tagged(*tags), "--", str(path))
        done = finished(command, self._environment, good=(0, _INCOMPLETE), check=check)
        problems = [_problem(one) for one in _documents(done.errors)]
        summary = next(
            one for one in _documents(done.output) if one.get("message_type") == "summary"
        )
        if done.status == _INCOMPLETE and not any(problems):
            problems.append("Some files could not be read; restic did not say which.")
        return Kept(
            files=summary["total_files_processed"],
            bytes=summary["total_bytes_processed"],
            new_files=summary["files_new"] + summary["files_changed"],
            new_bytes=summary["data_added"],
            problems=[one for one in problems if one],
        )

    def read(self, snapshot: Snapshot, sink: Callable[[memoryview], object]) -> None:
        """
        Give ``sink`` the file of a snapshot.

        Raises:
            BackupError: restic failed, such as on a damaged repository.
        """
        command = self._command("dump", snapshot.id, snapshot.path)
        read_from(command, self._environment, sink)

    @contextmanager
    def opened_archive(self, snapshot: Snapshot) -> Iterator[RawIOBase]:
        """Yield the tar archive that restic makes of a directory; see :meth:`read`."""
        command = self._command("dump", snapshot.id, snapshot.path)
        with reading_from(command, self._environment) as pipe:
            yield pipe

    def add_tags(self, snapshot: Snapshot, *tags: str, instead_of: Sequence[str] = ()) -> None:
        """Change what a snapshot is tagged with; its id is another one then."""
        words = [part for tag in tags for part in ("--add", tag)]
        words += [part for tag in instead_of for part in ("--remove", tag)]
        self._alone("tag", *words, snapshot.id)

    def forget(self, ids: Sequence[str], check: Callable[[], None]) -> None:
        """Remove snapshots, and what no other one needs."""
        self._alone("forget", "--prune", *ids, check=check)

    def check(self, check: Callable[[], None]) -> None:
        """
        Let restic look whether the repository is whole, but for the contents of files.

        Raises:
            BackupError: it is not.
        """
        self._alone("check", check=check)

    def _alone(self, *words: str, check: Callable[[], None] = lambda: None) -> None:
        """Run what wants the repository for itself, once those who are in it are out."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            # Takes away the locks of those alone who are dead.
            finished([program("restic"), "unlock", "--quiet"], self._environment, check=check)
            try:
                finished(self._command(*words), self._environment, check=check)
                return
            except BackupError as error:
                # Such as a program that goes on a little when its run was killed.
                if "already locked" not in str(error) or time.monotonic() > deadline:
                    raise
            check()
            time.sleep(1)

    def _command(self, name: str, *arguments: str) -> list[str]:
        return [program("restic"), "--quiet", "--json", name, *arguments]

    def _explained(self, words: str) -> str:
        if "Is there a repository" not in words:
            return words
        file = self._environment["RESTIC_PASSWORD_FILE"]
        return (
            f"{words} If there is none yet, make it: restic --password-file {file} "
            "--repo REPOSITORY init."
        )


def _tagged(*tags: str) -> str:
    return ",".join((_OURS, *tags))


def _documents(lines: bytes) -> Iterator[dict[str, Any]]:
    for line in lines.splitlines():
        with suppress(ValueError):
            if isinstance(document := json.loads(line), dict):
                yield document


def _problem(document: dict[str, Any]) -> str:
    if document.get("message_type") != "error":
        return ""
    error = document.get("error") or {}
    number = error.get("Err")
    words = os.strerror(number) if isinstance(number, int) else error.get("message")
    words = words or "it cannot be read"
    return f"{document.get('item', '?')}: {words}"
