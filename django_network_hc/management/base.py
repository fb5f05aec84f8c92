"""What the commands have in common: networks by name, errors as sentences, tables."""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from django.core.management.base import CommandError, CommandParser

from django_network_hc.exceptions import (
    AmbiguousNetworkError,
    CancelledError,
    NetworkHcError,
    SessionLockedError,
    UnknownNetworkError,
    UnknownSessionError,
)
from django_network_hc.models import Network
from django_network_hc.services.networks import find_networks
from django_opskit.commands import ExitStatus, LockHeldError, OpsCommand, UsageError

__all__ = ["NetworkCommand", "table"]


class NetworkCommand(OpsCommand):
    """Says what went wrong in one sentence, with the status that the shell is told."""

    #: Whether ``--network`` has to be given.
    needs_network: ClassVar[bool] = False

    def add_network(self, parser: CommandParser) -> None:
        """Add ``--network``."""
        parser.add_argument(
            "--network",
            metavar="NAME",
            required=self.needs_network,
            help="The network, by its name, as customer/network, or by a customer who has one.",
        )

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Turn the app's errors into those of a command."""
        try:
            yield
        except SessionLockedError as error:
            raise LockHeldError(str(error)) from error
        except (AmbiguousNetworkError, UnknownNetworkError, UnknownSessionError) as error:
            raise UsageError(str(error)) from error
        except CancelledError as error:
            raise CommandError(str(error), returncode=ExitStatus.FAILED) from error
        except NetworkHcError as error:
            raise CommandError(str(error), returncode=ExitStatus.FAILED) from error
        except OSError as error:
            place = f" ({error.filename})" if error.filename else ""
            raise CommandError(
                f"{error.strerror or error}{place}.", returncode=ExitStatus.FAILED
            ) from error

    def one_network(self, name: str) -> Network:
        """Return the network that a name means."""
        return find_networks(name)[0]


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return a table as lines, its columns as wide as they have to be, figures to the right."""
    cells = [[("-" if cell is None else str(cell)) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(head, *cells, strict=True)]
    right = [
        bool(rows) and all(isinstance(row[at], int | float) or row[at] is None for row in rows)
        for at in range(len(head))
    ]
    lines = [list(head), ["-" * width for width in widths], *cells]
    return [
        "  ".join(
            _padded(cell, width, to_right=side)
            for cell, width, side in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    ]


def _padded(cell: str, width: int, *, to_right: bool) -> str:
    blanks = " " * (width - _width(cell))
    return blanks + cell if to_right else cell + blanks


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )
