"""``MANAGEMENT_COMMANDS["import"]``."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from django_opskit.conf import SettingsModel

__all__ = ["ImportSettings"]


class ImportSettings(SettingsModel):
    """How rows come in."""

    batch_size: int = Field(500, ge=1, description="How many rows one transaction brings in.")
    validation_level: Literal["strict", "lenient"] = Field(
        "strict",
        description='"strict": all rows or none; "lenient": the good ones, and a list of the rest.',
    )
    max_errors: int = Field(
        1000,
        ge=1,
        description="After so many wrong rows a strict import, which brings in nothing any more, "
        "stops looking for others.",
    )
    report_errors: int = Field(
        100, ge=1, le=10_000, description="How many wrong rows a report shows."
    )
    max_text_characters: int = Field(
        4_000_000,
        ge=1000,
        le=500_000_000,
        description="How long one text of a file may be: what is longer is no text, but a mistake "
        "that fills the memory. Binary fields are a third longer in a file than in the table.",
    )
    directory: str | Path = Field(
        "imports",
        description="The directory of rejected rows whose file lies where nothing may be written; "
        "a relative one is below the site's BASE_DIR.",
    )
