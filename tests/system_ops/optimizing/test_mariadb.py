"""What only MariaDB does."""

import pytest

from tests.system_ops.optimizing.conftest import execute, say

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.mariadb]


def test_table_that_is_in_use_is_not_written_anew_and_told(optimize, other):
    say(other, "SELECT * FROM shop_chat")  # its transaction stays open

    said = optimize("--reindex", "--table=shop.Chat", "--table=shop.Tag", "--lock-timeout=1")

    other.rollback()
    assert said.status == 3
    assert "not done: OPTIMIZE TABLE `shop_chat`: Lock wait timeout exceeded" in said.text
    assert "done: OPTIMIZE TABLE `shop_tag`" in said.text


def test_writing_anew_is_told_before(optimize):
    said = optimize("--vacuum", "--table=shop.Tag")

    assert said.text.startswith("note: OPTIMIZE TABLE writes each table anew")


def test_orphans_are_listed_and_not_ended(optimize, other, configure):
    configure(optimize={"idle_minutes": 0})
    say(other, "UPDATE shop_chat SET title = ''")
    say(other, "SELECT * FROM shop_chat FOR UPDATE")

    said = optimize("--orphans", "--json")

    assert said.status == 0
    assert len(said.findings("idle_transaction")) == 1
    assert said.document["done"] == []
    say(other, "SELECT 1")


def test_terminate_ends_orphans(optimize, other, configure):
    configure(optimize={"idle_minutes": 0})
    say(other, "SELECT * FROM shop_chat FOR UPDATE")

    said = optimize("--orphans", "--terminate", "--json")

    (sql,) = said.done
    assert (said.status, sql.split()[0]) == (0, "KILL")
    with pytest.raises(Exception, match="server has gone away|Lost connection|killed"):
        say(other, "SELECT 1")


def test_key_near_its_end(optimize):
    execute("ALTER TABLE shop_comment AUTO_INCREMENT = 9000000000000000000")
    said = optimize("--table=shop.Comment", "--json")
    execute("ALTER TABLE shop_comment AUTO_INCREMENT = 1")

    (found,) = said.findings("sequence").values()
    assert "(98 %)" in found["evidence"]


def test_table_without_primary_key(optimize):
    execute("ALTER TABLE shop_attachment MODIFY id bigint NOT NULL, DROP PRIMARY KEY")
    said = optimize("--table=shop.Attachment", "--json")
    execute("ALTER TABLE shop_attachment MODIFY id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY")

    assert list(said.findings("no_primary_key")) == ["shop_attachment"]
