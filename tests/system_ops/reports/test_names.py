"""Groups that are rows of another model, called by a field of theirs."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_system_ops.checks.reports import check_reports
from tests.system_ops.reports.conftest import at, report, run, section
from tests.system_ops.shop.models import Agent, Chat, Tenant, Utterance

pytestmark = pytest.mark.django_db

BY_AGENT = {
    "model": "shop.Utterance",
    "tenant": "chat__tenant",
    "date_field": "said_at",
    "group": "agent",
    "group_name_field": "name",
    "metrics": {"said": {"count": "*"}},
}


def agent(name, tenant="acme", *, said=1, when="2026-10-05 12:00"):
    """Make an agent who was spoken to; with None for a name, nobody was."""
    owner, _ = Tenant.objects.get_or_create(name=tenant)
    chat, _ = Chat.objects.get_or_create(tenant=owner, defaults={"updated_at": at(when)})
    who = None if name is None else Agent.objects.create(tenant=owner, name=name)
    Utterance.objects.bulk_create(
        Utterance(chat=chat, agent=who, text="x", said_at=at(when)) for _ in range(said)
    )
    return who


def labels(found):
    return [(row["label"], row["values"]["said"]) for row in found["rows"]]


def test_two_of_one_name_are_two_groups_told_apart_by_tenant_or_number(describe):
    describe(agents=BY_AGENT)
    agent("Ana", said=6)
    agent("Ana", "globex", said=5)
    one, two = (agent("Bea", said=count) for count in (4, 3))
    agent("Clara", said=2)
    agent(None)

    everybody, mine = section(), section(tenant="acme")

    assert labels(everybody) == [
        ("Ana (acme)", 6),
        ("Ana (globex)", 5),
        (f"Bea (acme, #{one.pk})", 4),
        (f"Bea (acme, #{two.pk})", 3),
        ("Clara", 2),
        ("(none)", 1),
    ]
    assert [row["key"] for row in everybody["rows"]][2:4] == [one.pk, two.pk]
    assert labels(mine) == [
        ("Ana", 6),
        (f"Bea (#{one.pk})", 4),
        (f"Bea (#{two.pk})", 3),
        ("Clara", 2),
        ("(none)", 1),
    ]


def test_name_that_looks_like_another_ones_with_its_tenant_is_told_apart_too(describe):
    describe(agents=BY_AGENT)
    made = [agent("Ana"), agent("Ana", "globex"), agent("Ana (acme)", "globex")]

    found = labels(section())

    assert len({label for label, _ in found}) == 3
    assert (f"Ana (acme, #{made[0].pk})", 1) in found


def test_who_was_there_before_has_a_name_too_and_an_empty_one_is_said(describe):
    describe(agents=BY_AGENT)
    agent("Ana")
    agent("Gone", when="2026-09-05 12:00")
    agent("")

    rows = section(compare=True)["rows"]

    assert {row["label"] for row in rows} == {"Ana", "Gone", "(empty)"}


def test_label_of_the_settings_goes_by_the_key(describe):
    who = agent("Ana")
    describe(agents={**BY_AGENT, "labels": {str(who.pk): "The first"}})

    assert labels(section()) == [("The first", 1)]


def test_names_are_at_the_end_of_foreign_keys_on_the_way(describe):
    describe(chats={**BY_AGENT, "group": "chat__tenant", "limit": 1})
    agent("Ana", "acme")
    agent("Ana", "globex", said=2)

    found = section()

    assert labels(found) == [("globex", 2)]
    assert found["group"] == {"by": "chat__tenant", "label": "Tenant"}
    assert found["other"]["values"] == {"said": 1}


def test_names_take_one_statement_however_many_there_are(describe):
    describe(agents=BY_AGENT)

    def statements():
        with CaptureQueriesContext(connection) as seen:
            report(compare=True)
        return len(seen)

    agent("Ana")
    few = statements()
    for number in range(15):
        agent(f"agent {number}", said=2)

    assert statements() == few


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"group": "role"}, "group is 'role', which is no foreign key"),
        ({"group": "day"}, "group is 'day', which is no foreign key"),
        ({"group": ""}, "group is '', which is no foreign key"),
        ({"group_name_field": "nothing"}, "shop.Agent has no field 'nothing'"),
    ],
)
def test_name_that_fits_no_group_is_said_by_check_and_command(describe, change, words):
    describe(agents={**BY_AGENT, **change})

    (problem,) = check_reports()

    assert (problem.id, words in problem.msg) == ("django_system_ops.E074", True)
    assert words in run()["error"]
