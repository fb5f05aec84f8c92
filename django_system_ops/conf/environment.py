"""The environment variables that stand for keys of the setting."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["VARIABLES", "Variable", "overlaid"]


@dataclass(frozen=True)
class Variable:
    """A variable of the environment and the key whose place it takes."""

    name: str
    section: str
    key: str
    is_number: bool = False

    @property
    def path(self) -> str:
        """Return the key as one would write it in the settings."""
        return f"MANAGEMENT_COMMANDS[{self.section!r}][{self.key!r}]"

    @property
    def text(self) -> str | None:
        """Return what the environment says; None when it says nothing, or an empty word."""
        return os.environ.get(self.name) or None

    @property
    def value(self) -> Any:
        """Return that as the key has it; what is no number stays a text, which is reported."""
        text = self.text
        if text is not None and self.is_number and text.strip().lstrip("+-").isdecimal():
            return int(text)
        return text


VARIABLES = (
    Variable("BACKUP_DIRECTORY", "backup", "directory"),
    Variable("BACKUP_RETENTION_DAYS", "backup", "retention_days", is_number=True),
    Variable("CLEANUP_BATCH_SIZE", "cleanup", "batch_size", is_number=True),
    Variable("CLEANUP_CONCURRENT_JOBS", "cleanup", "concurrent_jobs", is_number=True),
    Variable("IMPORT_BATCH_SIZE", "import", "batch_size", is_number=True),
    Variable("IMPORT_VALIDATION_LEVEL", "import", "validation_level"),
)


def overlaid(raw: object) -> object:
    """Return the setting with what the environment says in its place."""
    if not isinstance(raw, Mapping):
        return raw
    found = dict(raw)
    for variable in VARIABLES:
        section = found.get(variable.section, {})
        if variable.text is not None and isinstance(section, Mapping):
            found[variable.section] = {**section, variable.key: variable.value}
    return found
