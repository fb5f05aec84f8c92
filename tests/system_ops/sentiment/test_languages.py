"""Which language a message is in, and when nobody knows."""

import pytest

from django_system_ops.services.sentiment.lexicons import detector

BOTH = ("es", "en")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("No me han contestado todavía", "es"),
        ("They have not answered yet", "en"),
        ("Excelente", "es"),
        ("Awesome", "en"),
        ("me encantaaaa", "es"),
        ("gracias", "es"),
        ("thx", "en"),
        ("¿?", "es"),
        ("Merci beaucoup, c'est parfait", ""),
        ("Muito obrigado, o produto chegou bem", ""),
        ("Vielen Dank, alles ist gut", ""),
        ("Grazie mille, ottimo servizio", ""),
        ("Moltes gràcies, tot ha anat bé", ""),
        ("Wspaniała obsługa", ""),
        ("Отлично", ""),
        ("12345", ""),
        ("😍", ""),
        ("", ""),
        ("qwrtp zxcvb", ""),
    ],
)
def test_language(text, language):
    assert detector().language(text, BOTH) == language


def test_language_that_is_not_wanted_is_unknown():
    assert detector(("es",)).language("They have not answered yet", ("es",)) == ""


def test_word_of_both_is_of_the_first_that_the_settings_name():
    assert detector().language("horrible", ("es", "en")) == "es"
    assert detector().language("horrible", ("en", "es")) == "en"


def test_unknown_words_are_told_by_their_ends():
    assert detector().language("zurrupeación frolidad", BOTH) == "es"
    assert detector().language("blorping thweckness", BOTH) == "en"
