"""What sentences of two languages are worth: negation, degree, contrast, and odd spelling."""

import pytest

from django_system_ops.engine.sentiment.lines import LexiconError, read_lexicon
from django_system_ops.engine.sentiment.scoring import Scorer
from django_system_ops.engine.sentiment.tokens import tokenise
from django_system_ops.exceptions import SystemOpsError
from django_system_ops.services.sentiment.lexicons import KNOWN_LANGUAGES, lexicon_backend


@pytest.fixture(scope="module")
def backend():
    return lexicon_backend(KNOWN_LANGUAGES)


@pytest.fixture(scope="module")
def feel(backend):
    def feel(text, language="es"):
        return backend.analyse([text], [language])[0]

    return feel


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("El servicio es bueno", "positive"),
        ("El servicio no es bueno", "negative"),
        ("El servicio es malo", "negative"),
        ("No está mal", "positive"),
        ("Nunca funciona", "negative"),
        ("Ya funciona, por fin", "positive"),
        ("No me ayudaron nada", "negative"),
        ("Nadie respondió jamás", "negative"),
        ("Sin problemas", "positive"),
        ("Tampoco responden al correo", "negative"),
        ("No es bonito ni barato", "negative"),
        ("Para nada satisfecho", "negative"),
        ("No puede ser mejor", "positive"),
        ("No puede ser peor", "negative"),
        ("Nada útil", "negative"),
        ("Resolvieron el problema", "positive"),
        ("No resolvieron el problema", "negative"),
        ("Poco profesional", "negative"),
        ("Es bonito, pero no sirve", "negative"),
        ("Es feo, pero funciona de maravilla", "positive"),
        ("Aunque es caro, es excelente", "positive"),
        ("Mi pedido es el 12", "neutral"),
        ("¿A qué hora abren?", "neutral"),
        ("buenisimoooo", "positive"),
        ("PESIMA ATENCION", "negative"),
        ("pesima atencion", "negative"),
        ("Agradeciéndole su paciencia, me despido", "positive"),
        ("Nos encantaría felicitarlos", "positive"),
        ("xyzzy plugh", "unknown"),
        ("", "unknown"),
        ("12345", "unknown"),
        ("😍", "positive"),
        ("😡😡", "negative"),
        (":(", "negative"),
        ("https://example.com/a 10:30", "unknown"),
    ],
)
def test_spanish(feel, text, label):
    assert feel(text).label == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("The service is good", "positive"),
        ("The service is not good", "negative"),
        ("The service isn’t good", "negative"),
        ("not bad", "positive"),
        ("It never works", "negative"),
        ("It could not be better", "positive"),
        ("It couldn't be worse", "negative"),
        ("They fixed the problem", "positive"),
        ("They did not fix the problem", "negative"),
        ("Nobody replied", "negative"),
        ("Pretty, but useless", "negative"),
        ("Although it is expensive, it is excellent", "positive"),
        ("sooooo goooood", "positive"),
        ("What time do you open?", "neutral"),
        ("My order is 12", "neutral"),
        ("Could you help me, please?", "neutral"),
    ],
)
def test_english(feel, text, label):
    assert feel(text, "en").label == label


def test_degree_makes_more_or_less_of_a_word(feel):
    plain = feel("Es bueno").score

    assert feel("Es muy bueno").score > plain > feel("Es un poco bueno").score > 0
    assert feel("Es bueno!!").score > plain
    assert feel("Es buenoooo").score > plain
    assert feel("Es BUENO de verdad").score > feel("Es bueno de verdad").score


def test_what_follows_but_weighs_more(feel):
    assert feel("Es bueno, pero es malo").score < 0 < feel("Es malo, pero es bueno").score


def test_question_says_less_than_a_statement(feel):
    assert 0 > feel("¿Hay algún error?").score > feel("Hay algún error.").score


def test_comma_ends_what_not_reaches(feel):
    assert feel("No, gracias, todo bien").label == "positive"
    assert feel("No funciona, qué malo").score < feel("No funciona").score


def test_scores_stay_between_minus_one_and_one(feel):
    worst = feel("pésimo horrible asqueroso " * 3000)

    assert -1 <= worst.score < -0.99


def test_text_of_a_million_characters_is_read_no_further_than_is_needed(feel):
    assert len(tokenise("a " * 1_000_000)) == 10_000
    assert feel("a" * 1_000_000).label == "unknown"


@pytest.mark.parametrize("text", ["\0", "\ud800", "\u202e", "a\u0301" * 50, "💥", "((((", "***"])
def test_odd_characters_are_no_trouble(feel, text):
    assert -1 <= feel(text).score <= 1


def test_language_that_nobody_knows_has_emoji_alone(feel):
    assert feel("отлично 😍", "").label == "positive"
    assert feel("отлично", "")[:2] == ("unknown", 0.0)


def test_lexicons_are_large(backend):
    for language in KNOWN_LANGUAGES:
        words = [word for word, entry in backend._scorers[language]._entries.items() if entry.value]
        assert len(words) > 3000


def test_own_words_go_before_ours_and_change_the_version(backend):
    own = lexicon_backend(["es"], extra_words={"es": {"chiripitiflautico": 3.0, "bueno": -3.0}})

    assert own.analyse(["chiripitifláutico"], ["es"])[0].label == "positive"
    assert own.analyse(["bueno"], ["es"])[0].label == "negative"
    assert own.version != lexicon_backend(["es"]).version
    assert len({lexicon_backend(["es"]).version, own.version, backend.version}) == 3


def test_own_file_has_forms_phrases_and_values_behind_a_not(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text(
        "[verbs]\n-2.5: zurrupear\n[phrases]\n3: {tener} duende\n[words]\n0/-3: brillito"
    )
    own = lexicon_backend(["es"], extra_files={"es": path})

    def label(text):
        return own.analyse([text], ["es"])[0].label

    assert label("me zurrupearon") == "negative"
    assert label("este sitio tiene duende") == "positive"
    assert (label("brillito"), label("sin brillito")) == ("neutral", "negative")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[wordz]\n1: a", "line 1: there is no section 'wordz'"),
        ("[words]\nbueno", "line 2: it begins with no value"),
        ("[words]\n9: bueno", "line 2: a value is between -4 and 4"),
        ("[phrases]\n2: {ver} bien", None),
    ],
)
def test_line_that_cannot_be_read_is_named(tmp_path, text, sentence):
    path = tmp_path / "words.txt"
    path.write_text(text)

    if sentence is None:
        lexicon_backend(["es"], extra_files={"es": path})
        return
    with pytest.raises(SystemOpsError, match=sentence.replace("(", r"\(")):
        lexicon_backend(["es"], extra_files={"es": path})


def test_language_without_inflection_has_its_words_as_they_are():
    lexicon = read_lexicon("[adjectives]\n2: bon\n[negators]\npas", "fr")

    assert Scorer(lexicon).sentiment("pas bon").label == "negative"
    with pytest.raises(LexiconError, match="no forms are known"):
        read_lexicon("[phrases]\n2: {aller} bien", "fr")
