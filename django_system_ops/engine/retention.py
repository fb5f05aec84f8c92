"""Which backups may go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["Kept", "expired"]


@dataclass(frozen=True)
class Kept:
    """
    A complete backup.

    Attributes:
        created_at: aware.
        parts: what is in it, such as "database default" or "media". Of each there is always one.
        is_verified: whether the last look at it found it whole.
        needs: ids of other backups without which it cannot be restored.
        is_bad: whether a look at it found it damaged; it stands for no other then.
    """

    id: str
    created_at: datetime
    parts: frozenset[str]
    is_verified: bool
    needs: frozenset[str] = frozenset()
    is_bad: bool = False


def expired(
    backups: Iterable[Kept], *, now: datetime, days: int, newest: int | None = None
) -> tuple[str, ...]:
    """
    Return the ids of the backups that may go, oldest first.

    Those older than ``days`` go; or, with ``newest``, all but so many of the newest ones of each
    part, whatever their age. The newest and the newest verified one of each part never go, nor
    does what one of those that stay needs; one that is bad counts only where there is no other.
    """
    ordered = sorted(backups, key=lambda one: (one.created_at, one.id), reverse=True)
    limit = now - timedelta(days=days)
    staying = {one.id for one in ordered if newest is None and one.created_at >= limit}
    for part in {part for one in ordered for part in one.parts}:
        having = [one for one in ordered if part in one.parts]
        having = [one for one in having if not one.is_bad] or having
        verified = [one for one in having if one.is_verified]
        staying |= {one.id for one in (*having[: newest or 1], *verified[:1])}
    staying |= _needed(ordered, staying)
    return tuple(one.id for one in reversed(ordered) if one.id not in staying)


def _needed(backups: Sequence[Kept], staying: set[str]) -> set[str]:
    needs = {one.id: one.needs for one in backups}
    found: set[str] = set()
    open_ends = list(staying)
    while open_ends:
        new = needs.get(open_ends.pop(), frozenset()) - found
        found |= new
        open_ends += new
    return found
