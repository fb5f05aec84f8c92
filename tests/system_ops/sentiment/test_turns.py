"""What was mended or only asked for, what is gone, what was better once, and what is wished for."""

import pytest

from django_system_ops.engine.sentiment.lines import read_lexicon
from django_system_ops.engine.sentiment.scoring import Scorer
from django_system_ops.services.sentiment.lexicons import KNOWN_LANGUAGES, lexicon_backend


@pytest.fixture(scope="module")
def feel():
    backend = lexicon_backend(KNOWN_LANGUAGES)

    def feel(language, text):
        return backend.analyse([text], [language])[0]

    return feel


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Please repair it"),
        ("en", "Repair my router!"),
        ("en", "Somebody has to resolve this"),
        ("en", "It would be repaired on Tuesday, they said"),
        ("en", "It should have been repaired on Tuesday"),
        ("en", "I need the washing machine repaired"),
        ("en", "How do I remove a picture?"),
        ("en", "I want to remove a picture"),
        ("en", "I have to correct my surname"),
        ("en", "Was it repaired?"),
        ("es", "Reparen el router, por favor"),
        ("es", "¿Lo van a reparar?"),
        ("es", "Quiero que lo reparen"),
        ("es", "Dijeron que quedaría reparado el martes"),
        ("es", "Prometieron repararlo el martes"),
        ("es", "Quiero quitar una foto"),
        ("es", "Cómo quito una foto"),
        ("es", "¿Ya lo repararon?"),
        ("es", "Me urge que lo corrijan"),
    ],
)
def test_who_asks_for_something_to_be_mended_praises_nobody(feel, language, text):
    assert feel(language, text).label == "neutral"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "They repaired it"),
        ("en", "My issue has been resolved"),
        ("en", "The problem was solved within an hour"),
        ("en", "There was a bug and they fixed it"),
        ("en", "They fixed the crash"),
        ("es", "Lo repararon enseguida"),
        ("es", "El técnico reparó la avería"),
        ("es", "El error quedó corregido"),
        ("es", "Me han resuelto el problema"),
        ("es", "Tuve un problema y lo solucionaron"),
    ],
)
def test_what_was_mended_is_good(feel, language, text):
    assert feel(language, text).label == "positive"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Please fix the error"),
        ("en", "Repair this garbage"),
        ("en", "Fix it 😡"),
        ("en", "They fixed it but were rude"),
        ("en", "They repaired it badly"),
        ("en", "They fixed nothing"),
        ("en", "They did not solve the problem"),
        ("es", "Corrijan el error"),
        ("es", "Quiten esa basura"),
        ("es", "Repárenlo 😡"),
        ("es", "Lo repararon fatal"),
        ("es", "Lo repararon pero fueron muy groseros"),
        ("es", "Nadie lo resuelve"),
    ],
)
def test_anger_behind_a_mending_verb_stays(feel, language, text):
    assert feel(language, text).label == "negative"


@pytest.mark.parametrize(
    ("language", "text", "trouble"),
    [
        ("en", "They fixed one thing and caused an error", "an error"),
        ("en", "They fixed it, and now an error", "an error"),
        ("en", "They fixed what ruins the error", "ruins the error"),
        ("es", "Arreglaron una cosa y salió un error", "un error"),
        ("es", "Lo arreglaron, un error", "un error"),
    ],
)
def test_mending_reaches_no_further_than_its_clause(feel, language, text, trouble):
    assert feel(language, text).score < feel(language, text.replace(trouble, "")).score


def test_broken_thing_that_was_repaired_is_no_praise_and_no_anger(feel):
    assert feel("en", "They repaired my broken phone").label == "neutral"


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "How can I avoid errors?"), ("es", "Leo el manual para evitar errores")],
)
def test_trouble_that_is_averted_is_none(feel, language, text):
    assert feel(language, text).label == "neutral"


@pytest.mark.parametrize(
    ("language", "text", "label"),
    [
        ("en", "The bug went away", "positive"),
        ("en", "The problem is gone", "positive"),
        ("en", "The problem is not gone", "negative"),
        ("en", "No more errors", "positive"),
        ("en", "My order disappeared", "negative"),
        ("en", "There was a problem and he disappeared", "negative"),
        ("es", "Desapareció el problema", "positive"),
        ("es", "El fallo ya desapareció", "positive"),
        ("es", "No desaparece el problema", "negative"),
        ("es", "Desapareció mi pedido", "negative"),
        ("es", "Ya no se cuelga", "positive"),
        ("es", "Ya no me da ningún error", "positive"),
    ],
)
def test_trouble_that_is_gone_is_good(feel, language, text, label):
    assert feel(language, text).label == label


@pytest.mark.parametrize(
    ("language", "text", "label"),
    [
        ("en", "I used to love this shop", "negative"),
        ("en", "It used to be good and fast", "negative"),
        ("en", "It used to freeze, now it is great", "positive"),
        ("en", "I am used to good service and this was great", "positive"),
        ("en", "Everything was fine until last week", "negative"),
        ("en", "It worked until last week", "negative"),
        ("en", "She was patient until it was solved", "positive"),
        ("en", "Great food, open until late", "positive"),
        ("es", "Antes me encantaba esta tienda", "negative"),
        ("es", "Solían ser muy amables", "negative"),
        ("es", "Antes era lento, pero ahora es genial", "positive"),
        ("es", "Llegó antes y es precioso", "positive"),
        ("es", "Antes de llamar leí la guía, excelente", "positive"),
        ("es", "Nunca antes había visto algo tan bonito", "positive"),
        ("es", "Iba todo bien hasta la semana pasada", "negative"),
        ("es", "Fue muy amable hasta el final", "positive"),
    ],
)
def test_what_was_good_is_no_more(feel, language, text, label):
    assert feel(language, text).label == label


@pytest.mark.parametrize(
    ("language", "text", "label"),
    [
        ("en", "I wish it was faster", "negative"),
        ("en", "I wish they answered", "negative"),
        ("en", "I wish it did not freeze", "negative"),
        ("en", "It would be great if it worked", "negative"),
        ("en", "It would be great if you could call me", "neutral"),
        ("en", "I would like you to help me", "neutral"),
        ("en", "I wish all shops were like this", "positive"),
        ("es", "Ojalá respondieran", "negative"),
        ("es", "Me gustaría que fuera rápido", "negative"),
        ("es", "Sería genial que sirviera", "negative"),
        ("es", "Ojalá todo salga bien", "neutral"),
        ("es", "Quisiera que me ayudaran con mi pedido", "neutral"),
        ("es", "Ojalá todas las tiendas fueran así", "positive"),
    ],
)
def test_what_is_wished_for_is_not_there(feel, language, text, label):
    assert feel(language, text).label == label


@pytest.mark.parametrize(
    ("language", "text", "label"),
    [
        ("en", "What a joke", "negative"),
        ("en", "What a disgrace", "negative"),
        ("en", "What a pleasure", "positive"),
        ("en", "What a great place", "positive"),
        ("en", "Nothing to improve", "positive"),
        ("en", "Far from being good", "negative"),
        ("es", "Nada que mejorar", "positive"),
        ("es", "Estoy harto", "negative"),
        ("es", "Harto de esta tienda", "negative"),
        ("es", "Nos tienen harto", "negative"),
        ("es", "Está harto bueno", "positive"),
        ("es", "Dista mucho de ser bueno", "negative"),
        ("es", "No se puede confiar", "negative"),
    ],
)
def test_turns_of_speech(feel, language, text, label):
    assert feel(language, text).label == label


def test_what_a_strengthens_what_it_runs_into(feel):
    assert feel("en", "What a joke").score < feel("en", "a joke").score


def test_strange_language_can_mend_with_words_as_they_are():
    lexicon = read_lexicon(
        "[nouns]\n-2: panne\n[troubles]\npanne\n[mending verbs]\n1.9: corrigé", "fr"
    )
    scorer = Scorer(lexicon)

    assert scorer.sentiment("panne").label == "negative"
    assert scorer.sentiment("corrigé la panne") == scorer.sentiment("corrigé")


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "was good until " * 1300), ("es", "ojalá " + "bueno " * 3000)],
)
def test_long_text_is_looked_at_once(feel, monkeypatch, language, text):
    from django_system_ops.engine.sentiment.weighing import Weighing

    looked_at = []
    original = Weighing._is_past

    def count(self, begin, end):
        looked_at.append(end - begin)
        return original(self, begin, end)

    monkeypatch.setattr(Weighing, "_is_past", count)
    feel(language, text)

    assert sum(looked_at) < 20_000
