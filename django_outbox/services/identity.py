"""The name under which a worker holds its jobs."""

import os
import secrets
import socket

__all__ = ["worker_name"]


def worker_name() -> str:
    """
    Return a name that no other worker has had: host, process and chance, 64 characters at most.

    Chance, since a restarted container has the host name and the process id of the one before.
    """
    # The kernel takes any bytes for a host's name, and a database does not.
    host = socket.gethostname().encode("ascii", "backslashreplace").decode()
    return f"{host[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
