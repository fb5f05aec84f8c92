"""What goes wrong, by name."""

__all__ = [
    "BackupError",
    "BadRowError",
    "CutOffError",
    "DamagedError",
    "FormatError",
    "KeyFileError",
    "LockHeldError",
    "LockLostError",
    "NotTriedError",
    "ReorderedError",
    "SealError",
    "SystemOpsError",
    "TenantMoveError",
    "WrongKeyError",
    "WrongUsageError",
]


class SystemOpsError(Exception):
    """The parent of all errors of this app; its text is a sentence for the operator."""


class WrongUsageError(SystemOpsError):
    """What was asked for cannot be; nothing was done, and whoever asked can mend it."""


class LockHeldError(SystemOpsError):
    """Another run of the command is at work; its holder is named."""


class LockLostError(SystemOpsError):
    """The lock of this run has gone to another: it has to stop where it is."""


class FormatError(SystemOpsError):
    """
    A file is not what its format says, and cannot be read or written further.

    Attributes:
        reason: what is wrong, a sentence without a line.
        line: the line, from 1, where it is known; else None.
    """

    def __init__(self, reason: str, *, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"Line {line}: {reason}")
        self.reason, self.line = reason, line


class BadRowError(SystemOpsError):
    """
    A row cannot go to another version; nothing of its batch was changed.

    Attributes:
        pk: its primary key; None where it is known only that one of the batch is to blame.
        reason: what is wrong with it, without a full stop.
    """

    def __init__(self, pk: object, reason: str) -> None:
        super().__init__(f"row {pk}: {reason}" if pk is not None else reason)
        self.pk, self.reason = pk, reason


class BackupError(SystemOpsError):
    """A backup could not be made, read or restored; what was there before is as it was."""


class NotTriedError(BackupError):
    """A backup could not be looked at for want of something here; it may well be whole."""


class KeyFileError(NotTriedError):
    """The key file is missing, is none, or may be read by others."""


class SealError(BackupError):
    """A sealed file cannot be opened; the children say why."""


class WrongKeyError(SealError, NotTriedError):
    """It was sealed with another key."""


class CutOffError(SealError):
    """Its end is missing."""


class ReorderedError(SealError):
    """Its parts are whole, but not where they were."""


class DamagedError(SealError):
    """A byte of it is not what it was, or something was added."""


class TenantMoveError(SystemOpsError):
    """Data cannot go from one tenant to the other; its text names the row and the way out."""
