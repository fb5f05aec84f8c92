"""``MANAGEMENT_COMMANDS["optimize"]``."""

from pydantic import Field

from django_opskit.conf import SettingsModel

__all__ = ["OptimizeSettings"]


class OptimizeSettings(SettingsModel):
    """What optimize_database looks at."""

    lock_timeout_seconds: float = Field(
        5,
        gt=0,
        le=3600,
        description="How long a statement may wait for a lock, unless --lock-timeout says; the "
        "site's own queries queue behind one that waits.",
    )
    idle_minutes: float = Field(
        10,
        ge=0,
        description="After how long a transaction in which nothing happens is taken for orphaned.",
    )
    slow_queries: int = Field(10, ge=1, le=100, description="How many --slow-queries lists.")
    dead_rows_percent: float = Field(
        20,
        gt=0,
        le=100,
        description="From how many dead rows, in percent of the living, a table is worth a line; "
        "those with fewer than 1000 never are.",
    )
    used_up_percent: float = Field(
        70,
        gt=0,
        le=100,
        description="From how much of its numbers used up a sequence or a key is worth a line.",
    )
    vacuum_free_factor: float = Field(
        2,
        ge=1,
        description="How many times the size of a SQLite file has to be free for VACUUM, which "
        "writes the database anew twice.",
    )
