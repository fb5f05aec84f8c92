"""What a process is called among those that share a database, and whether another still lives."""

import getpass
import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path

__all__ = ["is_known_alive", "is_known_dead", "process_name", "user_name"]

_LONGEST_HOST = 100


def process_name() -> str:
    """Return a name that no other process has: host, process namespace, process id, token."""
    host = socket.gethostname()[:_LONGEST_HOST]
    return f"{host}|{_pid_namespace()}|{os.getpid()}|{secrets.token_hex(4)}"


def is_known_dead(name: str) -> bool:
    """Return whether ``name`` was a process here that has ended; False when nobody can say."""
    return _lives(name) is False


def is_known_alive(name: str) -> bool:
    """Return whether a process with the number of ``name`` is here; False when nobody can say."""
    return _lives(name) is True


def _lives(name: str) -> bool | None:
    parts = name.split("|")
    if len(parts) != 4 or parts[:2] != process_name().split("|")[:2]:
        return None
    try:
        # Of this very process nobody knows whether it is the one that had the number before.
        pid = int(parts[2])
        if pid == os.getpid():
            return None
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return None
    return True


def user_name() -> str:
    """Return who runs this process, for records of who did what."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in some containers
        return "an unknown user"


def _pid_namespace() -> str:
    """Return which numbers of processes are meant: containers on one host may share its name."""
    with suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    return ""
