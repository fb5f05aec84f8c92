"""What can go wrong in the outbox, and who can mend it."""

__all__ = [
    "EnqueueError",
    "FailNow",
    "HandlerConflictError",
    "HandlerProcessError",
    "HandlerResultError",
    "HandlerTimeoutError",
    "LeaseLost",
    "OutboxError",
    "PayloadError",
    "SetupError",
    "Snooze",
    "UnknownJobTypeError",
    "WorkerStoppedError",
]

# A century: later moments do not fit into every database.
_LONGEST_SNOOZE_SECONDS = 100 * 366 * 86_400


class OutboxError(Exception):
    """Base of everything that this app raises on purpose."""


class EnqueueError(OutboxError, ValueError):
    """The job cannot be stored as it is; the caller of ``enqueue`` mends it."""


class HandlerConflictError(OutboxError):
    """Two functions claim one job type; the developer renames one."""


class UnknownJobTypeError(OutboxError):
    """No handler is registered for a job; the developer adds it or the deployment is half done."""


class PayloadError(OutboxError):
    """A stored payload no longer fits its handler's type; the developer lets the type accept it."""


class SetupError(OutboxError):
    """The worker cannot start on this database; the operator runs ``migrate``."""


class LeaseLost(OutboxError):  # noqa: N818  # published, and a fact more than a mistake
    """The attempt is void: another worker may have the job by now. The handler stops."""


class FailNow(OutboxError):  # noqa: N818  # a handler's order
    """Raised by a handler: no further attempt will help, so the job is FAILED at once."""


class Snooze(OutboxError):  # noqa: N818  # a handler's order
    """
    Raised by a handler: come back in ``seconds``; this attempt does not count.

    Nothing is noted as an error. A job may be snoozed any number of times.
    """

    def __init__(self, seconds: float) -> None:
        if not 0 <= seconds <= _LONGEST_SNOOZE_SECONDS:
            raise ValueError(f"seconds must be from 0 to {_LONGEST_SNOOZE_SECONDS}, got {seconds}")
        super().__init__(seconds)
        self.seconds = float(seconds)


class HandlerTimeoutError(OutboxError):
    """A handler ran longer than its ``timeout_seconds`` and was ended."""


class HandlerProcessError(OutboxError):
    """The process of a ``process=True`` handler died, or could not start."""


class HandlerResultError(OutboxError, ValueError):
    """What a ``keep_result=True`` handler returned cannot be stored; the developer mends it."""


class WorkerStoppedError(OutboxError):
    """The worker was stopped, and the handler was not done when its grace period was over."""
