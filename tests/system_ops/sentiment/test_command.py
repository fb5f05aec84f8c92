"""The command: which messages it scores, what it writes, and what it says."""

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_system_ops.models import SentimentAggregate, SentimentScore
from tests.system_ops.sentiment.conftest import (
    BAD,
    GOOD,
    OPINIONS,
    PLAIN,
    UTTERANCES,
    analyse,
    counted,
    labels,
    said,
    say,
    sums,
)
from tests.system_ops.shop.models import Chat, Opinion, Utterance

pytestmark = pytest.mark.django_db


def test_messages_are_scored_and_summed_up():
    say(GOOD, BAD, PLAIN, "xyzzy", agent="Ana")
    say("It works perfectly, thank you so much", days=3, agent="Luis")

    found = analyse()

    assert (found["status"], found["scored"], found["skipped"]) == (0, 5, 0)
    assert labels() == {"positive": 2, "negative": 1, "neutral": 1, "unknown": 1}
    assert {one.language for one in SentimentScore.objects.all()} == {"es", "en", ""}
    assert sums() == counted()
    assert found["languages"] == {"es": 3, "en": 1, "unknown": 1}
    by_agent = {one["agent"]: one for one in found["totals"]["agents"]}
    assert (by_agent["Ana"]["negative"], by_agent["Luis"]["positive"]) == (1, 1)
    assert [one["tenant"] for one in found["totals"]["tenants"]] == ["acme"]
    assert len(found["totals"]["days"]) == 2


def test_second_run_skips_what_has_a_score_and_changes_nothing():
    say(GOOD, BAD)
    analyse()
    before = list(SentimentScore.objects.values()), sums()

    found = analyse()

    assert (found["scored"], found["skipped"]) == (0, 2)
    assert (list(SentimentScore.objects.values()), sums()) == before


def test_reanalyze_scores_again_and_keeps_the_sums():
    say(GOOD, BAD)
    analyse()
    SentimentScore.objects.update(analysed_at=timezone.now() - timedelta(days=9))
    before = sums()

    assert analyse("--reanalyze")["scored"] == 2
    assert sums() == before == counted()
    assert (
        SentimentScore.objects.filter(analysed_at__gt=timezone.now() - timedelta(days=1)).count()
        == 2
    )


def test_message_that_was_edited_is_scored_again():
    one, _ = say(GOOD, BAD)
    analyse()
    Utterance.objects.filter(pk=one.pk).update(text=BAD)

    assert analyse()["scored"] == 1
    assert labels() == {"negative": 2}
    assert sums() == counted()


def test_new_words_of_the_site_score_everything_again(sentiment):
    say("Qué zumbidito")
    analyse()
    sentiment(**UTTERANCES, extra_words={"es": {"zumbidito": 3.0}})

    assert analyse()["scored"] == 1
    assert labels() == {"positive": 1}
    assert sums() == counted()


def test_days():
    say(GOOD, days=10)
    new = say(BAD, days=1)

    assert analyse("--days=7")["scored"] == 1
    assert SentimentScore.objects.get().message_key == str(new[0].pk)


def test_tenant():
    say(GOOD, tenant="acme")
    say(BAD, tenant="zenith")

    found = analyse("--tenant=acme")

    assert labels() == {"positive": 1}
    assert {one.tenant for one in SentimentScore.objects.all()} == {"acme"}
    assert found["totals"]["tenants"][0]["tenant"] == "acme"
    analyse()
    assert [one["tenant"] for one in analyse("--tenant=acme")["totals"]["tenants"]] == ["acme"]
    assert analyse("--tenant=nobody")["status"] == 2
    assert analyse("--tenant=acme,zenith")["skipped"] == 2


def test_backend():
    say(GOOD)
    own = "tests.system_ops.sentiment.scorers.Gloomy"

    assert analyse(f"--backend={own}")["negative"] == 1
    assert analyse()["positive"] == 1
    assert sorted(SentimentScore.objects.values_list("backend", "label")) == [
        ("gloomy", "negative"),
        ("lexicon", "positive"),
    ]
    assert analyse("--backend=nothing")["status"] == 2
    assert analyse("--backend=tests.nothing.Nothing")["status"] == 1


def test_language():
    say("fatal error")
    say("horrible")

    analyse("--language=en")

    assert set(SentimentScore.objects.values_list("language", flat=True)) == {"en"}
    assert analyse()["skipped"] == 2
    assert analyse("--language=xx")["status"] == 2
    assert analyse("--language=fr")["status"] == 2


def test_language_that_the_settings_do_not_name_is_refused_and_scores_nothing_again(sentiment):
    sentiment(**UTTERANCES, languages=["es"])
    say(GOOD, BAD)
    analyse()

    found = analyse("--language=en")

    assert (found["status"], "['languages'] names es; add it there" in found["sentence"]) == (
        2,
        True,
    )
    assert analyse()["skipped"] == 2


def test_batch_size_changes_nothing_but_the_batches():
    say(*[GOOD, BAD, PLAIN] * 5)

    analyse("--batch-size=2")
    small = sums()
    analyse("--reanalyze")

    assert small == sums() == counted()
    assert SentimentScore.objects.count() == 15
    for wrong in ("0", "-1", "10001"):
        assert analyse(f"--batch-size={wrong}")["status"] == 2


def test_dry_run_counts_and_writes_nothing(sentiment):
    sentiment(**UTTERANCES, fields={"label": "sentiment"})
    say(GOOD, BAD)

    found = analyse("--dry-run")

    assert (found["dry_run"], found["scored"], found["positive"]) == (True, 2, 1)
    assert not SentimentScore.objects.exists()
    assert not SentimentAggregate.objects.exists()
    assert set(Utterance.objects.values_list("sentiment", flat=True)) == {""}


def test_database():
    say(GOOD)

    assert analyse("--database=default")["scored"] == 1
    assert analyse("--database=nowhere")["status"] == 2


def test_options_as_keywords():
    say(GOOD, agent="Ana")
    output = io.StringIO()

    call_command("analyze_sentiment", days=7, agent="Ana", tenant="acme", stdout=output)

    assert "1 messages: 1 scored" in output.getvalue()


def test_what_it_says():
    say(GOOD, BAD, agent="Ana")
    Utterance.objects.create(chat=Chat.objects.get(), text=GOOD)

    text = said()

    assert "3 messages: 2 scored, 0 had a score already" in text
    assert "1 have no date and were left out" in text
    assert "positive 1 (50%), negative 1 (50%), neutral 0 (0%), unknown 0 (0%)" in text
    assert "languages: es 2" in text
    assert "Ana: positive 1, negative 1, neutral 0, unknown 0; mean " in text


def test_empty_table_is_no_trouble():
    found = analyse()

    assert (found["status"], found["messages"], found["mean_score"]) == (0, 0, None)


def test_messages_without_text_are_unknown():
    say("", None, "   ")

    assert analyse()["unknown"] == 3


def test_filter_leaves_out_what_the_agents_say():
    say(GOOD)
    say(BAD, role="agent")

    analyse()

    assert labels() == {"positive": 1}


def test_keys_that_are_text_days_and_agents_that_are_names(sentiment):
    sentiment(**OPINIONS)
    today = timezone.localdate()
    for code, text, age in (("b", BAD, 0), ("A", GOOD, 0), ("a-1", GOOD, 9)):
        Opinion.objects.create(
            code=code, text=text, day=today - timedelta(days=age), clerk=f"clerk {code}"
        )

    assert analyse("--days=1", "--batch-size=1")["scored"] == 2
    assert analyse()["scored"] == 1
    assert analyse("--agent=clerk b")["skipped"] == 1
    assert analyse("--agent=clerk B")["status"] == 2
    assert analyse("--tenant=acme")["status"] == 2
    assert sums() == counted()


def test_names_that_are_too_long_stay_apart(sentiment):
    sentiment(**{**OPINIONS, "agent": "text"})
    for code in "ab":
        Opinion.objects.create(code=code, text=f"{GOOD} {'x' * 200}{code}", day="2026-01-01")

    assert analyse()["scored"] == 2
    assert len({row[2] for row in sums()}) == 2


def test_site_without_messages_is_told_so(sentiment):
    sentiment()

    found = analyse()

    assert (found["status"], "['model'] does not say what a message is" in found["sentence"]) == (
        2,
        True,
    )


def test_query_count_does_not_grow_with_messages():
    say(*[GOOD, BAD] * 2, agent="Ana")
    analyse()  # the sums are there from now on
    with CaptureQueriesContext(
        connection,
    ) as few:
        analyse("--reanalyze")
    # Not so many that an older Django splits a statement for SQLite's sake.
    say(*[GOOD, BAD] * 20, agent="Ana")
    with CaptureQueriesContext(connection) as many:
        analyse("--reanalyze")

    assert len(many) == len(few)
