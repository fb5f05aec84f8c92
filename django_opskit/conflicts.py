"""Two transactions that want the same rows: which errors of a database say so."""

__all__ = ["is_conflict"]

# One of the two has to begin again, or to wait. PostgreSQL: serialization_failure,
# deadlock_detected, lock_not_available. MariaDB and MySQL: deadlock, lock wait timeout, record
# has changed.
_CONFLICTS = ("40001", "40P01", "55P03", 1213, 1205, 1020)


def is_conflict(error: Exception) -> bool:
    """Say whether ``error`` passes when the other transaction is over, or at the next try."""
    code = getattr(error.__cause__, "sqlstate", None) or next(iter(error.args), None)
    return code in _CONFLICTS
