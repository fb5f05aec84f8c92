"""``MANAGEMENT_COMMANDS["knowledge_base"]``."""

from collections.abc import Sequence

from pydantic import Field, field_validator

from django_opskit.conf import SettingsModel
from django_system_ops.conf.lists import a_list

__all__ = ["KnowledgeBaseSettings"]


class KnowledgeBaseSettings(SettingsModel):
    """What migrate_knowledge_base takes from version to version."""

    type: str = Field(
        "knowledge", description="Which of the types in data.types has the rows with versions."
    )
    version_field: str = Field(
        "version", description="Its field with the version of a row: text, or a whole number."
    )
    steps: Sequence[str] = Field(
        (),
        description="The steps from one version to the next: dotted paths of classes that need no "
        "arguments, or of objects.",
    )
    batch_size: int = Field(
        500,
        ge=1,
        le=100_000,
        description="How many rows one transaction migrates, unless --batch-size says.",
    )
    examples: int = Field(
        5, ge=1, le=1000, description="How many rows each finding of --validate-only names."
    )

    @field_validator("steps", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        return a_list(value, "shop.steps.SplitText")
