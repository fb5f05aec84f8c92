"""What can go wrong in a synchronisation, and who can put it right."""

from timetracker.exceptions import TimetrackerError

__all__ = [
    "AnswerError",
    "CredentialsError",
    "FetchError",
    "GuardError",
    "OriginError",
    "SourceError",
    "SyncBusyError",
    "SyncError",
    "SyncLostError",
    "UnreachableError",
]


class SyncError(TimetrackerError):
    """A synchronisation that did not happen; nothing was written to the tasks."""


class SourceError(SyncError):
    """The source cannot be used as configured: for whoever wrote the setting or the option."""


class SyncBusyError(SyncError):
    """Another synchronisation of this source runs: try again later."""


class SyncLostError(SyncError):
    """This run was so slow that another took its place: look at what kept it."""


class GuardError(SyncError):
    """More tasks would be deactivated than is believable: for whoever knows the source."""


class FetchError(SyncError):
    """The task list could not be read completely."""


class UnreachableError(FetchError):
    """The source did not answer, or kept failing: it may work later."""


class CredentialsError(FetchError):
    """The source or its token server refused the credentials: for whoever issued them."""


class OriginError(FetchError):
    """The source pointed to another server, where our credentials do not belong."""


class AnswerError(FetchError):
    """An answer that breaks the contract: for whoever runs the source."""
