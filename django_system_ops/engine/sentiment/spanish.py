"""
The forms of Spanish words, without accents.

Source: Real Academia Española, Nueva gramática, chapters 2 (number, gender), 4 (verbs) and 7
(superlatives). Forms that no rule gives stand in the lexicon.
"""

from collections.abc import Iterator

__all__ = ["adjective", "bygone", "finished", "noun", "verb"]

_VOWELS = "aeiou"
_PRESENT = {
    "a": ("o", "as", "a", "amos", "ais", "an"),
    "e": ("o", "es", "e", "emos", "eis", "en"),
    "i": ("o", "es", "e", "imos", "is", "en"),
}
_SUBJUNCTIVE = {
    "a": ("e", "es", "e", "emos", "eis", "en"),
    "e": ("a", "as", "a", "amos", "ais", "an"),
}
_IMPERFECT = {"a": "aba abas abamos abais aban", "e": "ia ias iamos iais ian"}
_PRETERITE = {"a": "aste o amos asteis aron", "e": "iste io imos isteis ieron"}
_PAST_SUBJUNCTIVE = {
    "a": "ara aras aramos aran ase asen",
    "e": "iera ieras ieramos ieran iese iesen",
}
_FUTURE = "e as a emos eis an ia ias iamos iais ian"
_PRONOUNS = (
    *("me", "te", "se", "lo", "la", "le", "los", "las", "les", "nos", "os"),
    *("melo", "mela", "noslo", "nosla", "selo", "sela", "telo", "tela"),
)
_ORDERS = ("me", "nos", "lo", "la", "le", "se", "los", "las", "les")
# Which persons the stem changes in: not we, not you all.
_STRESSED = (0, 1, 2, 5)


def adjective(word: str) -> Iterator[str]:
    """Yield an adjective in both genders and numbers, its superlative and its adverb."""
    stem, feminine = word, word
    if word[-1] == "o":
        stem, feminine = word[:-1], f"{word[:-1]}a"
    elif word[-1] in _VOWELS:
        stem = word[:-1]
    elif word.endswith(("or", "on", "an", "in", "es")):
        feminine = f"{word}a"
    yield from noun(word)
    if feminine != word:
        yield from (feminine, f"{feminine}s")
    yield f"{feminine}mente"
    root = f"{stem[:-2]}bil" if word.endswith("ble") else _hard(stem)
    yield from (root + end for end in ("isimo", "isima", "isimos", "isimas"))


def noun(word: str) -> Iterator[str]:
    """Yield a noun in both numbers."""
    yield word
    if word[-1] in _VOWELS:
        yield f"{word}s"
    elif word[-1] == "z":
        yield f"{word[:-1]}ces"
    else:
        yield f"{word}es"


def verb(word: str, change: str = "", *, pronouns: bool = True) -> Iterator[str]:
    """
    Yield the forms of a verb.

    Args:
        word: its infinitive; one that ends in ``se`` is taken without.
        change: what the vowel of the stressed stem becomes: ``ie``, ``ue`` or ``i``.
        pronouns: whether those with a pronoun written onto them are wanted: ``ayudarme``.
    """
    word = word.removesuffix("se") if word.endswith("rse") else word
    stem, kind = word[:-2], word[-2]
    changed = _changed(stem, change)
    yield from _indicative(stem, changed, kind)
    yield from _subjunctive(stem, changed, kind, change, pronouns=pronouns)
    for end in _FUTURE.split():
        yield word + end
    base = "a" if kind == "a" else "e"
    weak = _changed(stem, "i") if change == "i" else stem
    for end in (*_IMPERFECT[base].split(), f"{kind}d"):
        yield stem + end
    for end in (*_PRETERITE[base].split(), *_PAST_SUBJUNCTIVE[base].split()):
        yield _glide((weak if end.startswith(("io", "ie")) else stem) + end)
    yield (_hard(stem) + "e") if kind == "a" else f"{stem}i"
    for end in ("o", "a", "os", "as"):
        yield f"{stem}{'ad' if kind == 'a' else 'id'}{end}"
    gerund = _glide(f"{weak}{'ando' if kind == 'a' else 'iendo'}")
    for form in (word, gerund):
        yield form
        if pronouns:
            yield from (form + one for one in _PRONOUNS)


def finished(word: str, change: str = "") -> Iterator[tuple[str, bool]]:
    """
    Yield the forms of a verb that say that it was done, and whether they may be the present too.

    ``arreglo`` is both without its accent; ``arregle`` is left out: it is an order more often.
    """
    word = word.removesuffix("se") if word.endswith("rse") else word
    stem, kind = word[:-2], word[-2]
    present = set(_indicative(stem, _changed(stem, change), kind))
    weak = _changed(stem, "i") if change == "i" else stem
    for end in _PRETERITE["a" if kind == "a" else "e"].split():
        form = _glide((weak if end.startswith(("io", "ie")) else stem) + end)
        yield form, form in present
    if kind != "a":
        yield f"{stem}i", False
    for end in ("o", "a", "os", "as"):
        yield f"{stem}{'ad' if kind == 'a' else 'id'}{end}", False


def bygone(word: str, change: str = "") -> Iterator[str]:
    """Yield the forms of a verb that tell how things were, or might have been."""
    word = word.removesuffix("se") if word.endswith("rse") else word
    stem, kind = word[:-2], word[-2]
    weak = _changed(stem, "i") if change == "i" else stem
    base = "a" if kind == "a" else "e"
    for end in _IMPERFECT[base].split():
        yield stem + end
    for end in _PAST_SUBJUNCTIVE[base].split():
        yield _glide((weak if end.startswith("ie") else stem) + end)


def _indicative(stem: str, changed: str, kind: str) -> Iterator[str]:
    for person, end in enumerate(_PRESENT[kind]):
        if person == 0:
            yield _soft_first(stem, changed, kind)
        else:
            yield _glide((changed if person in _STRESSED else stem) + end)
    # "vos": regular, with the accent on its end.
    yield stem + {"a": "as", "e": "es", "i": "is"}[kind]
    yield stem + kind  # and its imperative


def _subjunctive(
    stem: str, changed: str, kind: str, change: str, *, pronouns: bool
) -> Iterator[str]:
    base = "a" if kind == "a" else "e"
    for person, end in enumerate(_SUBJUNCTIVE[base]):
        stressed = person in _STRESSED or change == "i"
        root = changed if stressed else stem
        root = _hard(root) if kind == "a" else _soft_first(stem, root, kind)[:-1]
        yield root + end
        if pronouns and person in (2, 5):  # orders to "usted" and "ustedes"
            yield from (root + end + one for one in _ORDERS)


def _soft_first(stem: str, changed: str, kind: str) -> str:
    """Return the first person: agradezco, destruyo, protejo, venzo."""
    if kind == "a":
        return f"{changed}o"
    if stem[-1] == "c":
        return f"{stem}zo".replace("czo", "zco") if stem[-2:-1] in _VOWELS else f"{changed[:-1]}zo"
    if stem[-1] == "g" and stem[-2:] != "gu":
        return f"{changed[:-1]}jo"
    if stem.endswith("gu"):
        return f"{changed[:-1]}o"
    if kind == "i" and stem[-1] == "u":
        return f"{stem}yo"
    return f"{changed}o"


def _hard(stem: str) -> str:
    """Return a stem that keeps its sound before e and i: saque, pague, rechace, averigüe."""
    if stem[-1:] == "c":
        return f"{stem[:-1]}qu"
    if stem[-1:] == "g":
        return f"{stem}u"
    return f"{stem[:-1]}c" if stem[-1:] == "z" else stem


def _glide(form: str) -> str:
    """Return a form whose unstressed i between vowels has become y: leyo, huyendo."""
    for end in ("io", "ieron", "iera", "ieras", "ieramos", "ieran", "iese", "iesen", "iendo"):
        before = form[: -len(end)]
        if form.endswith(end) and before[-1:] in _VOWELS and before[-2:] not in ("gu", "qu"):
            return f"{before}y{end[1:]}"
    for end in ("es", "e", "en"):
        before = form[: -len(end)]
        if (
            form.endswith(f"u{end}")
            and before[-2:-1] in ("r", "n", "l", "t", "b")
            and len(form) > 6
        ):
            return f"{before}y{end}"
    return form


def _changed(stem: str, change: str) -> str:
    vowel = {"ie": "e", "ue": "ou", "i": "e"}.get(change, "")
    for place in range(len(stem) - 1, -1, -1):
        if stem[place] in vowel:
            return stem[:place] + change + stem[place + 1 :]
    return stem
