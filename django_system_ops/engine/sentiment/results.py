"""What every backend of sentiment gives, and what one is."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

__all__ = ["LABELS", "NEGATIVE", "NEUTRAL", "POSITIVE", "UNKNOWN", "Backend", "Sentiment"]

POSITIVE, NEGATIVE, NEUTRAL, UNKNOWN = "positive", "negative", "neutral", "unknown"
#: The labels, in the order in which they are shown.
LABELS = (POSITIVE, NEGATIVE, NEUTRAL, UNKNOWN)


class Sentiment(NamedTuple):
    """
    What a text feels like.

    Attributes:
        label: one of :data:`LABELS`; unknown is not neutral: nothing can be said.
        score: from -1 (as bad as can be) to 1; 0 where the label is unknown.
        language: a code such as ``es``; empty where it is not known.
    """

    label: str
    score: float
    language: str


class Backend(Protocol):
    """
    Something that says what texts feel like.

    A site's own is a class without arguments, named in ``sentiment.backend``.
    """

    @property
    def name(self) -> str:
        """What its scores are kept under, up to 50 characters."""

    @property
    def version(self) -> str:
        """
        What decides its scores, up to 64 characters: a model, a lexicon, rules.

        A text that was scored by another version is scored again.
        """

    def analyse(self, texts: Sequence[str], languages: Sequence[str]) -> list[Sentiment]:
        """
        Return the sentiment of each text, in their order.

        Args:
            texts: of any length.
            languages: the language of each text, as a code; empty where it is not known.
        """
