"""Restore drills: what comes back is compared with what there was, row for row."""

from pathlib import Path

import pytest
from django.core.management.base import CommandError
from django.db import IntegrityError, connections

from tests.system_ops.backups.conftest import before_of
from tests.system_ops.backups.sites import NOON, drop_database
from tests.system_ops.shop import models as shop


@pytest.fixture(params=["encrypted", "plain"])
def sealing(request, configure):
    """Backups with a key, and without."""
    if request.param == "encrypted":
        request.getfixturevalue("key")
    else:
        configure(backup={"encryption": False})
    return request.param


def test_database_comes_back_row_for_row_beside_the_live_one(live, sealing, command, aside):
    was = live.rows
    made = command("backup_data", type="database")
    shop.Event.objects.using(live.alias).create(name="later", created_at=NOON)
    now = live.rows

    done = command("restore_backup", "latest", into=aside)

    assert live.rows_in(aside) == was
    assert live.rows == now
    assert (made["encrypted"], done["rows"]) == (
        sealing == "encrypted",
        sum(made["manifest"]["database"]["rows"].values()),
    )


def test_backup_takes_the_place_of_the_live_database(live, sealing, command):
    was = live.rows
    made = command("backup_data", type="database")
    shop.Message.objects.using(live.alias).all().delete()
    shop.Event.objects.using(live.alias).create(name="later", created_at=NOON)
    worse = live.rows

    done = command("restore_backup", made["id"], into_live=True)

    assert live.rows == was
    assert done["kept_as"] == before_of(live, made["id"])
    assert live.rows_in(done["kept_as"]) == worse
    assert len(live.databases()) == 2
    # It is a database like any other: keys and checks work.
    with pytest.raises(IntegrityError), connections[live.alias].cursor() as cursor:
        cursor.execute("INSERT INTO shop_invoice (chat_id, amount) VALUES (1, -5)")
    chat = shop.Chat.objects.using(live.alias).create(
        tenant=shop.Tenant.objects.using(live.alias).get(name="acme"), title="", updated_at=NOON
    )
    assert chat.pk not in {row[0] for row in was["shop_chat"]}


def test_live_database_that_is_gone_comes_back(live, sealing, command):
    was = live.rows
    command("backup_data", type="database")
    connections[live.alias].close()
    if connections[live.alias].vendor == "sqlite":
        Path(live.name).unlink()
    else:
        drop_database(live.name)

    done = command("restore_backup", "latest", into_live=True)

    assert (live.rows, done["kept_as"]) == (was, "")


@pytest.mark.parametrize("how", ["hash", "restore"])
def test_option_verify_finds_the_backup_whole_and_writes_it_down(live, sealing, command, how):
    before = live.databases()
    made = command("backup_data", type="all", verify=how)

    again = command("restore_backup", made["id"], verify=how)
    listed = command("backup_data", list=True)["backups"]

    assert made["verified"] == {"how": how, "problems": []}
    assert again["ok"] is True
    assert [one["verified"] for one in listed] == [how]
    assert live.databases() == before


def test_option_verify_restore_compares_the_rows(live, key, command, backups):
    """A manifest that counts other rows stands for a dump that lost some."""
    from django_system_ops.services.backups.manifests import (
        Manifest,
        read_manifest,
        write_manifest,
    )

    made = command("backup_data", type="database")
    manifest = read_manifest(backups / made["id"], key)
    database = manifest.database
    wrong = database.model_copy(
        update={
            "rows": {**database.rows, "shop_chat": 7, "gone": 1},
            "migrations": [*database.migrations, "shop.0002_more"],
        }
    )
    write_manifest(
        backups / made["id"],
        Manifest(**{**dict(manifest), "database": wrong}),
        key,
    )

    with pytest.raises(CommandError, match="is bad: Table gone is missing"):
        command("restore_backup", made["id"], verify="restore")

    assert command.document["problems"] == [
        "Table gone is missing.",
        # Rows come and go around the moment of a dump there.
        *(["Table shop_chat has 6 rows, and had 7."] if database.vendor != "mysql" else []),
        "Migrations are missing: shop.0002_more.",
    ]
    assert command("backup_data", list=True)["backups"][0]["verified"] == "FAILED (restore)"


def test_restore_that_fails_leaves_the_live_database_and_no_scratch(live, key, command, backups):
    was, before = live.rows, live.databases()
    made = command("backup_data", type="database")
    (sealed,) = (backups / made["id"]).glob("database.*")
    content = bytearray(sealed.read_bytes())
    content[len(content) // 2] ^= 1
    sealed.write_bytes(content)

    with pytest.raises(CommandError, match="is damaged"):
        command("restore_backup", made["id"], into_live=True)

    assert (live.rows, live.databases()) == (was, before)


def test_name_that_is_taken_is_not_touched(live, key, command):
    was = live.rows
    command("backup_data", type="database")

    with pytest.raises(CommandError, match="already") as refused:
        command("restore_backup", "latest", into=live.name)

    assert (refused.value.returncode, live.rows) == (2, was)


def test_asks_what_is_to_become_of_it(live, key, command):
    command("backup_data", type="database")

    with pytest.raises(CommandError, match="--into NAME") as refused:
        command("restore_backup", "latest")

    assert refused.value.returncode == 2


@pytest.mark.parametrize(
    "wanted", ["../../etc", "20260101T000000Z-deadbeef", "latest/..", ".", "", "objects"]
)
def test_id_that_is_none_is_refused(live, key, command, wanted):
    command("backup_data", type="config")

    with pytest.raises(CommandError) as refused:
        command("restore_backup", wanted, verify="hash")

    assert refused.value.returncode == 2
