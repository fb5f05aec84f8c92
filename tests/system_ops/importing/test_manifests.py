"""Files beside the manifest of an export: whole, as they were, and each once."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.system_ops.importing.conftest import bring_in, problems, said, written
from tests.system_ops.shop.models import Agent

pytestmark = pytest.mark.django_db

AGENTS = {"model": "shop.Agent", "tenant": "tenant"}


@pytest.fixture
def exported(types, acme, tmp_path):
    """Export ten agents in two files, and remove them from the table."""
    types(agents=AGENTS)
    Agent.objects.bulk_create(Agent(tenant=acme, name=f"-agent {n}") for n in range(10))

    def export(*args):
        arguments = ["--type=agents", "--split-rows=5", f"--output={tmp_path / 'out'}", *args]
        output = io.StringIO()
        call_command("export_data", *arguments, json=True, stdout=output)
        Agent.objects.all().delete()
        return Path(json.loads(output.getvalue())["directory"])

    return export


def agents():
    return sorted(Agent.objects.values_list("name", flat=True))


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def test_file_that_was_cut_off_does_not_come_in(exported):
    place = exported()
    path = place / "agents-0001.csv"
    cut(path)

    for where in (f"--directory={place}", f"--file={path}"):
        found = bring_in(where, "--type=agents")
        assert found["status"] == 2
        assert "agents-0001.csv is not the file that manifest.json beside it" in found["sentence"]
    assert agents() == []


def test_file_that_is_missing_is_named(exported):
    place = exported("--tenant=acme")
    (place / "agents-acme-0002.csv").unlink()

    for whose in ([], ["--tenant=acme"]):
        found = bring_in(f"--directory={place}", "--type=agents", *whose)
        assert found["status"] == 2
        assert "agents-acme-0002.csv of manifest.json is not there" in found["sentence"]
    assert agents() == []


def test_missing_file_of_others_is_not_missed(exported, zenith):
    place = exported("--tenant=acme,zenith")
    for path in place.glob("agents-zenith*"):
        path.unlink()

    found = bring_in(f"--directory={place}", "--type=agents", "--tenant=acme")

    assert (found["status"], found["created"]) == (0, 10)


def test_edited_files_come_in_when_it_is_said(exported):
    place = exported()
    path = place / "agents-0001.csv"
    path.write_text(path.read_text().replace("agent 0", "ägent 0"))
    (place / "agents-0002.csv").unlink()

    found = bring_in(f"--directory={place}", "--type=agents", "--edited")

    assert (found["status"], found["created"]) == (0, 5)
    assert "-ägent 0" in agents()  # still without the guard, which the manifest knows of


def test_packed_file_has_to_be_unpacked_and_then_is_known(exported):
    zstandard = pytest.importorskip("zstandard")
    place = exported("--compress")

    found = bring_in(f"--directory={place}", "--type=agents")
    assert (found["status"], "Unpack agents-0001.csv.zst" in found["sentence"]) == (2, True)

    for path in place.glob("*.zst"):
        with path.open("rb") as file, path.with_suffix("").open("wb") as unpacked:
            zstandard.ZstdDecompressor().copy_stream(file, unpacked)
    assert bring_in(f"--directory={place}", "--type=agents")["created"] == 10
    assert agents()[0] == "-agent 0"


@pytest.mark.parametrize("level", ["strict", "lenient"])
def test_second_file_with_the_same_bytes_is_left_alone(types, acme, tmp_path, level):
    types(agents=AGENTS)
    for name in ("a.csv", "b.csv"):
        written(tmp_path / name, [{"name": "x"}])
    arguments = [f"--directory={tmp_path}", "--type=agents", "--tenant=acme"]

    found = bring_in(*arguments, f"--validation={level}")

    assert (found["status"], problems(found), found["created"]) == (0, [], 1)
    assert found["left_alone"] == {"b.csv": "has the same bytes as a.csv"}
    assert "b.csv" in said(*arguments, f"--validation={level}", "--again")


def test_empty_exports_of_two_tenants_come_in(exported, zenith):
    Agent.objects.all().delete()
    place = exported("--tenant=acme,zenith")

    assert bring_in(f"--directory={place}", "--type=agents")["status"] == 0


@pytest.mark.parametrize("text", ["[]", '{"files": 1}', '{"files": [1]}', '{"files": [{}]}', "no"])
def test_manifest_of_others_says_nothing(types, acme, tmp_path, text):
    types(agents=AGENTS)
    written(tmp_path / "a.csv", [{"name": "x"}])
    (tmp_path / "manifest.json").write_text(text)

    found = bring_in(f"--directory={tmp_path}", "--type=agents", "--tenant=acme")

    assert (found["status"], agents()) == (0, ["x"])
