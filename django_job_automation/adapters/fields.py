"""What the fields of an integrator's models are called."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

__all__ = ["JobFields", "ReadingFields", "SiteFields", "moment_of"]


@dataclass(frozen=True)
class SiteFields:
    """
    Fields of the site's model; None where there is no such thing.

    Attributes:
        key: what people call the site; unique.
        label: its name.
        is_active: false for a site that no rule looks at.
        commissioned_at: since when it is there.
        snoozed_until: until when no rule looks at it.
        group: what it can be compared with, and set something for.
        capacity: what it can count at most, in any unit that is the same for its group.
    """

    key: str
    label: str | None = None
    is_active: str | None = None
    commissioned_at: str | None = None
    snoozed_until: str | None = None
    group: str | None = None
    capacity: str | None = None


@dataclass(frozen=True)
class ReadingFields:
    """Fields of the reading's model: a foreign key to the site, a moment, and a number or NULL."""

    site: str
    at: str
    value: str


@dataclass(frozen=True)
class JobFields:
    """
    Fields of the job's model.

    Attributes:
        site: a foreign key to the site.
        type: a text.
        status: a text; which of its values are open ones, the adapter says.
        created_at: a moment, set by the model or its database.
        description: a text.
    """

    site: str
    type: str
    status: str
    created_at: str
    description: str | None = None


def moment_of(value: date | datetime | None) -> datetime | None:
    """Return a moment; of a day, as an integrator's field may hold it, its beginning in UTC."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.combine(value, time.min, tzinfo=UTC)
