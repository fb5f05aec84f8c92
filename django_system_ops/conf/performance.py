"""``MANAGEMENT_COMMANDS["performance"]``."""

from pydantic import Field

from django_opskit.conf import SettingsModel

__all__ = ["PerformanceSettings"]


class PerformanceSettings(SettingsModel):
    """What monitor_performance measures, and against what."""

    interval_seconds: float = Field(1, ge=0.05, le=3600, description="How often a sample is taken.")
    alert_threshold: float = Field(
        90, gt=0, le=100, description="From how many percent of its limit on a metric is too high."
    )
    consecutive: int = Field(
        3, ge=1, le=10_000, description="How many samples in a row make an alert, or end one."
    )
    probe_timeout_seconds: float = Field(
        10, gt=0, le=600, description="How long a sample waits for the database or the URL."
    )
    url: str = Field("", description="An address whose response time is measured.")
    database_latency_ms: float = Field(
        500, gt=0, description="The limit of the time that SELECT 1 takes."
    )
    url_latency_ms: float = Field(2000, gt=0, description="The limit of the URL's response time.")
    transaction_seconds: float = Field(
        300, gt=0, description="The limit of the age of the oldest transaction."
    )
    lock_waits: float = Field(10, gt=0, description="The limit of sessions that wait for a lock.")
    replication_lag_seconds: float = Field(
        60, gt=0, description="The limit of what a replica lags behind."
    )
    wal_mib: float = Field(256, gt=0, description="The limit of the size of SQLite's WAL file.")
