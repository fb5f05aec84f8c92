"""The setting ``NETWORK_HC``; the only module that reads it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from django.conf import settings
from pydantic import Field, field_validator

from django_network_hc.readers.workbooks import Limits
from django_opskit.conf import AppSettings

__all__ = ["NetworkHcSettings", "get_conf"]


class NetworkHcSettings(AppSettings, setting="NETWORK_HC"):
    """``NETWORK_HC`` in the site's settings."""

    SCRIPT_DIR: str | Path = Field(
        "Script",
        description="The directory with the trackers, ignore files and sessions; a relative one "
        "is below the site's BASE_DIR, and it must not be served to the public.",
    )
    ENGINE: Literal["builtin", "script"] = Field(
        "builtin",
        description='What judges a report: this app, or with "script" the site\'s own `main.py` '
        "in SCRIPT_DIR, run in a copy of its own.",
    )
    SCRIPT_TIMEOUT_SECONDS: int = Field(
        7200, ge=1, description='How long the script may run, with ENGINE "script".'
    )
    MASKED_TESTS: Sequence[str] = Field(
        (),
        description="Tests whose findings are the same case whatever numbers and dates they "
        "hold, such as uptimes.",
    )
    HOLD_UNVERIFIED: bool = Field(
        False,
        description="Whether cases stay open whose node a report says nothing sure of; else they "
        "are closed and marked as unverified.",
    )
    REPORT_MB: float = Field(100, gt=0, description="How large a report may be.")
    INVENTORY_MB: float = Field(50, gt=0, description="How large an inventory may be.")
    TRACKER_MB: float = Field(50, gt=0, description="How large a tracker may be.")
    IGNORE_XLSX_MB: float = Field(
        10, gt=0, description="How large the workbook with ignored findings may be."
    )
    IGNORE_TXT_MB: float = Field(
        1, gt=0, description="How large the file with ignored tests may be."
    )
    LEASE_SECONDS: int = Field(
        300,
        ge=10,
        description="After how long without a sign of life a session on another host may be "
        "taken over.",
    )
    KEEP_INVENTORIES: int = Field(
        2,
        ge=1,
        description="Of how many reports before the last one a network keeps the inventory's rows.",
    )
    MAIL_TO: Sequence[str] = Field(
        (), description="Who gets a mail when a health check has failed or brought new failures."
    )
    COVERAGE_PERCENT: float = Field(
        0,
        ge=0,
        le=100,
        description="Below which coverage MAIL_TO gets a mail too; 0 for never.",
    )

    @field_validator("MASKED_TESTS", "MAIL_TO", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError("write a list, such as ['5.2.1'], even for one.")
        return value

    @property
    def root(self) -> Path:
        """Return SCRIPT_DIR as an absolute path."""
        base = getattr(settings, "BASE_DIR", None) or Path.cwd()
        # With its .. taken out, which Path does not do: paths below it are compared with it.
        return Path(os.path.abspath(Path(base, self.SCRIPT_DIR)))  # noqa: PTH100

    @property
    def report_limits(self) -> Limits:
        """Return how large a report may be, and what is in it."""
        return Limits(file_mb=self.REPORT_MB, unpacked_mb=10 * self.REPORT_MB)

    @property
    def tracker_limits(self) -> Limits:
        """Return how large a tracker may be, and what is in it."""
        return Limits(file_mb=self.TRACKER_MB, unpacked_mb=20 * self.TRACKER_MB)

    @property
    def ignore_limits(self) -> Limits:
        """Return how large a workbook with ignored findings may be, and what is in it."""
        return Limits(file_mb=self.IGNORE_XLSX_MB, unpacked_mb=10 * self.IGNORE_XLSX_MB)


def get_conf() -> NetworkHcSettings:
    """
    Return the settings as they are now.

    Raises:
        ImproperlyConfigured: names every wrong key, its value and the way out.
    """
    return NetworkHcSettings.read()
