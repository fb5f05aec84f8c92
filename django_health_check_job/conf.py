"""
The settings of django_health_check_job; the only module that reads them.

Five names are published and flat: ``HEALTH_CHECK_INTERVAL``, ``PERSIST_HEALTH_CHECK_DATA``,
``SYNC_HEALTH_CHECK_DATA``, ``SYNC_SERVER_URL`` and ``SYNC_APP_ID``. Everything else is a key of
``HEALTH_CHECK_JOB``.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from pydantic import Field, SecretStr, field_validator

from django_health_check_job.engine.standing import LONGEST_RUN, Thresholds
from django_opskit.conf import AppSettings, SettingsModel

__all__ = [
    "CheckSettings",
    "HealthCheckJobSettings",
    "PublishedSettings",
    "ReceiverAppSettings",
    "ReceiverSettings",
    "SyncSettings",
    "get_conf",
    "get_published",
]

_LONGEST_WAIT_SECONDS = 86_400


class PublishedSettings(AppSettings, setting="", flat=True):
    """The five settings that stand at the top of the settings module."""

    HEALTH_CHECK_INTERVAL: float = Field(
        5,
        ge=0.1,
        le=_LONGEST_WAIT_SECONDS,
        allow_inf_nan=False,
        description="Seconds between two runs of a check that names no interval of its own.",
    )
    PERSIST_HEALTH_CHECK_DATA: bool = Field(
        False,
        description="Whether every result is kept as a HeathCheckJob row, with rollups; False "
        "keeps the current state of each check only.",
    )
    SYNC_HEALTH_CHECK_DATA: bool = Field(
        False, description="Whether results are sent to a monitoring server."
    )
    SYNC_SERVER_URL: str | None = Field(
        None,
        repr=False,
        description="Base URL of the monitoring server; results go to <url>/v1/metrics. Required "
        "when SYNC_HEALTH_CHECK_DATA is True.",
    )
    SYNC_APP_ID: str | None = Field(
        None,
        max_length=64,
        description="What this site is called there. Required when SYNC_HEALTH_CHECK_DATA is True.",
    )

    @field_validator("SYNC_SERVER_URL")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        if url:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("it must begin with http:// or https:// and name a host")
            if parts.query or parts.fragment:
                raise ValueError("it is a base URL, without a query or a fragment")
        return url


class CheckSettings(SettingsModel):
    """One check of ``HEALTH_CHECK_JOB["CHECKS"]``."""

    CHECK: Any = Field(
        description="The check: a dotted path, a class of django-health-check, a probe class, or a "
        "function that raises when something is wrong."
    )
    OPTIONS: dict[str, Any] = Field(
        repr=False, default_factory=dict, description="Keyword arguments of the class or function."
    )
    NAME: str | None = Field(
        None, min_length=1, max_length=50, description="What it is called; None uses its own name."
    )
    INTERVAL_SECONDS: float | None = Field(
        None,
        ge=0.1,
        le=_LONGEST_WAIT_SECONDS,
        allow_inf_nan=False,
        description="Seconds between two starts; None uses HEALTH_CHECK_INTERVAL.",
    )
    TIMEOUT_SECONDS: float | None = Field(
        None,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="How long it may run; None uses the check's own limit, or TIMEOUT_SECONDS.",
    )
    FAILURES: int | None = Field(
        None,
        ge=1,
        le=LONGEST_RUN,
        description="Bad outcomes in a row that make it worse; None uses FAILURES.",
    )
    SUCCESSES: int | None = Field(
        None,
        ge=1,
        le=LONGEST_RUN,
        description="Good outcomes in a row that make it better; None uses SUCCESSES.",
    )
    CRITICAL: bool | None = Field(
        None,
        description="Whether its failure makes the site unhealthy; None leaves it to the check, "
        "and most are.",
    )


class SyncSettings(SettingsModel):
    """How results are sent: ``HEALTH_CHECK_JOB["SYNC"]``."""

    API_KEY: SecretStr | None = Field(
        None, description="Sent as Authorization: Bearer …; None sends none."
    )
    HMAC_SECRET: SecretStr | None = Field(
        None, description="Signs the moment and the body of each request; None signs none."
    )
    GZIP: bool = Field(False, description="Whether bodies are compressed.")
    EXTENDED: bool = Field(
        False,
        description="Whether state, duration, moment and criticality go along with each check; "
        "False sends the three published keys only.",
    )
    TIMEOUT_SECONDS: float = Field(
        10.0, gt=0, le=300, allow_inf_nan=False, description="How long the server may take."
    )
    BACKOFF_CAP_SECONDS: float = Field(
        300.0,
        ge=1,
        le=_LONGEST_WAIT_SECONDS,
        allow_inf_nan=False,
        description="Longest wait while the server refuses or is away; the wait doubles up to it.",
    )


class ReceiverAppSettings(SettingsModel):
    """One site that may send: ``HEALTH_CHECK_JOB["RECEIVER"]["APPS"][<its SYNC_APP_ID>]``."""

    API_KEY: SecretStr | None = Field(None, description="The key that it has to send.")
    HMAC_SECRET: SecretStr | None = Field(None, description="The secret that it has to sign with.")


class ReceiverSettings(SettingsModel):
    """What ``/v1/metrics`` of this site takes from others: ``HEALTH_CHECK_JOB["RECEIVER"]``."""

    APPS: dict[str, ReceiverAppSettings] = Field(
        default_factory=dict,
        description="The sites that may send, by their SYNC_APP_ID; no other is listened to.",
    )
    MAX_BODY_BYTES: int = Field(
        1_048_576, ge=1024, description="Largest body, after it was unpacked."
    )
    MAX_CHECKS: int = Field(500, ge=1, le=10_000, description="Most checks in one body.")
    MAX_AGE_SECONDS: float = Field(
        300.0,
        gt=0,
        allow_inf_nan=False,
        description="How old the moment of a signed request may be, before or after now.",
    )

    @field_validator("APPS")
    @classmethod
    def _ids_fit(cls, apps: dict[str, ReceiverAppSettings]) -> dict[str, ReceiverAppSettings]:
        for app_id in apps:
            if not app_id or len(app_id) > 64:
                raise ValueError(f"an app id has 1 to 64 characters, {app_id!r} has {len(app_id)}")
        return apps


class HealthCheckJobSettings(AppSettings, setting="HEALTH_CHECK_JOB"):
    """``settings.HEALTH_CHECK_JOB``."""

    CHECKS: list[Any] = Field(
        repr=False,
        default_factory=list,
        description="The checks: a dotted path or a class each, or a dict with the keys below.",
    )
    USE_REGISTRIES: bool = Field(
        True,
        description="Whether checks that apps have registered, with our @register or with "
        "plugin_dir of django-health-check 3, are run as well.",
    )
    VIEW: str | None = Field(
        None,
        description="Name of a HealthCheckView in the URLconf whose checks are run as well.",
    )
    TIMEOUT_SECONDS: float = Field(
        5.0,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="How long a check may run that has no limit of its own.",
    )
    FAILURES: int = Field(
        3, ge=1, le=LONGEST_RUN, description="Bad outcomes in a row that make a check worse."
    )
    SUCCESSES: int = Field(
        2, ge=1, le=LONGEST_RUN, description="Good outcomes in a row that make a check better."
    )
    MAX_THREADS: int = Field(
        64,
        ge=1,
        le=1000,
        description="Checks that may run at the same time; those that hang are not counted.",
    )
    JITTER_SECONDS: float = Field(
        0.0,
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="Each round starts up to so much after its point of the grid, at random.",
    )
    LEASE_SECONDS: float = Field(
        15.0,
        ge=1,
        le=3600,
        allow_inf_nan=False,
        description="How long a monitor leads without a sign of life, before another takes over.",
    )
    STALE_SECONDS: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Age at which a stored result says nothing any more; None: three intervals "
        "and the timeout of the check.",
    )
    LIVENESS_FILE: str | Path | None = Field(
        None,
        description="File that the monitor touches after each round, for supervisors; None: none.",
    )
    SPOOL_DIR: str | Path | None = Field(
        None,
        description="Folder for results while the database is away; None: one of this "
        "user's and this database's in /var/tmp.",
    )
    MAIL_ADMINS: bool = Field(False, description="Whether ADMINS get a mail on a change of state.")
    KEEP_DAYS: float = Field(
        30.0, gt=0, le=36_500, description="Days that monitor_cleanup keeps single results."
    )
    KEEP_HOURLY_DAYS: float = Field(
        90.0, gt=0, le=36_500, description="Days that it keeps the hourly figures."
    )
    KEEP_DAILY_DAYS: float = Field(
        1096.0, gt=0, le=36_500, description="Days that it keeps the daily figures and changes."
    )
    KEEP_UNSENT_DAYS: float = Field(
        30.0, gt=0, le=36_500, description="Days that it keeps what no server would take."
    )
    SYNC: SyncSettings = Field(
        default_factory=SyncSettings, description="How results are sent to the monitoring server."
    )
    RECEIVER: ReceiverSettings = Field(
        default_factory=ReceiverSettings, description="What this site takes from other sites."
    )
    METRICS_TOKEN: SecretStr | None = Field(
        None,
        description="What a scraper sends as Authorization: Bearer … to read metrics and JSON "
        "without an account; None lets in those only who may view the results.",
    )

    @field_validator("CHECKS")
    @classmethod
    def _dicts_are_checks(cls, checks: list[Any]) -> list[Any]:
        for check in checks:
            if isinstance(check, dict):
                CheckSettings.model_validate(check)
        return checks

    @property
    def thresholds(self) -> Thresholds:
        """Return the thresholds of a check that has none of its own."""
        return Thresholds(failures=self.FAILURES, successes=self.SUCCESSES)

    @property
    def spool_folder(self) -> Path:
        """Return where results wait while the database is away."""
        if self.SPOOL_DIR is not None:
            return Path(self.SPOOL_DIR)
        return _durable_temporary_folder()

    @property
    def liveness_path(self) -> Path | None:
        """Return the file of LIVENESS_FILE."""
        return None if self.LIVENESS_FILE is None else Path(self.LIVENESS_FILE)

    @classmethod
    def read_with(cls, raw: object) -> Self:
        """Return what ``raw`` would mean as the setting; for tests and for the checks."""
        return cls.model_validate(raw)


def _durable_temporary_folder() -> Path:
    """Return a folder of this user's and this site's that outlives a restart of the machine."""
    # Of the database above all: whoever has another one must not find these results.
    database = settings.DATABASES.get("default") or {}
    where = [str(database.get(key, "")) for key in ("ENGINE", "NAME", "HOST", "PORT")]
    if "sqlite" in where[0]:
        where[1] = str(Path(where[1]).absolute())
    options = database.get("OPTIONS") or {}
    where += [str(options.get(key, "")) for key in ("service", "read_default_file")]
    site = hashlib.sha256(repr([settings.SETTINGS_MODULE, *where]).encode()).hexdigest()[:12]
    parent = Path("/var/tmp")  # noqa: S108  # the spool checks whose folder it is
    if not os.access(parent, os.W_OK):
        parent = Path(tempfile.gettempdir())
    return parent / f"django-health-check-job-{os.getuid()}-{site}"


def get_conf() -> HealthCheckJobSettings:
    """Return ``HEALTH_CHECK_JOB`` as it is now; ImproperlyConfigured names what is wrong."""
    return HealthCheckJobSettings.read()


def get_published() -> PublishedSettings:
    """Return the five published settings as they are now; ImproperlyConfigured likewise."""
    return PublishedSettings.read()
