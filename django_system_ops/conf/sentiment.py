"""``MANAGEMENT_COMMANDS["sentiment"]``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from django_opskit.conf import SettingsModel
from django_system_ops.conf.lists import a_list

__all__ = ["SentimentFields", "SentimentSettings"]

_LARGEST = 4


class SentimentFields(SettingsModel):
    """Fields of the site's own model of messages that get a copy of the score."""

    label: str = Field("", description="Gets positive, negative, neutral or unknown.")
    score: str = Field("", description="Gets the score, from -1 to 1.")


class SentimentSettings(SettingsModel):
    """Which messages analyze_sentiment scores, and by what."""

    model: str = Field(
        "", description='Whose rows are messages, such as "assistants.Message"; none by default.'
    )
    text_field: str = Field("text", description="Its field with what was written.")
    date_field: str = Field(
        "created_at",
        description='The way to when it was written: a field, or "chat__created_at".',
    )
    tenant: str = Field("", description='The way from it to its tenant, such as "chat__tenant".')
    shared: bool = Field(False, description="Whether messages are no tenant's.")
    agent: str = Field(
        "",
        description="The way from it to the agent who was spoken to: foreign keys, such as "
        '"chat__agent", or a field with a name.',
    )
    agent_name_field: str = Field(
        "name", description="The field that agents are called by, where they have a model."
    )
    filter: Mapping[str, Any] = Field(
        {}, description='Lookups that a message has to meet, such as {"role": "user"}.'
    )
    fields: SentimentFields = Field(
        SentimentFields(), description="Fields of the model that get a copy of the score."
    )
    backend: str = Field(
        "lexicon",
        description='What scores: "lexicon", "transformers", or the dotted path of a class.',
    )
    languages: Sequence[str] = Field(
        ("es", "en"), min_length=1, description="The languages that messages are looked at in."
    )
    extra_words: Mapping[str, Mapping[str, float]] = Field(
        {},
        description="What further words and phrases are worth, -4 to 4, by language: "
        '{"es": {"chido": 2.0}}.',
    )
    extra_files: Mapping[str, str | Path] = Field(
        {},
        description="Files with further words, by language, in the format of a lexicon; a relative "
        "one is below BASE_DIR.",
    )
    transformers_model: str | Path = Field(
        "", description="The directory of the model for transformers; nothing is downloaded."
    )
    batch_size: int = Field(
        1000, ge=1, le=10_000, description="How many messages one transaction writes."
    )

    @field_validator("languages", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        return a_list(value, "es")

    @field_validator("extra_words")
    @classmethod
    def _are_worth_something(
        cls, value: Mapping[str, Mapping[str, float]]
    ) -> Mapping[str, Mapping[str, float]]:
        for words in value.values():
            for word, worth in words.items():
                if not -_LARGEST <= worth <= _LARGEST:
                    raise ValueError(f"{word!r} must be worth -4 to 4, not {worth:g}.")
                if not word.strip() or set(word) & set(",:#[]{}\n"):
                    raise ValueError(f"{word!r} is no word or phrase: write letters and spaces.")
        return value

    @model_validator(mode="after")
    def _is_somebodys(self) -> Self:
        if self.model and bool(self.tenant) == self.shared:
            raise ValueError("it needs the way to its tenant, or shared: True, and not both.")
        return self
