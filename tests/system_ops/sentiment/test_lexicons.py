"""The lexicons that come with the app: no entry hides another, and what is misspelt is known."""

import pytest

from django_system_ops.engine.sentiment.lines import INFLECTIONS, read_lexicon
from django_system_ops.services.sentiment import lexicons
from django_system_ops.services.sentiment.lexicons import (
    KNOWN_LANGUAGES,
    detector,
    lexicon_backend,
)


def inflected(language):
    """Read the sections with inflection alone."""
    wanted = {*INFLECTIONS[language], "forms", "exceptions"} - {"troubles"}
    lines, section = [], ""
    for line in lexicons._resource(f"{language}.txt").splitlines():
        if line.startswith("["):
            section = line.strip("[] ")
        if section in wanted:
            lines.append(line)
    return read_lexicon("\n".join(lines), language)


@pytest.mark.parametrize("language", KNOWN_LANGUAGES)
def test_no_word_hides_a_form_that_is_worth_something_else(language):
    """What a form means in truth stands in [exceptions], for everybody to see."""
    whole = lexicons._lexicon(language, {}, ()).entries

    hidden = [
        f"{word}: {whole[word].value} / {whole[word].negated}, not {one.value} / {one.negated}"
        for word, one in inflected(language).entries.items()
        if one.is_plain
        and (
            whole[word].kind != one.kind
            or abs(whole[word].value - one.value) >= 1
            or abs(whole[word].negated - one.negated) >= 1
        )
    ]

    assert hidden == []


@pytest.mark.parametrize("language", KNOWN_LANGUAGES)
def test_exceptions_are_forms_of_something_and_something_themselves(language):
    whole = lexicons._lexicon(language, {}, ())
    text = lexicons._resource(f"{language}.txt").replace("[exceptions]", "[breaks]")
    forms = read_lexicon(text.replace("[words]", "[imported]"), language)

    assert whole.exceptions
    for word in whole.exceptions:
        assert word in whole.entries
        assert word in forms.entries


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("It doesn't help", "negative"),
        ("They didn't help us", "negative"),
        ("It won't charge", "negative"),
        ("Could you help me, please?", "neutral"),
        ("There is no charge for delivery", "neutral"),
        ("Lacks everything", "negative"),
    ],
)
def test_word_that_is_worth_something_behind_a_not_alone(text, label):
    assert lexicon_backend(["en"]).analyse([text], ["en"])[0].label == label


@pytest.mark.parametrize(
    ("text", "language", "label"),
    [
        ("Excelent", "en", "positive"),
        ("very dissapointing", "en", "negative"),
        ("uselles thing", "en", "negative"),
        ("awfull", "en", "negative"),
        ("Exelentes", "es", "positive"),
        ("grasias", "es", "positive"),
        ("orriblemente", "es", "negative"),
        ("una berguenza", "es", "negative"),
        ("no me alludaron", "es", "negative"),
    ],
)
def test_frequent_misspelling_is_as_good_as_the_word(text, language, label):
    assert lexicon_backend([language]).analyse([text], [language])[0].label == label
    assert detector().language(text, (language,)) == language


def test_misspelling_takes_no_place_that_is_taken():
    lexicon = read_lexicon("[words]\n2: bon\n-2: bom\n[misspellings]\nbo: bu, bo", "fr")
    lexicon.add_misspelt()

    assert lexicon.entries["bun"].value == 2.0
    assert lexicon.entries["bum"].value == lexicon.entries["bom"].value == -2.0


def test_what_decides_the_language_decides_the_version(monkeypatch):
    before = lexicon_backend(["es"]).version
    original = lexicons._resource

    monkeypatch.setattr(
        lexicons, "_resource", lambda name: original(name) + "#" * (name == "languages.txt")
    )
    lexicons._backend.cache_clear()
    words_changed = lexicon_backend(["es"]).version
    monkeypatch.undo()
    monkeypatch.setattr(lexicons, "DETECTION_VERSION", "another")
    lexicons._backend.cache_clear()
    rules_changed = lexicon_backend(["es"]).version
    monkeypatch.undo()
    lexicons._backend.cache_clear()

    assert len({before, words_changed, rules_changed}) == 3
    assert lexicon_backend(["es"]).version == before
