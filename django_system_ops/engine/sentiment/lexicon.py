"""A lexicon: what words and turns of speech are worth, and what they do to others."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["GAP", "MARKS", "Entry", "Kind", "Lexicon", "Mend", "Phrases", "valued"]

# What a good or a bad word is worth behind a "not", where its line does not say so: "not good" is
# bad, and "not bad" is a little good.
_NOT_GOOD, _NOT_BAD = -0.7, -0.5
#: The word of a phrase that stands for one to three others.
GAP = "*"


class Kind:
    """What a word does."""

    WORD, NEGATOR, BOOSTER, REVERSER, CONTRAST, CONCESSION, BREAK = range(7)
    COMMA, STOP = 7, 8
    BYGONE, WISH, PRESENT, UNTIL = range(9, 13)


class Mend:
    """
    What a word does to a trouble near it.

    DONE ends it: "solved"; UNSURE does so unless it is asked for: "arreglo" is present and past.
    AVERTS speaks of one that need not be: "to avoid". GONE ends one, and is a trouble itself where
    there is none: "the error disappeared", "my order disappeared".
    """

    NOTHING, DONE, UNSURE, AVERTS, GONE = range(5)


@dataclass(slots=True)
class Entry:
    """
    A word or a phrase.

    Attributes:
        value: what it is worth, -4 to 4; of a booster, what it multiplies by.
        negated: what it is worth behind a "not"; of a booster, what it is worth where it has
            nothing to strengthen.
        mends: what it does to a trouble; see :class:`Mend`.
        is_plain: whether the word is something by itself, and no mere beginning.
        is_verb: whether something else begins with it.
        is_trouble: whether it may be mended: a problem, an error.
        is_past: whether it tells how things were, or might have been.
        asks: whether what is done is only asked for behind it: "would be solved".
        asks_how: the same of what is done or being done: "cómo arreglo".
        phrases: the words that go on from it to a phrase; see :class:`Phrases`.
    """

    kind: int = Kind.WORD
    value: float = 0.0
    negated: float = 0.0
    mends: int = Mend.NOTHING
    is_verb: bool = False
    is_past: bool = False
    is_modal: bool = False
    is_comparative: bool = False
    is_trouble: bool = False
    asks: bool = False
    asks_how: bool = False
    is_plain: bool = True
    phrases: "Phrases | None" = None


#: The sections that say no more of a word than this of its entry.
MARKS = {
    "modals": "is_modal",
    "comparatives": "is_comparative",
    "troubles": "is_trouble",
    "past": "is_past",
    "requests": "asks",
    "questions": "asks_how",
}


class Phrases:
    """How phrases go on: by the next word, to what is whole with it and what goes on further."""

    __slots__ = ("following", "whole")

    def __init__(self) -> None:
        self.whole: Entry | None = None
        self.following: dict[str, Phrases] = {}


@dataclass
class Lexicon:
    """
    The words of one language.

    Attributes:
        exceptions: forms that the rules of inflection give and that mean something else.
        spellings: the beginnings of words, and how these are misspelt.
    """

    language: str
    entries: dict[str, Entry] = field(default_factory=dict)
    forms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    exceptions: set[str] = field(default_factory=set)
    spellings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _ranks: dict[str, int] = field(default_factory=dict)
    _phrases: int = 0

    def __len__(self) -> int:
        return len(self._ranks) + self._phrases

    @property
    def words(self) -> Iterable[str]:
        """Return the single words that are worth something or do something."""
        return self._ranks.keys()

    def add_word(self, word: str, entry: Entry, rank: int) -> None:
        """Add a word, unless a section that goes before has it."""
        if self._ranks.get(word, rank + 1) <= rank:
            return
        self._ranks[word] = rank
        old = self.entries.get(word)
        if old is not None:
            entry.phrases = old.phrases
            for mark in MARKS.values():
                if getattr(old, mark):
                    setattr(entry, mark, True)
        self.entries[word] = entry

    def add_phrase(self, words: tuple[str, ...], entry: Entry) -> None:
        """Add a phrase; the first one of its words stays."""
        first = self.entries.get(words[0])
        if first is None:
            first = self.entries[words[0]] = Entry(is_plain=False)
        if first.phrases is None:
            first.phrases = Phrases()
        place = first.phrases
        for word in words[1:]:
            following = place.following.get(word)
            if following is None:
                following = place.following[word] = Phrases()
            place = following
        if place.whole is None:
            place.whole = entry
            self._phrases += 1

    def mark(self, word: str, mark: str) -> None:
        """Note of a word what one of :data:`MARKS` says."""
        setattr(self.entries.setdefault(word, Entry(is_plain=False)), mark, True)

    def add_misspelt(self) -> None:
        """Add the words that begin as :attr:`spellings` say, in these spellings, where free."""
        words = sorted(self._ranks)
        for right, wrongs in self.spellings.items():
            for place in range(bisect_left(words, right), len(words)):
                word = words[place]
                if not word.startswith(right):
                    break
                for wrong in wrongs:
                    misspelt = f"{wrong}{word[len(right) :]}"
                    if misspelt not in self.entries:
                        self.entries[misspelt] = self.entries[word]
                        self._ranks[misspelt] = self._ranks[word]


def valued(value: float, negated: float | None = None) -> Entry:
    """Return the entry of a word that is worth so much."""
    if negated is None:
        negated = value * (_NOT_GOOD if value > 0 else _NOT_BAD)
    return Entry(value=value, negated=negated)
