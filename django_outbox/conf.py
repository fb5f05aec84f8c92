"""The settings of django_outbox; the only module that reads them."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from django_opskit.conf import AppSettings, SettingsModel

__all__ = ["OutboxSettings", "QueueSettings", "get_conf"]

_SMALLINT_MAX = 32_767


class QueueSettings(SettingsModel):
    """One queue of ``OUTBOX["QUEUES"]``."""

    ON_SUCCESS: Literal["keep", "delete"] = Field(
        "keep", description="What becomes of the row of a job that succeeded."
    )
    KEEP_DAYS: int | None = Field(
        None,
        ge=0,
        le=36_500,
        description="Days that outbox_prune keeps this queue's finished jobs when it is not given "
        "--days; None uses 30.",
    )
    MAX_ATTEMPTS: int | None = Field(
        None,
        ge=1,
        le=_SMALLINT_MAX,
        description="Attempts of a job in this queue; None uses OUTBOX['MAX_ATTEMPTS'].",
    )
    LANES: bool = Field(
        False,
        description="Whether jobs may have a group_key: those of one group run one by one, in "
        "their order.",
    )
    DURABLE_ACK: bool = Field(
        True,
        description="PostgreSQL: False lets a success be reported before it is on disk; a crash "
        "of the server may then repeat the jobs of its last moments.",
    )


class OutboxSettings(AppSettings, setting="OUTBOX"):
    """``settings.OUTBOX``."""

    QUEUES: dict[str, QueueSettings] = Field(
        default_factory=lambda: {"default": QueueSettings()},
        description="The queues that jobs may be put into; 'default' always exists.",
    )
    MAX_ATTEMPTS: int = Field(
        10,
        ge=1,
        le=_SMALLINT_MAX,
        description="Attempts before a job is FAILED; enqueue(max_attempts=...) overrides it.",
    )
    BACKOFF_CAP_SECONDS: float = Field(
        300.0,
        gt=0,
        allow_inf_nan=False,
        description="Longest wait between attempts; the wait is min(cap, 2 ** attempts).",
    )
    BACKOFF_JITTER: float = Field(
        0.1,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Random share added to each wait, so that jobs do not come back in step.",
    )
    LEASE_SECONDS: float = Field(
        60.0,
        ge=1,
        le=86_400,
        allow_inf_nan=False,
        description="How long a worker holds a job without a sign of life.",
    )
    HEARTBEAT_SECONDS: float = Field(
        15.0,
        gt=0,
        allow_inf_nan=False,
        description="How often a worker extends its leases; at most half of LEASE_SECONDS.",
    )
    GRACE_SECONDS: float = Field(
        30.0,
        ge=0,
        allow_inf_nan=False,
        description="How long running handlers may finish after SIGTERM.",
    )
    LIVENESS_LOCKS: bool = Field(
        True,
        description="Workers hold a lock while they live, so that a dead one's jobs are taken "
        "over at once; False leaves it to the leases (PgBouncer in transaction mode).",
    )
    WAKE_UP: bool = Field(
        True,
        description="Workers are told of new jobs (LISTEN/NOTIFY on PostgreSQL, a look at the "
        "file's change counter on SQLite); False leaves it to --poll-seconds.",
    )
    MAX_PAYLOAD_BYTES: int = Field(
        1_048_576, ge=2, description="Largest payload, as JSON in UTF-8."
    )

    @field_validator("QUEUES")
    @classmethod
    def _default_always_exists(cls, queues: dict[str, QueueSettings]) -> dict[str, QueueSettings]:
        for name in queues:
            if not name or len(name) > 64:
                raise ValueError(f"a queue's name has 1 to 64 characters, {name!r} has {len(name)}")
        return queues if "default" in queues else {"default": QueueSettings(), **queues}

    @model_validator(mode="after")
    def _heartbeat_fits_into_lease(self) -> Self:
        # One missed heartbeat must not cost the lease.
        if self.HEARTBEAT_SECONDS > self.LEASE_SECONDS / 2:
            raise ValueError(
                f"HEARTBEAT_SECONDS must be at most half of LEASE_SECONDS ({self.LEASE_SECONDS}), "
                f"and it is {self.HEARTBEAT_SECONDS}"
            )
        return self

    def max_attempts(self, queue: str) -> int:
        """Return how many attempts a job of ``queue`` has when nobody says otherwise."""
        return self.QUEUES[queue].MAX_ATTEMPTS or self.MAX_ATTEMPTS


def get_conf() -> OutboxSettings:
    """Return the settings as they are now; ImproperlyConfigured names what is wrong."""
    return OutboxSettings.read()
