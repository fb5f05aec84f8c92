"""setup_demo_data: made once, noted row by row, and taken back exactly."""

import pytest
from django.core.management import call_command
from django.utils import timezone

from django_system_ops.models import SeededRow
from django_system_ops.services.locking import command_lock
from tests.system_ops.seeding.conftest import HERE, run
from tests.system_ops.shop.models import Attachment, Chat, Invoice, Message, Note, Tag, Tenant

pytestmark = pytest.mark.django_db(transaction=True)

ALLOWED = "--allow-production"
MODELS = (Tag, Chat, Message, Attachment)


@pytest.fixture(autouse=True)
def tenants(shop):
    return [Tenant.objects.create(name=name) for name in ("acme", "zenith")]


def counts():
    return [model.objects.count() for model in MODELS]


def test_rows_are_made_for_each_tenant_and_noted(media):
    found = run("setup_demo_data", ALLOWED)

    assert (found["status"], counts()) == (0, [1, 6, 12, 2])
    assert SeededRow.objects.count() == 21
    assert [one["tenant"] for one in found["sets"]] == ["acme", "zenith"]
    assert len(list((media / "attachments").iterdir())) == 2


def test_second_run_changes_nothing_even_where_people_removed_rows():
    run("setup_demo_data", ALLOWED)
    Chat.objects.first().delete()
    before = counts()

    found = run("setup_demo_data", ALLOWED)

    assert counts() == before
    assert all(one["is_there"] for one in found["sets"])


def test_option_remove_takes_back_exactly_what_was_made(media):
    mine = Chat.objects.create(
        tenant=Tenant.objects.first(), title="Mine", updated_at=timezone.now()
    )
    Message.objects.create(chat=mine, text="mine")
    run("setup_demo_data", ALLOWED)

    found = run("setup_demo_data", "--remove")

    assert found["status"] == 0
    assert (counts(), Chat.objects.get()) == ([0, 1, 1, 0], mine)
    assert not SeededRow.objects.exists()
    assert list((media / "attachments").iterdir()) == []
    assert found["removed"]["shop.Chat"] == 6


def test_row_that_was_there_before_is_not_ours():
    Tag.objects.create(name="demo")

    run("setup_demo_data", ALLOWED)
    run("setup_demo_data", "--remove")

    assert counts() == [1, 0, 0, 0]


def test_option_tenant_makes_and_removes_for_that_one_alone():
    run("setup_demo_data", ALLOWED)
    run("setup_demo_data", "--remove", "--tenant=acme")
    assert {one.tenant.name for one in Chat.objects.all()} == {"zenith"}

    run("setup_demo_data", "--remove")
    run("setup_demo_data", ALLOWED, "--tenant=acme")

    assert {one.tenant.name for one in Chat.objects.all()} == {"acme"}


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Message, {"text": "of somebody"}),
        (Note, {"text": "would be set to NULL"}),
        (Invoice, {"amount": 1}),
    ],
)
def test_row_that_others_point_at_stays_and_is_named(model, fields):
    run("setup_demo_data", ALLOWED)
    chat = Chat.objects.first()
    added = model.objects.create(chat=chat, **fields)

    found = run("setup_demo_data", "--remove")

    assert found["status"] == 3
    # The chat stays, and so does the tag that it has.
    assert found["held"] == {f"shop.{model.__name__}.chat": 1, "shop.Chat.tags": 1}
    assert Chat.objects.get() == chat
    assert model.objects.filter(pk=added.pk, chat=chat).exists()

    added.delete()
    assert run("setup_demo_data", "--remove")["status"] == 0
    assert not Chat.objects.exists()


def test_row_that_was_changed_stays_until_option_changed_too():
    run("setup_demo_data", ALLOWED)
    Message.objects.filter(pk=Message.objects.first().pk).update(text="better")

    found = run("setup_demo_data", "--remove")

    assert (found["status"], found["changed"]) == (3, {"shop.Message": 1})
    assert Message.objects.get().text == "better"
    assert run("setup_demo_data", "--remove", "--changed-too")["status"] == 0
    assert counts() == [0, 0, 0, 0]


def test_option_seed_makes_the_same_rows_again():
    made = []
    for seed in (7, 7, 8):
        run("setup_demo_data", ALLOWED, f"--seed={seed}")
        made.append(list(Chat.objects.order_by("pk").values_list("title", "updated_at")))
        run("setup_demo_data", "--remove")

    assert made[0] == made[1] != made[2]


def test_option_dry_run_changes_nothing_either_way(media):
    would = run("setup_demo_data", "--dry-run")
    assert would["sets"][0]["rows"]["shop.Chat"] == 3
    assert (counts(), SeededRow.objects.count()) == ([0, 0, 0, 0], 0)
    assert not any(one.is_file() for one in media.rglob("*"))

    run("setup_demo_data", ALLOWED)
    before = counts()
    would = run("setup_demo_data", "--remove", "--dry-run")

    assert would["removed"] == {
        "shop.Attachment": 2,
        "shop.Chat": 6,
        "shop.Message": 12,
        "shop.Tag": 1,
    }
    assert counts() == before
    assert len(list((media / "attachments").iterdir())) == 2


def test_without_option_allow_production_a_real_site_is_left_alone(settings):
    found = run("setup_demo_data")

    assert (found["status"], "--allow-production" in found["sentence"]) == (2, True)
    assert counts() == [0, 0, 0, 0]
    settings.DEBUG = True
    assert run("setup_demo_data")["status"] == 0


def test_recipe_that_fails_leaves_no_row_and_no_file(configure, media):
    configure(demo={"recipes": [f"{HERE}.demo_that_fails"]})

    with pytest.raises(ValueError, match="no more"):
        call_command("setup_demo_data", allow_production=True)

    assert (counts(), SeededRow.objects.count()) == ([0, 0, 0, 0], 0)
    assert not any(one.is_file() for one in media.rglob("*"))


def test_full_disk_leaves_no_row_and_no_saved_file_and_those_of_others(configure, media):
    configure(demo={"recipes": [f"{HERE}.demo_without_room"]})
    theirs = media / "attachments" / "theirs.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")

    found = run("setup_demo_data", ALLOWED)

    assert (found["status"], found["sentence"]) == (1, "No space left on device.")
    assert (counts(), SeededRow.objects.count()) == ([0, 0, 0, 0], 0)
    # What the storage could not finish is its own.
    left = {one.name for one in media.rglob("*") if one.is_file()}
    assert left - {"none.txt"} == {"theirs.txt"}


def test_two_at_once_do_not_meet():
    with command_lock(["setup_demo_data"]):
        assert run("setup_demo_data", ALLOWED)["status"] == 75


KILLED = """
import os, signal, sys, django
django.setup()
from django.core.management import call_command
from django_system_ops.services.seeding import demo, demo_removing
module = demo if sys.argv[1] == "note_rows" else demo_removing
original, calls = getattr(module, sys.argv[1]), []
def die(*args, **kwargs):
    calls.append(1)
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **kwargs)
setattr(module, sys.argv[1], die)
call_command("setup_demo_data", *sys.argv[3:])
"""


@pytest.mark.parametrize(
    ("step", "call"), [("note_rows", 1), ("note_rows", 2), ("delete_rows", 2), ("delete_rows", 4)]
)
def test_killed_run_is_finished_by_the_next_one(run_python, step, call):
    mine = Chat.objects.create(
        tenant=Tenant.objects.first(), title="Mine", updated_at=timezone.now()
    )
    option = ALLOWED
    if step == "delete_rows":
        run("setup_demo_data", ALLOWED)
        option = "--remove"

    assert run_python(KILLED, step, str(call), option).wait(60) == -9

    again = run("setup_demo_data", option, "--wait-lock=60")
    assert again["status"] == 0
    if step == "note_rows":
        assert counts() == [1, 7, 12, 2]
        run("setup_demo_data", "--remove")
    assert (counts(), Chat.objects.get()) == ([0, 1, 0, 0], mine)
