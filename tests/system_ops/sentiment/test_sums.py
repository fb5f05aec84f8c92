"""The sums of days, agents and tenants: whose they are, and that they stay those of the scores."""

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from django_system_ops.models import SentimentAggregate
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
from tests.system_ops.shop.models import Chat, Opinion, Tag, Tenant, Utterance

pytestmark = pytest.mark.django_db


def test_message_that_has_moved_to_another_agent_is_counted_there():
    one, other = say(GOOD, agent="Ana") + say(BAD, agent="Luis")
    analyse()
    Utterance.objects.filter(pk=one.pk).update(agent=other.agent)

    assert analyse()["scored"] == 1
    assert {row[2] for row in sums()} == {"Luis"}
    assert sums() == counted()


def test_agent():
    say(GOOD, agent="Ana")
    say(BAD, agent="Luis")
    say(BAD, agent="ana")

    found = analyse("--agent=Ana")

    assert labels() == {"positive": 1}
    assert [one["agent"] for one in found["totals"]["agents"]] == ["Ana"]
    assert analyse("--agent=Ana", "--agent=Luis")["scored"] == 1


def test_agent_that_is_not_there_is_wrong_usage():
    say(GOOD, agent="Ana Ruiz")

    found = analyse("--agent=Ana Ruis")

    assert (found["status"], found["sentence"]) == (
        2,
        "There is no agent 'Ana Ruis'. Did you mean Ana Ruiz?",
    )
    assert "Ruiz" not in analyse("--agent=Ana Ruis", "--tenant=acme")["sentence"]


def test_agent_of_another_tenant_is_as_unknown_as_one_of_nobody():
    say(GOOD, tenant="acme", agent="Ana")
    say(GOOD, tenant="zenith", agent="Secret")

    told = [analyse("--tenant=acme", f"--agent={name}") for name in ("Secret", "Nobody")]

    assert [one["status"] for one in told] == [2, 2]
    assert told[0]["sentence"] == told[1]["sentence"].replace("Nobody", "Secret")
    assert analyse("--tenant=acme", "--agent=Ana")["scored"] == 1


def test_agent_where_messages_have_none_is_wrong_usage(sentiment):
    sentiment(**{**UTTERANCES, "agent": ""})

    assert analyse("--agent=Ana")["status"] == 2


def test_agents_of_one_name_are_summed_up_by_tenant():
    say(GOOD, tenant="acme", agent="Ana")
    say(BAD, tenant="zenith", agent="Ana")

    analyse("--tenant=acme", "--agent=Ana")

    assert [row[1:5] for row in sums()] == [("acme", "Ana", 1, 0)]


def test_two_people_of_one_name_are_two_agents():
    say(GOOD, GOOD, tenant="acme", agent="Ana")
    say(BAD, tenant="zenith", agent="Ana")

    agents = analyse()["totals"]["agents"]

    assert [(one["tenant"], one["agent"], one["positive"], one["negative"]) for one in agents] == [
        ("acme", "Ana", 2, 0),
        ("zenith", "Ana", 0, 1),
    ]
    assert "  Ana (acme): positive 2, negative 0" in said()
    assert "  Ana: positive 2" in said("--tenant=acme")


def test_filter_that_fits_twice_finds_a_message_once(sentiment):
    say(GOOD)
    chat = Chat.objects.get()
    chat.tags.add(*[Tag.objects.create(name=name) for name in ("vip", "new")])
    sentiment(**{**UTTERANCES, "filter": {"chat__tags__name__in": ["vip", "new"]}})

    assert analyse()["scored"] == 1
    assert analyse()["messages"] == 1
    assert sums() == counted()


def test_message_whose_date_goes_leaves_the_sums():
    one, _ = say(GOOD, BAD)
    analyse()
    Utterance.objects.filter(pk=one.pk).update(said_at=None)

    found = analyse()

    assert (found["undated"], found["skipped"]) == (1, 1)
    assert labels() == {"negative": 1}
    assert sums() == counted()


def test_agents_who_are_names_are_looked_up_without_reading_every_message(sentiment):
    sentiment(**OPINIONS)
    Opinion.objects.bulk_create(
        Opinion(code=str(number), text=GOOD, day="2026-01-01", clerk=clerk)
        for number, clerk in enumerate(["bot"] * 50 + ["Bot"])
    )

    with CaptureQueriesContext(connection) as captured:
        assert analyse("--agent=bot")["scored"] == 50

    first = next(one["sql"] for one in captured if "'bot'" in one["sql"])
    with connection.cursor() as cursor:
        cursor.execute(first)
        assert len(cursor.fetchall()) <= 2


def test_sums_of_other_days_and_agents_are_not_locked():
    groups = ((1, "Ana"), (2, "Luis"))
    for days, agent in ((1, "Ana"), (2, "Luis"), (1, "Luis"), (2, "Ana")):
        say(GOOD, days=days, agent=agent)
    analyse()
    for days, agent in groups:
        say(BAD, days=days, agent=agent)

    with CaptureQueriesContext(connection) as captured:
        analyse()

    read = [one["sql"] for one in captured if "score_sum" in one["sql"]]
    locked = next(sql for sql in read if sql.startswith("SELECT"))
    with connection.cursor() as cursor:
        cursor.execute(locked)
        assert len(cursor.fetchall()) == len(groups)
    assert sums() == counted()


def test_sums_hold_after_any_number_of_changes():
    for turn in range(4):
        rows = say(GOOD, BAD, PLAIN, agent=f"agent {turn % 2}", days=turn)
        Utterance.objects.filter(pk=rows[0].pk).update(text=BAD)
        analyse(*(["--reanalyze"] if turn % 2 else []))

    assert sums() == counted()
    total = SentimentAggregate.objects.aggregate(good=Sum("positive"), bad=Sum("negative"))
    assert total == {"good": 0, "bad": 8}


def test_tenant_without_messages_has_no_totals():
    Tenant.objects.create(name="idle")
    say(GOOD)
    analyse()

    assert analyse("--tenant=idle")["totals"] == {"days": [], "agents": [], "tenants": []}
