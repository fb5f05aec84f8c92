"""Where exports are put: --output and --replace."""

import json

import pytest

from tests.system_ops.exporting.conftest import chat, export, names, refusal, titles

pytestmark = pytest.mark.django_db


def test_output_is_made_and_used(tmp_path):
    chat("one")
    folder = tmp_path / "not" / "there"

    export("--type=chats", f"--output={folder}")

    assert names(folder) == ["chats.csv", "manifest.json"]
    assert names(folder.parent) == ["there"]


def test_output_may_be_there_and_what_is_in_it_stays(tmp_path):
    chat("one")
    (tmp_path / "x").mkdir(mode=0o755)
    (tmp_path / "x" / "mine.txt").write_text("mine")

    export("--type=chats", output=tmp_path / "x")

    assert names(tmp_path / "x") == ["chats.csv", "manifest.json", "mine.txt"]
    assert (tmp_path / "x" / "mine.txt").read_text() == "mine"


def test_output_with_an_export_or_its_names_is_not_written_over(tmp_path):
    chat("one")
    export("--type=chats", f"--output={tmp_path / 'x'}")
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / "chats.csv").write_text("mine")

    assert "add --replace" in refusal("--type=chats", f"--output={tmp_path / 'x'}")
    sentence = refusal("--type=chats", f"--output={tmp_path / 'y'}", status=1)

    assert "chats.csv exists, and is not written over" in sentence
    assert names(tmp_path / "y") == ["chats.csv"]
    assert (tmp_path / "y" / "chats.csv").read_text() == "mine"


def test_output_that_is_a_link_or_a_file_is_refused(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").write_text("mine")

    assert "is a symbolic link" in refusal(f"--output={tmp_path / 'link'}")
    assert "is no directory" in refusal(f"--output={tmp_path / 'file'}")
    assert names(tmp_path / "real") == []


def test_replace_takes_away_all_of_the_export_before_and_nothing_else(tmp_path):
    for number in range(5):
        chat(str(number))
    folder = tmp_path / "x"
    export("--type=chats", "--split-rows=2", f"--output={folder}")
    (folder / "mine.txt").write_text("mine")

    export("--type=chats", "--split-rows=3", "--replace", f"--output={folder}")

    assert names(folder) == ["chats-0001.csv", "chats-0002.csv", "manifest.json", "mine.txt"]
    assert titles(folder, "chats-0001.csv") == ["0", "1", "2"]


def test_replace_takes_a_manifest_of_others_for_what_it_is(tmp_path):
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"version": 3}')

    sentence = refusal("--replace", f"--output={folder}", status=1)

    assert "manifest.json is not of an export: nothing was replaced" in sentence
    assert names(folder) == ["manifest.json"]


def test_names_in_a_manifest_cannot_lead_out_of_the_directory(tmp_path):
    folder = tmp_path / "x"
    folder.mkdir()
    (tmp_path / "mine.txt").write_text("mine")
    files = [{"name": "../mine.txt"}, {"name": "manifest.json"}]
    (folder / "manifest.json").write_text(json.dumps({"files": files}))

    export("--type=tags", "--replace", f"--output={folder}")

    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert names(folder) == ["manifest.json", "tags.csv"]
