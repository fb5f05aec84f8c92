"""
Which language a text is in, by its small words; by endings and letters where it has none.

Made for short messages, and to say nothing when unsure: who takes French for Spanish scores it as
nonsense.
"""

from collections.abc import Iterable, Mapping, Sequence

from django_system_ops.engine.sentiment.tokens import spelt, tokenise

__all__ = ["DETECTION_VERSION", "Detector"]

#: Changes whenever the rules do: a message that is in another language now gets another score.
DETECTION_VERSION = "1"

# A word that is only in a lexicon tells less than one that every text has.
_LEXICON_WEIGHT = 0.6
_LEAST, _LEAD, _SURE = 0.3, 0.25, 1.0
# How a text that is written in one alphabet and no known word can still be told.
_ENDINGS = {
    "es": "cion dad ado ada idos ando iendo mente aje ante ero era oso osa ito ita illo rme rlo",
    "en": "ing tion ness ght ck ed ly th sh ee oo ful less ble ould ay ow rs ts ys",
    "pt": "cao oes agem inho inha eira eiro dade nha lho lha",
    "fr": "eau eux ement age ais ait ez ique oir ette aux",
    "it": "zione ita etto etta are ere ire ato ata gli aggio issimo",
    "de": "ung keit heit lich isch chen sch ieren tzt icht",
}
# Letters of the text as it was written.
_LETTERS = {"ñ": "es", "¿": "es", "¡": "es", "ã": "pt", "õ": "pt", "ß": "de", "ä": "de", "è": "fr"}


class Detector:
    """Tells languages apart."""

    def __init__(
        self,
        small_words: Mapping[str, Iterable[str]],
        vocabularies: Mapping[str, Iterable[str]],
    ) -> None:
        """
        Args:
            small_words: of each language, folded.
            vocabularies: further words of some of them.
        """
        weights: dict[str, dict[str, float]] = {}
        for language, words in vocabularies.items():
            for word in words:
                if word[:1].isalpha():
                    weights.setdefault(word, {})[language] = _LEXICON_WEIGHT
        for language, words in small_words.items():
            for word in words:
                weights.setdefault(word, {})[language] = 1.0
        # What several share tells each of them less; for one word this is looked up ten million
        # times, so it is worked out here, once for each set of languages.
        self._weights = {
            word: tuple((language, weight / len(found)) for language, weight in found.items())
            for word, found in weights.items()
        }

    def language(self, text: str, among: Sequence[str]) -> str:
        """
        Return the code of a text's language; empty when it is none of these, or nobody knows.

        Words that several of ``among`` share are taken to be of the first of these.
        """
        tokens = tokenise(text)
        scores: dict[str, float] = {}
        weights = self._weights
        for token in tokens:
            if token in weights:
                for language, weight in weights[token]:
                    scores[language] = scores.get(language, 0.0) + weight
        if not text.isascii():
            for letter, language in _LETTERS.items():
                if letter in text:
                    scores[language] = scores.get(language, 0.0) + 1.0
        if not scores or max(scores.values()) < _SURE:
            self._look_closer(tokens, scores)
        return _best(scores, among)

    def _look_closer(self, tokens: Sequence[str], scores: dict[str, float]) -> None:
        """Count what known words say when they are drawn out, and then the ends of unknown ones."""
        plain = [word for token in tokens for word in spelt(token)]
        for word in plain:
            for language, weight in self._weights.get(word, ()):
                scores[language] = scores.get(language, 0.0) + weight
        unknown = (token for token in tokens if token not in self._weights)
        for language, weight in _by_endings(unknown).items():
            scores[language] = scores.get(language, 0.0) + weight


def _best(scores: Mapping[str, float], among: Sequence[str]) -> str:
    """Return the best one; empty when it is none of ``among``, or does not lead by enough."""
    highest = max(scores.values(), default=0.0)
    if highest < _LEAST:
        return ""
    leaders = [one for one, score in scores.items() if highest - score < _LEAD]
    if any(one not in among for one in leaders):
        return ""
    return next(one for one in among if one in leaders)


def _by_endings(tokens: Iterable[str]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for token in tokens:
        if len(token) < 4 or not token[0].isalpha():
            continue
        for language, ends in _ENDINGS.items():
            if token.endswith(tuple(ends.split())):
                scores[language] = scores.get(language, 0.0) + 0.6
    return scores
