"""
What a text feels like: which of its words and phrases a lexicon knows, and what they add up to.

The sum becomes a score as in VADER (Hutto and Gilbert, 2014): x / sqrt(x² + 15).
"""

from collections.abc import Iterator, Sequence
from math import sqrt

from django_system_ops.engine.sentiment.lexicon import GAP, Entry, Kind, Lexicon, Phrases
from django_system_ops.engine.sentiment.results import (
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    UNKNOWN,
    Sentiment,
)
from django_system_ops.engine.sentiment.tokens import shouted, spelt, tokenise
from django_system_ops.engine.sentiment.weighing import DRAWN_OUT, Weighing

__all__ = ["RULES_VERSION", "THRESHOLD", "Scorer"]

#: Changes whenever the rules do, so that scores of before can be told from those of now.
RULES_VERSION = "2"
#: From which score on a text is positive, or under its negative negative.
THRESHOLD = 0.2

_SIGNS = {
    **dict.fromkeys(".?!\n\u2026", Kind.STOP),
    **dict.fromkeys(",;:()-", Kind.COMMA),
    "¿": Kind.COMMA,
    "¡": Kind.COMMA,
}
_GAP_REACH = 3


class Scorer:
    """Weighs texts of one language."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._language = lexicon.language
        self._entries = dict(lexicon.entries)
        for sign, kind in _SIGNS.items():
            self._entries[sign] = Entry(kind=kind)

    def sentiment(self, text: str) -> Sentiment:
        """Return what a text feels like."""
        tokens = tokenise(text)
        weighing = Weighing(self._entries, tokens, shouted(text))
        for place, length, entry, strength in self._found(tokens):
            weighing.take(place, length, entry, strength)
        value, recognised = weighing.end()
        if not recognised:
            return Sentiment(UNKNOWN, 0.0, self._language)
        score = round(value / sqrt(value * value + 15), 4)
        return Sentiment(_label(score), score, self._language)

    def _found(self, tokens: Sequence[str]) -> Iterator[tuple[int, int, Entry, float]]:
        """Yield what the lexicon knows: where, how many words, what, and how strong it is."""
        entries = self._entries
        skip = 0
        for place, token in enumerate(tokens):
            if place < skip:
                continue
            entry, strength = entries.get(token), 1.0
            if entry is None:
                if len(token) < 4 or (entry := self._drawn_out(token)) is None:
                    continue
                strength = DRAWN_OUT
            if entry.phrases is not None:
                end, phrase = _longest(tokens, place + 1, entry.phrases)
                if phrase is not None:
                    if phrase.kind == Kind.BOOSTER:
                        end = self._before_value(tokens, place + 1, end)
                    skip = end
                    yield place, end - place, phrase, strength
                    continue
            if entry.is_plain:
                yield place, 1, entry, strength

    def _before_value(self, tokens: Sequence[str], begin: int, end: int) -> int:
        """Return where a booster ends that runs into a phrase: "what a" in "what a joke"."""
        for place in range(begin, end):
            entry = self._entries.get(tokens[place])
            if entry is not None and entry.phrases is not None:
                _, phrase = _longest(tokens, place + 1, entry.phrases)
                if phrase is not None and phrase.kind == Kind.WORD and phrase.value:
                    return place
        return end

    def _drawn_out(self, token: str) -> Entry | None:
        for word in spelt(token):
            if word in self._entries:
                return self._entries[word]
        return None


def _label(score: float) -> str:
    if abs(score) < THRESHOLD:
        return NEUTRAL
    return POSITIVE if score > 0 else NEGATIVE


def _longest(tokens: Sequence[str], place: int, phrases: Phrases) -> tuple[int, Entry | None]:
    """Return where the longest phrase ends that goes on at a place, and what it is."""
    best, end = phrases.whole, place
    if place < len(tokens):
        following = phrases.following
        if tokens[place] in following:
            far, found = _longest(tokens, place + 1, following[tokens[place]])
            if found is not None:
                best, end = found, far
        if best is None and GAP in following:
            for begin in range(place + 1, place + 1 + _GAP_REACH):
                far, found = _longest(tokens, begin, following[GAP])
                if found is not None:
                    return far, found
    return end, best
