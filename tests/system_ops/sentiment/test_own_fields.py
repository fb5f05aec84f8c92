"""Copies of scores in fields of the site's own model."""

import pytest

from tests.system_ops.sentiment.conftest import (
    BAD,
    GOOD,
    UTTERANCES,
    analyse,
    counted,
    say,
    sums,
)
from tests.system_ops.shop.models import Utterance

pytestmark = pytest.mark.django_db


def test_fields_of_the_sites_own_model_get_a_copy(sentiment):
    sentiment(**UTTERANCES, fields={"label": "sentiment", "score": "sentiment_score"})
    say(GOOD, BAD, "xyzzy")

    analyse("--batch-size=2")

    good, bad, odd = Utterance.objects.order_by("pk")
    assert (good.sentiment, bad.sentiment, odd.sentiment) == ("positive", "negative", "unknown")
    assert good.sentiment_score > 0 > bad.sentiment_score
    assert odd.sentiment_score is None


def test_backend_on_trial_leaves_the_sites_own_fields_alone(sentiment):
    sentiment(**UTTERANCES, fields={"label": "sentiment", "score": "sentiment_score"})
    say(GOOD)
    analyse()
    before = list(Utterance.objects.values())

    assert analyse("--backend=tests.system_ops.sentiment.scorers.Gloomy")["negative"] == 1

    assert list(Utterance.objects.values()) == before


def test_copy_that_differs_is_written_again(sentiment):
    fields = {"label": "sentiment", "score": "sentiment_score"}
    say(GOOD, BAD, "xyzzy")
    analyse()
    sentiment(**UTTERANCES, fields=fields)

    assert analyse()["scored"] == 3
    assert analyse()["skipped"] == 3
    Utterance.objects.filter(sentiment="positive").update(sentiment_score=-1)

    assert analyse()["scored"] == 1
    assert Utterance.objects.get(sentiment="positive").sentiment_score > 0
    assert sums() == counted()
