"""The regular forms of English words; others stand in the lexicon."""

from collections.abc import Iterator

__all__ = ["adjective", "finished", "noun", "verb"]

_VOWELS = "aeiou"


def noun(word: str) -> Iterator[str]:
    """Yield a noun in both numbers."""
    yield word
    yield _with_s(word)


def adjective(word: str) -> Iterator[str]:
    """Yield an adjective, its comparison and its adverb."""
    yield word
    short = _short(word)
    yield f"{short}er"
    yield f"{short}est"
    if word.endswith("y"):
        yield f"{word[:-1]}ily"
    elif word.endswith("le"):
        yield f"{word[:-1]}y"
    else:
        yield f"{word}ally" if word.endswith("ic") else f"{word}ly"


def verb(word: str, change: str = "") -> Iterator[str]:
    """Yield the forms of a verb; ``change`` is ``2`` where its last letter is doubled."""
    stem = word + word[-1] if change == "2" else word
    yield word
    yield _with_s(word)
    yield f"{_short(stem)}ed"
    yield f"{stem[:-1]}ing" if stem.endswith("e") and not stem.endswith("ee") else f"{stem}ing"


def finished(word: str, change: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the form of a verb that says that it was done; ``False``: nothing else may be meant."""
    yield f"{_short(word + word[-1] if change == '2' else word)}ed", False


def _with_s(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in _VOWELS:
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{word}s"


def _short(word: str) -> str:
    if word.endswith("e"):
        return word[:-1]
    return f"{word[:-1]}i" if word.endswith("y") and word[-2:-1] not in _VOWELS else word
