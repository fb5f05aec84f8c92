"""What can go wrong in the outbox, and who can mend it."""

__all__ = [
    "EnqueueError",
    "HandlerConflictError",
    "OutboxError",
    "SetupError",
    "UnknownJobTypeError",
]


class OutboxError(Exception):
    """Base of everything that this app raises on purpose."""


class EnqueueError(OutboxError, ValueError):
    """The job cannot be stored as it is; the caller of ``enqueue`` mends it."""


class HandlerConflictError(OutboxError):
    """Two functions claim one job type; the developer renames one."""


class UnknownJobTypeError(OutboxError):
    """No handler is registered for a job; the developer adds it or the deployment is half done."""


class SetupError(OutboxError):
    """The worker cannot start on this database; the operator runs ``migrate``."""
