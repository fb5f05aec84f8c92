"""What can go wrong in health monitoring, and who can mend it."""

__all__ = [
    "CheckSetupError",
    "DjangoHealthCheckJobError",
    "LeaseLostError",
    "PayloadError",
    "SpoolError",
]


class DjangoHealthCheckJobError(Exception):
    """Base of everything that this app raises on purpose; by itself: a setting is missing."""


class CheckSetupError(DjangoHealthCheckJobError):
    """A check cannot be found or made; whoever wrote the setting mends it."""


class LeaseLostError(DjangoHealthCheckJobError):
    """Another monitor leads by now; what this one has measured since is not to be written."""


class PayloadError(DjangoHealthCheckJobError, ValueError):
    """A payload is not what was published; its sender mends it. Nothing of it was stored."""


class SpoolError(DjangoHealthCheckJobError):
    """Results cannot be kept in the spool folder; the operator frees space or names another."""
