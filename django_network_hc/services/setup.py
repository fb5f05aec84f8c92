"""The script directory, made ready: its directories, the templates, and a network's first files."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from django_network_hc.conf import get_conf
from django_network_hc.models import Network
from django_network_hc.services.folders import ScriptFolder, publish, script_folder, sync
from django_network_hc.workbooks.templates import (
    write_ignored_findings,
    write_ignored_tests,
    write_tracker_template,
)

__all__ = ["Preparation", "begin_network", "prepare"]

_WRITERS: tuple[Callable[[Path], None], ...] = (
    write_tracker_template,
    write_ignored_tests,
    write_ignored_findings,
)


@dataclass
class Preparation:
    """
    What the directory has, and what it lacked.

    Attributes:
        created: directories and templates that were not there.
        found: those that were.
        missing: what this app cannot make, and why it is wanted.
    """

    folder: ScriptFolder
    created: list[Path] = field(default_factory=list)
    found: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def prepare(*, dry_run: bool = False) -> Preparation:
    """
    Make the directories and the templates that are missing.

    Raises:
        OSError: one of them cannot be made.
    """
    folder, conf = script_folder(), get_conf()
    done = Preparation(folder)
    for path in (folder.root, *(folder.inside(one) for one in folder.DIRECTORIES)):
        _note(done, path)
        if not dry_run:
            path.mkdir(parents=True, exist_ok=True)
    for path, write in zip(folder.templates, _WRITERS, strict=True):
        if not _note(done, path) and not dry_run:
            _write(path, write)
    if conf.ENGINE == "script" and not folder.inside("main.py").is_file():
        done.missing.append(
            f"main.py is missing in {str(folder.root)!r}, which ENGINE = 'script' runs."
        )
    return done


def begin_network(network: Network, *, dry_run: bool = False) -> list[Path]:
    """
    Write those of a network's three files from the templates that are missing; return them.

    Raises:
        OSError: one of them cannot be written.
    """
    folder = script_folder()
    pairs = zip(folder.templates, folder.required(network.name), strict=True)
    missing = [(template, path) for template, path in pairs if not path.exists()]
    if not dry_run:
        for template, path in missing:
            publish(template, path)
    return [path for _template, path in missing]


def _note(done: Preparation, path: Path) -> bool:
    exists = path.exists()
    (done.found if exists else done.created).append(path)
    return exists


def _write(path: Path, write: Callable[[Path], None]) -> None:
    """Write a template beside its place, and put it there when it is complete."""
    draft = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        write(draft)
        sync(draft)
        # Unless somebody has put one there meanwhile: theirs counts.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        with suppress(OSError):
            draft.unlink()
