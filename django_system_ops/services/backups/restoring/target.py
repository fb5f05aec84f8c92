"""What a restored database is to become."""

from dataclasses import dataclass

__all__ = ["Target"]


@dataclass(frozen=True)
class Target:
    """
    What becomes of a restored database; nothing, if neither is said: then it was a trial.

    Attributes:
        backup: the id of the backup.
        into: the name that it gets, or the path of a file.
        into_live: whether it takes the place of the live one.
        disconnect_others: whether who is connected to the live one is thrown out.
        with_owners: whether everything belongs to whom it belonged.
    """

    backup: str
    into: str = ""
    into_live: bool = False
    disconnect_others: bool = False
    with_owners: bool = True
