"""The lines of a lexicon, which people can write, and how they become its words."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product

from django_system_ops.engine.sentiment import english, spanish
from django_system_ops.engine.sentiment.lexicon import (
    GAP,
    MARKS,
    Entry,
    Kind,
    Lexicon,
    Mend,
    valued,
)
from django_system_ops.engine.sentiment.tokens import tokenise

__all__ = ["INFLECTIONS", "LexiconError", "read_lexicon"]

Forms = Callable[[str, str], Iterable[str]]

# Verbs that do something to a trouble: to end it, to keep it away, and to go away as it.
_MENDING, _AVERTING, _VANISHING = "mending verbs", "averting verbs", "vanishing verbs"
_VERBS = ("verbs", _MENDING, _AVERTING, _VANISHING)

#: How the words of a language are inflected, by the section of its lexicon.
INFLECTIONS: Mapping[str, Mapping[str, Forms]] = {
    "es": {
        "adjectives": lambda word, _: spanish.adjective(word),
        "nouns": lambda word, _: spanish.noun(word),
        "troubles": lambda word, _: spanish.noun(word),
        **dict.fromkeys(_VERBS, spanish.verb),
    },
    "en": {
        "adjectives": lambda word, _: english.adjective(word),
        "nouns": lambda word, _: english.noun(word),
        "troubles": lambda word, _: english.noun(word),
        **dict.fromkeys(_VERBS, english.verb),
    },
}
# The same of the verbs in phrases: there the pronouns are words of their own.
_PHRASE_FORMS: Mapping[str, Forms] = {
    "es": lambda word, change: spanish.verb(word, change, pronouns=False),
    "en": english.verb,
}
_FINISHED: Mapping[str, Callable[[str, str], Iterable[tuple[str, bool]]]] = {
    "es": spanish.finished,
    "en": english.finished,
}
_BYGONE: Mapping[str, Forms] = {
    "es": spanish.bygone,
    "en": lambda word, change: [form for form, _ in english.finished(word, change)],
}

_LARGEST = 4.0
_KINDS = {
    "negators": Kind.NEGATOR,
    "boosters": Kind.BOOSTER,
    "reversers": Kind.REVERSER,
    "contrasts": Kind.CONTRAST,
    "concessions": Kind.CONCESSION,
    "breaks": Kind.BREAK,
    "bygones": Kind.BYGONE,
    "wishes": Kind.WISH,
    "presents": Kind.PRESENT,
    "until": Kind.UNTIL,
}
# Which section decides when two have a word: rules, then words as they are, then the rest.
_RANKS = {
    name: rank
    for rank, names in enumerate(
        (
            tuple(_KINDS),
            ("words", "mended"),
            ("adjectives",),
            ("nouns",),
            (_MENDING, _AVERTING, _VANISHING),
            ("verbs",),
            ("imported",),
        )
    )
    for name in names
}
_SECTIONS = {*_RANKS, *MARKS, "phrases", "forms", "exceptions", "misspellings"}


class LexiconError(ValueError):
    """A line of a lexicon cannot be read; the text says which, and why."""


def read_lexicon(
    text: str,
    language: str,
    *,
    into: Lexicon | None = None,
    first: bool = False,
    forms_only: bool = False,
) -> Lexicon:
    """
    Return a lexicon read from lines, or add them to one.

    Args:
        text: the lines; their format is that of the how-to page.
        language: decides how words are inflected.
        into: gets the lines.
        first: whether these lines go before all others.
        forms_only: whether only the section ``[forms]`` is wanted.

    Raises:
        LexiconError: a line cannot be read.
    """
    lexicon = Lexicon(language) if into is None else into
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()  # noqa: PLW2901
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip("[] ")
            if section not in _SECTIONS:
                known = ", ".join(sorted(_SECTIONS))
                raise LexiconError(f"line {number}: there is no section {section!r}, but {known}.")
            continue
        if forms_only and section != "forms":
            continue
        try:
            _read_line(lexicon, section, line, first=first)
        except ValueError as error:
            raise LexiconError(f"line {number}: {error}") from error
    return lexicon


def _read_line(lexicon: Lexicon, section: str, line: str, *, first: bool) -> None:
    head, colon, rest = line.partition(":")
    if section == "forms":
        lexicon.forms[_joined(head)] = tuple(_joined(one) for one in rest.split(","))
        return
    if section == "misspellings":
        lexicon.spellings[_joined(head)] = tuple(_joined(one) for one in rest.split(","))
        return
    numbers = _numbers(head) if colon else None
    items = [one.strip() for one in (rest if numbers else line).split(",") if one.strip()]
    if section == "exceptions":
        lexicon.exceptions.update(map(_joined, items))
        return
    inflect = INFLECTIONS.get(lexicon.language, {}).get(section)
    if section in MARKS:
        for item in items:
            for words in _expanded(lexicon, item, inflect):
                lexicon.mark(" ".join(words), MARKS[section])
        return
    if section not in _KINDS and numbers is None:
        raise ValueError(f"it begins with no value: {line[:40]!r}. Write '2.0: word, word'.")
    rank = -1 if first else _RANKS.get(section, 0)
    for item in items:
        _add(lexicon, section, item, numbers, rank)


def _numbers(head: str) -> tuple[float, float | None] | None:
    try:
        plain, slash, negated = head.partition("/")
        values = (float(plain), float(negated) if slash else None)
    except ValueError:
        return None
    if not all(value is None or abs(value) <= _LARGEST for value in values):
        raise ValueError(f"a value is between -4 and 4, got {head}.")
    return values


def _add(
    lexicon: Lexicon,
    section: str,
    item: str,
    numbers: tuple[float, float | None] | None,
    rank: int,
) -> None:
    inflect = INFLECTIONS.get(lexicon.language, {}).get(section)
    value, negated = numbers or (0.0, None)
    if section in _KINDS:
        entry = Entry(kind=_KINDS[section], value=value, negated=negated or 0.0)
    else:
        entry = valued(value, negated)
    mends = _mends(lexicon.language, section, item)
    past = _past(lexicon.language, section, item)
    entry.mends = mends[""]
    entry.is_verb = section in _VERBS
    for words in _expanded(lexicon, item, inflect):
        if len(words) != 1:
            lexicon.add_phrase(words, entry)
            continue
        word = words[0]
        if inflect is not None and word in lexicon.exceptions:
            continue
        mend = mends.get(word, mends[""])
        # Who says "fix it" praises nobody: only what was done is worth something.
        is_asked = section in (_MENDING, _AVERTING) and mend in (Mend.NOTHING, Mend.AVERTS)
        worth = 0.0 if is_asked else entry.value
        single = Entry(entry.kind, worth, entry.negated, mend, entry.is_verb, word in past)
        lexicon.add_word(word, single, rank)


def _mends(language: str, section: str, item: str) -> dict[str, int]:
    """Return what the forms of an item do to a trouble; the empty one stands for all others."""
    if section == _VANISHING:
        return {"": Mend.GONE}
    if section not in (_MENDING, _AVERTING, "mended"):
        return {"": Mend.NOTHING}
    if section == "mended" or " " in item or language not in _FINISHED:
        return {"": Mend.DONE}
    found = {"": Mend.AVERTS if section == _AVERTING else Mend.NOTHING}
    for form, is_present in _FINISHED[language](*_lemma(item)):
        found[form] = Mend.UNSURE if is_present else Mend.DONE
    return found


def _past(language: str, section: str, item: str) -> frozenset[str]:
    if section not in _VERBS or " " in item or language not in _BYGONE:
        return frozenset()
    return frozenset(_BYGONE[language](*_lemma(item)))


def _lemma(item: str) -> tuple[str, str]:
    lemma, _, change = item.strip("{}").partition(":")
    return _joined(lemma), change


def _expanded(lexicon: Lexicon, item: str, inflect: Forms | None) -> Iterator[tuple[str, ...]]:
    """Yield what an item stands for: its forms, or a phrase with each form of a {verb} in it."""
    if inflect is not None and " " not in item:
        yield from ((form,) for form in dict.fromkeys(inflect(*_lemma(item))))
        return
    parts = [_choices(lexicon, part) for part in item.split()]
    for chosen in product(*parts):
        words = tuple(word for part in chosen for word in part)
        if not words:
            continue
        yield words
        if any(word.endswith("n't") for word in words):
            yield tuple(word.replace("n't", "nt") for word in words)


def _choices(lexicon: Lexicon, part: str) -> list[tuple[str, ...]]:
    if not part.startswith("{"):
        return [(GAP,)] if part == GAP else [tuple(tokenise(part))]
    lemma, change = _lemma(part)
    if lemma in lexicon.forms:
        return [(form,) for form in lexicon.forms[lemma]]
    inflect = _PHRASE_FORMS.get(lexicon.language)
    if inflect is None:
        raise ValueError(f"{part}: no forms are known in this language; write them out.")
    forms = tuple(dict.fromkeys(inflect(lemma, change)))
    lexicon.forms[lemma] = forms
    return [(form,) for form in forms]


def _joined(text: str) -> str:
    return " ".join(tokenise(text))
