"""``MANAGEMENT_COMMANDS["export"]``."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from django_opskit.conf import SettingsModel

__all__ = ["ExportSettings"]


class ExportSettings(SettingsModel):
    """Where exports go, and how they are written."""

    directory: str | Path = Field(
        "exports",
        description="The directory in which each export has one of its own; a relative one is "
        "below the site's BASE_DIR.",
    )
    format: Literal["csv", "json", "jsonl", "xml", "xlsx"] = Field(
        "csv", description="The format where --format names none."
    )
    compress: bool = Field(False, description="Whether files are compressed with zstd.")
    overlap_seconds: int = Field(
        600,
        ge=0,
        description="How far --incremental goes back behind the last export, for what was "
        "committed after it with a date before it: longer than the longest transaction.",
    )
