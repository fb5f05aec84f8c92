"""Peers in virtual environments of their own: the newest versions that the index has."""

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = [
    "CELERY",
    "IMPORT_EXPORT",
    "OBAN",
    "PGQUEUER",
    "PROCRASTINATE",
    "TASKS_DB",
    "MissingError",
    "Peer",
]

FOLDER = Path(__file__).resolve().parent.parent / ".venvs"


class MissingError(Exception):
    """Something that a contender needs is not here; the message says what."""


@dataclass(frozen=True)
class Peer:
    """A package and what a Django site on PostgreSQL installs beside it."""

    name: str
    requirements: tuple[str, ...]

    def python(self) -> Path:
        """
        Return the interpreter, installing or upgrading the packages at the first call.

        Raises:
            MissingError: pip could not install them.
        """
        return _installed(self)


PGQUEUER = Peer("pgqueuer", ("pgqueuer", "asyncpg", "uvloop"))
OBAN = Peer("oban", ("oban", "psycopg[binary]", "uvloop"))
PROCRASTINATE = Peer("procrastinate", ("procrastinate", "psycopg[binary]"))
TASKS_DB = Peer("django-tasks-db", ("django-tasks-db", "Django", "psycopg[binary]"))
CELERY = Peer("celery", ("celery[redis]",))
IMPORT_EXPORT = Peer("django-import-export", ("django-import-export", "Django", "psycopg[binary]"))


@cache
def _installed(peer: Peer) -> Path:
    folder = FOLDER / peer.name
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    # One run of all benchmarks upgrades once: the scripts are programs of their own.
    if os.environ.get("BENCH_KEEP_PEERS") != "1":
        _pip_install(peer, python)
    return python


def _pip_install(peer: Peer, python: Path) -> None:
    pip = [str(python), "-m", "pip", "install", "--quiet", "--upgrade"]
    print(f"Installing {peer.name} …", file=sys.stderr, flush=True)
    # Ours is on the path as a checkout, and pip must not take it for installed there.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run(
        [*pip, *peer.requirements], check=False, capture_output=True, text=True, env=env
    )
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["pip failed"])[-1]
        raise MissingError(f"{peer.name} could not be installed: {last}")
