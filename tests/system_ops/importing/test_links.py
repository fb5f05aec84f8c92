"""Many-to-many fields, and keys that nothing but the import knows about."""

import pytest

from tests.system_ops.importing.conftest import bring_in, problems, written
from tests.system_ops.shop.models import Chat, Tag

pytestmark = pytest.mark.django_db

SEEN = "2026-01-01T00:00:00Z"


@pytest.fixture
def tags(db):
    return [Tag.objects.create(name=name) for name in ("green", "black", "white")]


def chats(*links):
    return [
        {"title": f"Chat {n}", "updated_at": SEEN, "tags": some} for n, some in enumerate(links)
    ]


def found_tags():
    return {
        chat.title: sorted(chat.tags.values_list("name", flat=True)) for chat in Chat.objects.all()
    }


@pytest.mark.parametrize("format", ["csv", "json", "jsonl", "xml"])
def test_links_come_in_with_their_rows(acme, tags, tmp_path, format):
    rows = chats([tags[0].pk, tags[1].pk], [], ["white", tags[2].pk], None)
    path = written(tmp_path / f"data.{format}", rows)

    found = bring_in(f"--file={path}", "--type=chats", "--tenant=acme")

    assert problems(found) == []
    assert found_tags() == {
        "Chat 0": ["black", "green"],
        "Chat 1": [],
        "Chat 2": ["white"],
        "Chat 3": [],
    }


def test_update_leaves_the_links_that_the_file_has(acme, tags, tmp_path):
    bring_in(
        f"--file={written(tmp_path / 'one.json', chats([tags[0].pk], [tags[1].pk]))}",
        "--type=chats",
        "--tenant=acme",
    )
    rows = [{"title": "Chat 0", "tags": [tags[2].pk]}]
    path = written(tmp_path / "two.json", rows)

    found = bring_in(f"--file={path}", "--type=chats", "--tenant=acme", "--on-conflict=update")

    assert (found["created"], found["updated"]) == (0, 1)
    assert found_tags() == {"Chat 0": ["white"], "Chat 1": ["black"]}


@pytest.mark.parametrize(
    ("links", "reason"),
    [
        ([999], "999: there is no tag of this id."),
        (["blue"], "'blue': there is no tag of this name."),
        ("green", "it is no list in JSON, such as [1, 2]."),
        ({"a": 1}, "it is no list of at most 10,000 keys."),
        ([True], "it is no key of a row."),
    ],
)
def test_link_that_leads_nowhere_is_named(acme, tags, tmp_path, links, reason):
    path = written(tmp_path / "data.json", chats(links))

    found = bring_in(f"--file={path}", "--type=chats", "--tenant=acme")

    assert problems(found) == [(2, "tags", reason)]
    assert Chat.objects.count() == 0


def test_links_need_a_key_by_which_a_row_is_found_again(types, acme, tags, tmp_path):
    types(chats={"key": []})
    path = written(tmp_path / "data.csv", chats([tags[0].pk]))
    rows = [{"id": 77, **chats([tags[0].pk])[0]}]
    with_key = written(tmp_path / "with.csv", rows)

    found = bring_in(f"--file={path}", "--type=chats", "--tenant=acme")

    assert (found["status"], "with a --key" in found["sentence"]) == (2, True)
    assert bring_in(f"--file={with_key}", "--type=chats", "--tenant=acme")["created"] == 1
    assert found_tags() == {"Chat 0": ["green"]}


def test_key_that_the_database_does_not_know_counts_as_well(acme, zenith, tmp_path):
    for owner in (acme, zenith):
        Chat.objects.create(tenant=owner, title="Chat 0", updated_at=SEEN)
    path = written(tmp_path / "data.csv", [{"title": "Chat 0", "updated_at": SEEN}])
    arguments = [f"--file={path}", "--type=chats", "--tenant=acme"]

    found = bring_in(*arguments)
    assert problems(found) == [(2, "title", "another row has it already.")]
    assert bring_in(*arguments, "--on-conflict=skip")["skipped"] == 1

    Chat.objects.create(tenant=acme, title="Chat 0", updated_at=SEEN)
    found = bring_in(*arguments, "--on-conflict=update")
    assert problems(found) == [(2, "title", "2 rows have this key.")]
