"""Words, signs and emoji of a text, without case and accents."""

import re
import unicodedata
from functools import lru_cache

__all__ = ["LONGEST_TEXT", "fold", "shouted", "spelt", "tokenise"]

# Emoticons come before their signs; ":/" is none before another "/", nor is ":" in 10:30.
_TOKEN = re.compile(
    r"\d+(?:[.,:/]\d+)*"
    r"|<3|</3"
    r"|[:;=][-'o]?(?:[)(\]\[|*]+|[dp](?!\w)|[/\\](?!/))"
    r"|[^\W\d_]+(?:'[^\W\d_]+)*"
    r"|\.{2,}|[^\w\s]|\n"
)
# Haste leaves accents out, so no word can be told by them.
_FOLDED = str.maketrans("áàâäãéèêëíìîïóòôöõúùûüñçýÿ", "aaaaaeeeeiiiiooooouuuuncyy")
_QUOTES = str.maketrans(dict.fromkeys("\u2019\u2018`\u00b4", "'"))
_SHOUTED = re.compile(r"\b[A-ZÁÉÍÓÚÜÑ]{3,}\b")
_LONG = re.compile(r"([^\W\d_])\1\1+")

#: How many characters of a text are read: none costs more, however long it is.
LONGEST_TEXT = 20_000
_LONGEST_WORD = 40


def fold(word: str) -> str:
    """Return a word in lower case and without accents."""
    return word.lower() if word.isascii() else _plain(word.lower())


def _plain(word: str) -> str:
    # What somebody else writes decides how much is remembered: so nothing that is long.
    return _remembered(word) if len(word) < _LONGEST_WORD else word.translate(_FOLDED)


@lru_cache(maxsize=10_000)
def _remembered(word: str) -> str:
    return word.translate(_FOLDED)


def tokenise(text: str) -> list[str]:
    """Return the words, signs and emoji of a text, folded; no more than 20,000 characters of it."""
    text = text[:LONGEST_TEXT].lower()
    if text.isascii():
        return _TOKEN.findall(text)
    text = unicodedata.normalize("NFC", text)
    if any(quote in text for quote in "\u2019\u2018\u00b4"):
        text = text.translate(_QUOTES)
    # Word by word: to translate the whole text would take most of the time.
    return [one if one.isascii() else _plain(one) for one in _TOKEN.findall(text)]


def shouted(text: str) -> frozenset[str]:
    """Return the words in capitals of a text that is not in capitals as a whole."""
    found = _SHOUTED.findall(text)
    if not found or text.isupper():
        return frozenset()
    return frozenset(fold(word) for word in found)


def spelt(word: str) -> tuple[str, ...]:
    """Return how a drawn-out word may be spelt: ``buenooo`` is ``bueno`` or ``buenoo``."""
    if not _LONG.search(word):
        return ()
    return (_LONG.sub(r"\1", word), _LONG.sub(r"\1\1", word))
