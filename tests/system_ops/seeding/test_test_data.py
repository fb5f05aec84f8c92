"""create_test_data: rows of any model that fit it, the same for the same seed, and gone again."""

import sys
from collections import Counter

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from assistants.models import Agent, AnalyticsEvent, Chat, Document, KnowledgeItem, Message
from assistants.models import Tenant as Company
from django_system_ops.models import SeededRange, SeededRow
from django_system_ops.services.locking import command_lock
from plants.models import Plant, WorkOrder
from tests.system_ops.seeding.conftest import run
from tests.system_ops.shop import models as shop_models

pytest.importorskip("faker")
pytestmark = pytest.mark.django_db(transaction=True)

ALLOWED = "--allow-production"


def make(*args, **options):
    return run("create_test_data", ALLOWED, *args, **options)


@pytest.fixture
def assistants(configure, media):
    """The example's tables and a scenario."""
    configure(
        tenants={"model": "assistants.Tenant", "name_field": "slug"},
        data={
            "types": {
                "tools": {"model": "assistants.Tool", "shared": True},
                "agents": {"model": "assistants.Agent", "tenant": "tenant"},
                "knowledge": {"model": "assistants.KnowledgeItem", "tenant": "tenant"},
                "documents": {"model": "assistants.Document", "tenant": "tenant"},
                "chats": {"model": "assistants.Chat", "tenant": "tenant"},
                "messages": {"model": "assistants.Message", "tenant": "chat__tenant"},
                "analytics": {"model": "assistants.AnalyticsEvent", "tenant": "tenant"},
            }
        },
        test_data={
            "scenarios": {
                "high_load": {
                    "assistants.Agent": {"count": 6},
                    "assistants.Chat": {"share": 1},
                    "assistants.Message": {"per": {"assistants.Chat": 8}},
                }
            }
        },
    )
    for slug in ("demo", "demo2"):
        Company.objects.create(slug=slug, name=slug)


def fingerprint():
    """What the rows are, without the keys that the database gave."""
    return [
        list(model.objects.order_by("pk").values_list(*names))
        for model, names in (
            (Agent, ("tenant__slug", "slug", "name", "is_active")),
            (Chat, ("tenant__slug", "agent__slug", "rating", "user_label", "started_at")),
            (Message, ("chat__user_label", "chat__started_at", "text", "role", "sentiment_score")),
            (AnalyticsEvent, ("name", "payload", "created_at", "agent__slug")),
        )
    ]


def test_scenario_default_is_of_all_that_the_site_has_named(assistants):
    found = make()

    assert (found["status"], found["added"]) == (0, [])
    assert sum(found["rows"].values()) == 1000
    assert len(found["rows"]) == 7
    assert Message.objects.count() == found["rows"]["assistants.Message"] > 100


def test_rows_fit_what_the_tables_and_validators_ask_for(assistants):
    make("--count=700")

    for model in (Agent, KnowledgeItem, Document, Chat, Message, AnalyticsEvent):
        for row in model.objects.order_by("?")[:20]:
            row.full_clean(exclude=[] if model is not Document else ["file"])
    ratings = set(Chat.objects.values_list("rating", flat=True))
    assert ratings == {None, 1, 2, 3, 4, 5}
    assert Chat.objects.values("started_at").distinct().count() > 50
    assert not Chat.objects.filter(started_at__gt=timezone.now())
    assert all(one.file.storage.exists(one.file.name) for one in Document.objects.all()[:5])


def test_no_row_points_at_another_tenants(assistants):
    make("--count=700")

    for chat in Chat.objects.select_related("agent"):
        assert chat.agent.tenant_id == chat.tenant_id
    for event in AnalyticsEvent.objects.exclude(agent=None).select_related("agent"):
        assert event.agent.tenant_id == event.tenant_id
    for document in Document.objects.exclude(item=None).select_related("item"):
        assert document.item.tenant_id == document.tenant_id
    assert Company.objects.count() == 2
    assert all(Chat.objects.filter(tenant=one).exists() for one in Company.objects.all())


def test_some_are_pointed_at_far_more_often_than_others(assistants):
    make("--scenario=high_load", "--count=2000")

    per_chat = Counter(Message.objects.values_list("chat", flat=True)).most_common()
    assert per_chat[0][1] > 20 * per_chat[-1][1]


def test_option_scenario_divides_as_the_settings_say(assistants):
    found = make("--scenario=high_load", "--volume=small")

    rows = found["rows"]
    assert rows["assistants.Agent"] == 6
    assert abs(rows["assistants.Message"] - 8 * rows["assistants.Chat"]) < 8
    assert sum(rows.values()) == 1000


def test_option_volume_says_how_many(assistants):
    sizes = {
        volume: sum(run("create_test_data", "--dry-run", f"--volume={volume}")["rows"].values())
        for volume in ("small", "medium", "large", "stress")
    }

    assert sizes == {"small": 1000, "medium": 50_000, "large": 500_000, "stress": 5_000_000}
    assert not Agent.objects.exists()


def test_option_seed_makes_the_same_rows_again(assistants):
    made = []
    for seed in (5, 5, 6):
        assert make("--count=300", f"--seed={seed}")["status"] == 0
        made.append(fingerprint())
        assert run("create_test_data", "--clean")["status"] == 0

    assert made[0] == made[1]
    assert made[0] != made[2]


def test_second_run_adds_rows_and_none_of_the_unique_ones_comes_twice(assistants):
    make("--count=300")
    found = make("--count=300")

    assert (found["status"], found["sentence"]) == (0, "")
    assert Agent.objects.values("tenant", "slug").distinct().count() == Agent.objects.count()


def test_option_clean_removes_exactly_what_was_made(assistants, media):
    mine = Company.objects.first()
    agent = Agent.objects.create(tenant=mine, slug="mine", name="Mine")
    chat = Chat.objects.create(tenant=mine, agent=agent, user_label="Eva")
    make("--count=700")
    later = Agent.objects.create(tenant=mine, slug="later", name="Later")

    found = run("create_test_data", "--clean")

    assert (found["status"], sum(found["removed"].values())) == (0, 700)
    assert set(Agent.objects.all()) == {agent, later}
    assert list(Chat.objects.all()) == [chat]
    assert (SeededRange.objects.count(), SeededRow.objects.count()) == (0, 0)
    assert not any(one.is_file() for one in media.rglob("*"))


def test_row_that_somebodys_points_at_stays_until_that_is_gone(assistants):
    make("--scenario=high_load", "--count=200")
    agent = Agent.objects.order_by("pk").last()
    mine = Chat.objects.create(tenant=agent.tenant, agent=agent, user_label="Eva")

    found = run("create_test_data", "--clean")

    assert (found["status"], found["held"]) == (3, {"assistants.Chat.agent": 1})
    assert list(Agent.objects.all()) == [agent]
    mine.delete()
    assert run("create_test_data", "--clean")["status"] == 0
    assert not Agent.objects.exists()


def test_option_tenant_makes_and_cleans_for_that_one_alone(assistants):
    found = make("--tenant=demo", "--count=300")
    assert found["left_out"] == ["assistants.Tool"]
    assert {one.tenant.slug for one in Chat.objects.all()} == {"demo"}

    make("--count=300")
    run("create_test_data", "--clean", "--tenant=demo")

    assert {one.tenant.slug for one in Chat.objects.all()} == {"demo2"}


def test_options_model_and_count_bring_what_the_model_needs(assistants):
    found = make("--model=assistants.Message", "--count=100")

    assert found["rows"]["assistants.Message"] == 100
    assert set(found["added"]) == {"assistants.Chat", "assistants.Agent"}


def test_clean_of_a_model_leaves_the_others(assistants):
    make("--model=assistants.Message", "--count=100")

    run("create_test_data", "--clean", "--model=assistants.Message")

    assert (Message.objects.count(), Chat.objects.count()) == (0, 5)


def test_dry_run_of_clean_removes_nothing(assistants):
    make("--count=100")

    found = run("create_test_data", "--clean", "--dry-run")

    assert sum(found["removed"].values()) == 100
    assert SeededRange.objects.exists()
    assert Agent.objects.exists()


@pytest.mark.parametrize(
    "label",
    ["Tenant", "Tag", "Note", "Attachment", "Invoice", "Comment", "Event", "Chat_tags"],
)
def test_any_model_can_be_filled(shop, label):
    model = getattr(shop_models, label, None) or shop_models.Chat.tags.through

    found = make(f"--model=shop.{label}", "--count=40")

    assert (found["status"], found["sentence"]) == (0, "")
    assert model.objects.count() == found["rows"][model._meta.label] == 40
    assert run("create_test_data", "--clean")["status"] == 0
    assert not model.objects.exists()


@pytest.mark.parametrize("model", [Plant, WorkOrder])
def test_keys_that_do_not_count_are_noted_one_by_one(model):
    found = make(f"--model=plants.{model.__name__}", "--count=30")
    mine = Plant.objects.create(code="mine", name="Mine")

    assert (found["status"], model.objects.exclude(pk=mine.pk).count()) == (0, 30)
    run("create_test_data", "--clean")
    assert [*Plant.objects.all(), *WorkOrder.objects.all()] == [mine]


def test_made_up_accounts_let_nobody_in():
    make("--model=auth.User", "--count=20")

    assert User.objects.count() == 20
    assert not User.objects.filter(is_superuser=True)
    assert not any(one.has_usable_password() or one.is_staff for one in User.objects.all())


def test_values_of_the_settings_go_before_those_that_are_made_up(assistants, configure):
    configure(test_data={"values": {"assistants.Chat.user_label": ["Eva", "Juan"]}})

    make("--model=assistants.Chat", "--count=50")

    assert set(Chat.objects.values_list("user_label", flat=True)) == {"Eva", "Juan"}


def test_file_that_the_settings_name_is_not_removed_with_the_rows(assistants, configure, media):
    theirs = media / "documents" / "theirs.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    configure(test_data={"values": {"assistants.Document.file": ["documents/theirs.txt"]}})

    make("--model=assistants.Document", "--count=10")
    found = run("create_test_data", "--clean")

    assert (found["status"], Document.objects.count()) == (0, 0)
    assert theirs.exists()


def test_value_that_the_database_refuses_is_one_sentence(assistants, configure):
    configure(test_data={"values": {"assistants.Chat.rating": [9]}})

    found = make("--model=assistants.Chat", "--count=50")

    assert (found["status"], "the database refuses what was made up" in found["sentence"]) == (
        1,
        True,
    )
    assert not Chat.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--model=shop.Chatt"], "no model 'shop.Chatt'. Did you mean shop.Chat?"),
        (["--scenario=defautl"], "Did you mean default?"),
        (["--count=0"], "--count must be 1 or more"),
        (["--tenant=nobody"], "There is no tenant 'nobody'"),
        (["--model=shop.Tag", "--tenant=demo"], "shop.Tag is no tenant's"),
    ],
)
def test_wrong_usage_is_said(assistants, arguments, sentence):
    found = make(*arguments)

    assert (found["status"], sentence in found["sentence"]) == (2, True), found["sentence"]


def test_without_option_allow_production_a_real_site_is_left_alone(assistants):
    found = run("create_test_data", "--count=10")

    assert (found["status"], "--allow-production" in found["sentence"]) == (2, True)
    assert not Agent.objects.exists()


def test_without_faker_one_sentence_says_what_to_install(assistants, monkeypatch):
    monkeypatch.setitem(sys.modules, "faker", None)

    with pytest.raises(CommandError, match=r"install django-opskit\[system-ops\]"):
        call_command("create_test_data", allow_production=True, model="shop.Event")


def test_two_at_once_do_not_meet(assistants):
    with command_lock(["create_test_data"]):
        assert make("--count=10")["status"] == 75


def test_option_database_must_be_one_of_the_sites(assistants):
    assert make("--database=other")["status"] == 2


def test_statements_grow_with_batches_and_not_with_rows(assistants, configure):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    configure(test_data={"batch_size": 400})
    make("--model=assistants.Chat", "--count=20")
    counts = []
    for count in (40, 400):
        with CaptureQueriesContext(connection) as asked:
            make("--model=assistants.Chat", f"--count={count}", "--tenant=demo", "--no-lock")
        counts.append(len(asked))

    assert counts[0] == counts[1]


KILLED = """
import os, signal, sys, django
django.setup()
from django.core.management import call_command
from django_system_ops.services.test_data import cleaning, making
module = {"making": making, "cleaning": cleaning}[sys.argv[1]]
name, at, when = sys.argv[2], int(sys.argv[3]), sys.argv[4]
original, calls = getattr(module, name), []
def die(*args, **kwargs):
    calls.append(1)
    if len(calls) == at and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    found = original(*args, **kwargs)
    if len(calls) == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
setattr(module, name, die)
call_command("create_test_data", *sys.argv[5:])
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("step", "call"), [("_write", 1), ("_write", 4), ("_write", 9)])
def test_rows_of_a_killed_run_are_noted_and_go(assistants, run_python, when, step, call):
    mine = Agent.objects.create(tenant=Company.objects.first(), slug="mine", name="Mine")
    arguments = (ALLOWED, "--count=300")

    assert run_python(KILLED, "making", step, str(call), when, *arguments).wait(60) == -9

    found = run("create_test_data", "--clean", "--wait-lock=60")
    assert found["status"] == 0
    assert list(Agent.objects.all()) == [mine]
    assert (Chat.objects.count(), Message.objects.count()) == (0, 0)
    assert not SeededRange.objects.exists()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", [1, 5])
def test_clean_that_is_killed_is_finished_by_the_next_one(assistants, run_python, when, call):
    make("--count=300")

    ended = run_python(KILLED, "cleaning", "remove_rows", str(call), when, "--clean").wait(60)

    assert ended == -9
    assert run("create_test_data", "--clean", "--wait-lock=60")["status"] == 0
    assert (Agent.objects.count(), SeededRange.objects.count()) == (0, 0)


INSERTS = """
import sys, django
django.setup()
from assistants.models import Agent, Tenant
tenant = Tenant.objects.first()
print("ready", flush=True)
for number in range(60):
    Agent.objects.create(tenant=tenant, slug=f"mine-{number}", name="Mine")
"""


def test_rows_that_a_site_makes_meanwhile_are_not_taken_for_ours(assistants, run_python, configure):
    from tests.processes import read_until

    configure(test_data={"batch_size": 5})
    writer = run_python(INSERTS)
    read_until(writer, "ready")

    make("--model=assistants.Agent", "--count=400")
    assert writer.wait(60) == 0, writer.stdout.read()
    found = run("create_test_data", "--clean")

    assert found["removed"] == {"assistants.Agent": 400}
    assert Agent.objects.filter(name="Mine").count() == Agent.objects.count() == 60
