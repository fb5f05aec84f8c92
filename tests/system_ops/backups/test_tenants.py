"""The rows of one tenant."""

import json

import pytest
from django.core.management.base import CommandError
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tests.system_ops.shop import models as shop

MODELS = {
    "shop.Chat": "tenant",
    "shop.Message": "chat__tenant",
    "shop.Attachment": "message__chat__tenant",
    "shop.Note": "chat__tenant",
    "shop.Invoice": "chat__tenant",
    # Of which there are no rows here.
    **dict.fromkeys(
        (
            *("shop.Specimen", "shop.Topic", "shop.Article", "shop.Agent", "shop.Talk"),
            *("shop.Theme", "shop.Badge", "shop.Office", "shop.Flag", "shop.Series"),
            *("shop.Alias", "shop.Label"),
        ),
        "tenant",
    ),
    "shop.Review": "article__tenant",
    "shop.Utterance": "chat__tenant",
    "shop.Book": "topic__tenant",
    "shop.Guide": "topic__tenant",
    "shop.Award": "badge__tenant",
    "shop.Volume": "series__tenant",
}


@pytest.fixture(autouse=True)
def declared(configure, key):
    configure(tenants={"model": "shop.Tenant"}, backup={"tenant_models": MODELS})


def test_rows_of_the_tenant_and_no_others_come_back(live, command, tmp_path):
    made = command("backup_data", tenant="acme")

    done = command("restore_backup", made["id"], rows_to=tmp_path / "rows.jsonl")

    lines = [json.loads(one) for one in (tmp_path / "rows.jsonl").read_text().splitlines()]
    chats = [line["fields"] for line in lines if line["model"] == "shop.Chat"]
    expected = shop.Chat.objects.using(live.alias).filter(tenant__name="acme")
    assert [chat["id"] for chat in chats] == [chat.pk for chat in expected]
    assert [chat["title"] for chat in chats] == [chat.title for chat in expected]
    assert {line["fields"]["name"] for line in lines if line["model"] == "shop.Tenant"} == {"acme"}
    assert {name: n for name, n in made["manifest"]["rows"]["rows"].items() if n} == {
        "shop.Tenant": 1,
        "shop.Chat": 3,
        "shop.Chat_tags": 3,
        "shop.Message": 6,
        "shop.Attachment": 3,
        "shop.Note": 2,
        "shop.Invoice": 3,
    }
    assert done["rows"] == len(lines) == 21
    assert made["id"].endswith("-acme")
    assert (tmp_path / "rows.jsonl").stat().st_mode & 0o777 == 0o600


def test_name_in_another_script_gets_a_directory_too(live, command):
    shop.Tenant.objects.using(live.alias).create(name="顧客/../x")

    made = command("backup_data", tenant="顧客/../x")

    assert made["manifest"]["tenant"] == "顧客/../x"
    assert command("restore_backup", made["id"], verify="restore")["ok"] is True


def test_several_tenants_get_a_backup_each(live, command):
    made = command("backup_data", tenant="acme, Ćma")

    assert [one["manifest"]["tenant"] for one in made["backups"]] == ["acme", "Ćma"]


def test_all_is_the_ordinary_backup(live, command):
    made = command("backup_data", tenant="all", type="database")

    assert (made["manifest"]["type"], made["manifest"]["tenant"]) == ("database", "")


def test_model_that_is_not_declared_is_warned_about(live, command, configure):
    forgotten = ("shop.Message", "shop.Attachment", "shop.Note", "shop.Invoice")
    models = {name: path for name, path in MODELS.items() if name not in forgotten}
    configure(backup={"tenant_models": models})

    with pytest.raises(CommandError, match=r"shop\.Invoice is not in") as found:
        command("backup_data", tenant="acme")

    assert found.value.returncode == 3
    assert [text.split()[0] for text in command.document["manifest"]["rows"]["warnings"]] == [
        "shop.Invoice.chat",
        "shop.Message.chat",
        "shop.Note.chat",
    ]


@pytest.mark.parametrize(
    ("sections", "words", "status"),
    [
        ({"tenants": {"model": ""}}, "has not said what a tenant is", 2),
        ({"backup": {"tenant_models": {}}}, "which rows are a tenant's", 1),
        ({"backup": {"tenant_models": {"shop.Nothing": "x"}}}, "no model 'shop.Nothing'", 1),
        ({"backup": {"tenant_models": {"shop.Chat": "owner"}}}, "has no path 'owner'", 1),
    ],
)
def test_says_what_is_not_declared(live, command, configure, backups, sections, words, status):
    configure(**sections)

    with pytest.raises(CommandError, match=words) as refused:
        command("backup_data", tenant="acme")

    assert refused.value.returncode == status
    assert [one.name for one in backups.iterdir() if one.is_dir()] == []


def test_unknown_tenant_is_wrong_usage(live, command):
    with pytest.raises(CommandError, match="no such tenant") as refused:
        command("backup_data", tenant="nobody")

    assert refused.value.returncode == 2


def test_statements_do_not_grow_with_the_rows(live, command):
    def statements():
        with CaptureQueriesContext(connections[live.alias]) as captured:
            command("backup_data", tenant="acme", no_lock=True)
        return len(captured)

    before = statements()
    chat = shop.Chat.objects.using(live.alias).filter(tenant__name="acme").first()
    shop.Message.objects.using(live.alias).bulk_create(
        shop.Message(chat=chat, text="more") for _ in range(300)
    )

    assert statements() == before
