"""The lexicons that come with the app, VADER's, and what a site adds."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

from django_system_ops.engine.sentiment.languages import DETECTION_VERSION, Detector
from django_system_ops.engine.sentiment.lexicon import Lexicon
from django_system_ops.engine.sentiment.lines import LexiconError, read_lexicon
from django_system_ops.engine.sentiment.results import Sentiment
from django_system_ops.engine.sentiment.scoring import RULES_VERSION, Scorer
from django_system_ops.engine.sentiment.tokens import tokenise
from django_system_ops.exceptions import SystemOpsError

__all__ = [
    "KNOWN_LANGUAGES",
    "LexiconBackend",
    "check_file",
    "detector",
    "has_words",
    "lexicon_backend",
]

#: The languages that there is a lexicon of.
KNOWN_LANGUAGES = ("es", "en")
_FOLDER = "lexicons"


class LexiconBackend:
    """Scores by words and rules; needs no network, no model and no more than a second to begin."""

    name = "lexicon"

    def __init__(self, scorers: Mapping[str, Scorer], version: str) -> None:
        self._scorers = scorers
        self.version = version

    def analyse(self, texts: Sequence[str], languages: Sequence[str]) -> list[Sentiment]:
        """Return the sentiment of each text; of one in no known language, that of its emoji."""
        scorers, other = self._scorers, self._scorers[""]
        return [
            scorers.get(language, other).sentiment(text)
            for text, language in zip(texts, languages, strict=True)
        ]


def lexicon_backend(
    languages: Sequence[str],
    *,
    extra_words: Mapping[str, Mapping[str, float]] | None = None,
    extra_files: Mapping[str, str | Path] | None = None,
) -> LexiconBackend:
    """
    Return the backend with the lexicons of these languages.

    Args:
        languages: codes; there is a lexicon of es and en.
        extra_words: of each language, what words and phrases are worth; these go before all others.
        extra_files: of each language, a file in the format of the lexicons.

    Raises:
        SystemOpsError: there is no lexicon of a language, or a file cannot be read, or
            vaderSentiment is missing.
    """
    words = json.dumps({key: dict(value) for key, value in (extra_words or {}).items()})
    files = tuple(
        (language, _read(Path(path), language)) for language, path in (extra_files or {}).items()
    )
    return _backend(tuple(languages), words, files)


@lru_cache(maxsize=4)
def _backend(
    languages: tuple[str, ...], words: str, files: tuple[tuple[str, str], ...]
) -> LexiconBackend:
    scorers = {"": Scorer(_signs_only())}
    digest = hashlib.sha256(f"{RULES_VERSION} {DETECTION_VERSION}".encode())
    digest.update(_resource("languages.txt").encode())
    for language in languages:
        own: Mapping[str, float] = json.loads(words).get(language, {})
        lines = [text for one, text in files if one == language]
        lexicon = _lexicon(language, own, lines)
        scorers[language] = Scorer(lexicon)
        for part in (*_sources(language), json.dumps(own, sort_keys=True), *lines):
            digest.update(part.encode())
    return LexiconBackend(scorers, f"{RULES_VERSION}-{digest.hexdigest()[:16]}")


def _lexicon(language: str, own: Mapping[str, float], lines: Sequence[str]) -> Lexicon:
    lexicon = Lexicon(language)
    sources = _sources(language)
    # Before the site's own lines: these may use the verbs.
    read_lexicon(sources[0], language, into=lexicon, forms_only=True)
    rows = "\n".join(f"{value}: {word}" for word, value in own.items())
    try:
        for text in (f"[words]\n{rows}", *lines):
            read_lexicon(text, language, into=lexicon, first=True)
    except LexiconError as error:
        raise SystemOpsError(f"The site's own words of {language!r}: {error}") from error
    for text in sources:
        read_lexicon(text, language, into=lexicon)
    lexicon.add_misspelt()
    return lexicon


def check_file(path: Path, language: str) -> None:
    """
    Read a file with further words, and no more.

    Raises:
        SystemOpsError: it cannot be read.
        LexiconError: a line of it cannot be.
    """
    lexicon = Lexicon(language)
    read_lexicon(_resource(f"{language}.txt"), language, into=lexicon, forms_only=True)
    read_lexicon(_read(path, language), language, into=lexicon)


def has_words() -> bool:
    """Say whether vaderSentiment is installed, which the words of English come with."""
    return find_spec("vaderSentiment") is not None


def _signs_only() -> Lexicon:
    return read_lexicon(_resource("signs.txt"), "")


@cache
def _sources(language: str) -> tuple[str, ...]:
    """Return the texts of a language's lexicon: its own, the signs, and VADER's words."""
    if language not in KNOWN_LANGUAGES:
        known = ", ".join(KNOWN_LANGUAGES)
        raise SystemOpsError(
            f"There is no lexicon of the language {language!r}, but of {known}. Take it out of "
            "MANAGEMENT_COMMANDS['sentiment']['languages'], or name another backend."
        )
    texts = (_resource(f"{language}.txt"), _resource("signs.txt"))
    return (*texts, _vader()) if language == "en" else texts


def _vader() -> str:
    """
    Return VADER's words as lines of ours.

    Source: C. J. Hutto and E. Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment
    Analysis of Social Media Text" (2014); the package vaderSentiment, under the MIT licence. Only
    its list of words is used: our rules weigh them, as they weigh those of other languages.
    """
    try:
        place = resources.files("vaderSentiment") / "vader_lexicon.txt"
        rows = place.read_text(encoding="utf-8").splitlines()
    except (ModuleNotFoundError, OSError) as error:
        raise SystemOpsError(
            "The words of English come with vaderSentiment: pip install "
            "'django-opskit[system-ops]', or take 'en' out of "
            "MANAGEMENT_COMMANDS['sentiment']['languages']."
        ) from error
    lines = ["[imported]"]
    for row in rows:
        word, _, rest = row.partition("\t")
        if word[:1].isalpha() and "," not in word:
            lines.append(f"{rest.partition(chr(9))[0]}: {word}")
    return "\n".join(lines)


@cache
def _resource(name: str) -> str:
    return (resources.files(__package__) / _FOLDER / name).read_text(encoding="utf-8")


def _read(path: Path, language: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise SystemOpsError(
            f"MANAGEMENT_COMMANDS['sentiment']['extra_files'][{language!r}]: {path}: {reason}."
        ) from error


def detector(
    languages: Sequence[str] = KNOWN_LANGUAGES,
    extra_words: Mapping[str, Iterable[str]] | None = None,
) -> Detector:
    """
    Return what tells languages apart.

    Args:
        languages: codes; the words of their lexicons are known, as far as there are any.
        extra_words: of each language, words and phrases of the site.
    """
    own = sorted((key, tuple(words)) for key, words in (extra_words or {}).items())
    return _detector(tuple(languages), tuple(own))


@lru_cache(maxsize=4)
def _detector(languages: tuple[str, ...], own: tuple[tuple[str, tuple[str, ...]], ...]) -> Detector:
    small: dict[str, list[str]] = {}
    for line in _resource("languages.txt").splitlines():
        if line and not line.startswith("#"):
            language, _, words = line.partition(":")
            small[language] = tokenise(words)
    vocabularies = {
        one: set(_words(one)) for one in languages if one == "es" or (one == "en" and has_words())
    }
    for language, texts in own:
        vocabularies.setdefault(language, set()).update(*map(tokenise, texts))
    return Detector(small, vocabularies)


@cache
def _words(language: str) -> frozenset[str]:
    """Return the words of a lexicon without those of the site."""
    return frozenset(_lexicon(language, {}, ()).words)
