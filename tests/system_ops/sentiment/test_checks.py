"""What check says about the settings, and that the command refuses what it calls an error."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_system_ops.checks.sentiment import check_sentiment
from django_system_ops.conf import get_conf
from django_system_ops.models import SentimentScore
from tests.system_ops.sentiment.conftest import GOOD, OPINIONS, UTTERANCES, analyse, say

FIELDS = {"label": "sentiment", "score": "sentiment_score"}


def ids():
    return [one.id.removeprefix("django_system_ops.") for one in check_sentiment()]


@pytest.mark.parametrize(
    "conf", [UTTERANCES, OPINIONS, {}, {**UTTERANCES, "fields": FIELDS, "agent": "agent__name"}]
)
def test_what_fits_is_no_problem(sentiment, conf):
    sentiment(**conf)

    assert check_sentiment() == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"model": "shop.Nothing"}, "E075"),
        ({"model": "nothing"}, "E075"),
        ({"text_field": "nothing"}, "E076"),
        ({"text_field": "chat"}, "E076"),
        ({"date_field": "text"}, "E076"),
        ({"date_field": "chat__nothing"}, "E076"),
        ({"date_field": "text__nothing"}, "E076"),
        ({"agent": "nothing"}, "E076"),
        ({"agent_name_field": "nothing"}, "E076"),
        ({"agent": "chat__tags"}, "E076"),
        ({"fields": {"label": "nothing"}}, "E076"),
        ({"fields": {"score": "sentiment"}}, "E076"),
        ({"filter": {"nothing": 1}}, "E076"),
        ({"tenant": "nothing"}, "E077"),
        ({"tenant": "agent"}, "E077"),
        ({"backend": "transformers"}, "E078"),
        ({"backend": "transformers", "transformers_model": "nowhere"}, "E078"),
        ({"backend": "tests.nothing.Nothing"}, "E078"),
        ({"languages": ["es", "fr"]}, "E079"),
        ({"extra_words": {"fr": {"bon": 2.0}}}, "E079"),
        ({"extra_files": {"es": "nowhere.txt"}}, "E079"),
    ],
)
@pytest.mark.django_db
def test_what_does_not_fit_is_an_error_and_is_refused(sentiment, change, code):
    say(GOOD)
    sentiment(**{**UTTERANCES, **change})

    assert ids() == [code]
    if "fr" not in change.get("extra_words", ()):
        found = analyse()
        assert (found["status"], found["sentence"] != "") == (1, True)
        assert not SentimentScore.objects.exists()


def test_file_with_a_wrong_line_is_an_error(sentiment, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("[words]\nbueno")
    sentiment(**UTTERANCES, extra_files={"es": str(path)})

    assert ids() == ["E079"]
    assert "line 2: it begins with no value" in check_sentiment()[0].msg


def test_english_without_its_words_is_an_error(sentiment, monkeypatch):
    from django_system_ops.services.sentiment import backends

    monkeypatch.setattr(backends, "has_words", lambda: False)

    assert ids() == ["E078"]
    sentiment(**UTTERANCES, languages=["es"])
    assert ids() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shared": True}, "not both"),
        ({"tenant": ""}, "shared: True"),
        ({"languages": "es"}, "write a list"),
        ({"languages": []}, "at least 1 item"),
        ({"extra_words": {"es": {"a": 5}}}, "'a' must be worth -4 to 4, not 5"),
        ({"extra_words": {"es": {"a": float("nan")}}}, "must be worth -4 to 4"),
        ({"extra_words": {"es": {"a, b": 1}}}, "is no word or phrase"),
        ({"extra_words": {"es": {" ": 1}}}, "is no word or phrase"),
        ({"batch_size": 0}, "greater than or equal to 1"),
        ({"batch_size": 10_001}, "less than or equal to 10000"),
        ({"unknown": 1}, "is not a setting"),
        ({"fields": {"unknown": "x"}}, "is not a setting"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(sentiment, change, words):
    sentiment(**{**UTTERANCES, **change})

    with pytest.raises(ImproperlyConfigured, match=words):
        get_conf()
    assert check_sentiment() == []
