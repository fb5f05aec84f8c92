"""What goes wrong, by name."""

__all__ = [
    "AmbiguousNetworkError",
    "CancelledError",
    "ChangedMeanwhileError",
    "InputError",
    "NetworkHcError",
    "NotReadyError",
    "OlderReportError",
    "ScriptError",
    "SessionLockedError",
    "SessionLostError",
    "UndoError",
    "UnknownNetworkError",
    "UnknownSessionError",
]


class NetworkHcError(Exception):
    """The parent of all errors of this app."""


class InputError(NetworkHcError):
    """
    A file is not what it should be; whoever sends it can mend it.

    Attributes:
        file: its name.
        sheet: within it; "" for none.
        row: as the program that made it counts them, from 1; None for the whole sheet.
        column: its header; "" for the whole row.
        problem: what is wrong, and the way out.
    """

    def __init__(
        self, file: str, problem: str, *, sheet: str = "", row: int | None = None, column: str = ""
    ) -> None:
        places = [
            file,
            f"sheet {sheet!r}" if sheet else "",
            f"row {row}" if row is not None else "",
            f"column {column!r}" if column else "",
        ]
        super().__init__(f"{', '.join(one for one in places if one)}: {problem}")
        self.file, self.sheet, self.row, self.column = file, sheet, row, column
        self.problem = problem


class UnknownNetworkError(NetworkHcError):
    """There is no network of this name; whoever asks can mend it."""


class AmbiguousNetworkError(NetworkHcError):
    """
    A name is that of several networks; whoever asks says which.

    Attributes:
        names: of the networks, each as customer/network.
    """

    def __init__(self, name: str, names: list[str]) -> None:
        super().__init__(f"{name!r} has several networks; say which: {', '.join(names)}.")
        self.names = names


class UnknownSessionError(NetworkHcError):
    """There is no session of this id, or none that this can be done with."""


class NotReadyError(NetworkHcError):
    """A network lacks files that a health check needs; whoever runs it puts them there."""


class OlderReportError(NetworkHcError):
    """A report is older than one that the network has: they are run in the order of their days."""


class ScriptError(NetworkHcError):
    """The site's own script did not do what it is there for; whoever keeps it mends it."""


class SessionLockedError(NetworkHcError):
    """Another session of the network is at work; later it may go."""


class SessionLostError(NetworkHcError):
    """Another process took this session for dead, and has it now."""


class ChangedMeanwhileError(NetworkHcError):
    """Somebody has opened or closed cases by hand while a session worked; it can be run again."""


class CancelledError(NetworkHcError):
    """Somebody wanted the session to end."""


class UndoError(NetworkHcError):
    """What a session did cannot be taken back any more; nothing was changed."""
