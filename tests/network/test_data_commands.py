"""Commands that carry data in and out: what is exported, compared and taken in."""

import csv
import io
import json
import shutil

import openpyxl
import pytest
from django.core.management import CommandError, call_command

from django_network_hc.models import Case, HealthCheckSession, Network
from django_network_hc.services.folders import script_folder
from tests.network import samples
from tests.network.samples import EXPECTED, NETWORK
from tests.network.test_commands import document, refused, told
from tests.network.workspace import month_files, prepared, run_month

pytestmark = pytest.mark.django_db(transaction=True)


class TestExport:
    def test_csv_has_each_case_once(self, root):
        network = prepared(root)
        run_month(network, 0)

        rows = list(csv.DictReader(io.StringIO(told("hc_export"))))
        still = list(csv.DictReader(io.StringIO(told("hc_export", state="open"))))

        assert len(rows) == EXPECTED[0]["counts"]["main_rows"]
        assert len(still) == EXPECTED[0]["counts"]["open_after"]
        assert rows[0]["network"] == NETWORK
        assert [int(row["id"]) for row in rows] == sorted(int(row["id"]) for row in rows)

    def test_json_is_one_document_with_the_same_rows(self, root):
        network = prepared(root)
        run_month(network, 0)

        rows = json.loads(told("hc_export", what="coverage", format="json"))

        column = EXPECTED[0]["coverage"]["column"]
        said = {
            str(row["node"]): row["tested_on"] or row["said"]
            for row in rows
            if row["report_on"] == "2025-02-06"
        }
        assert said == column

    def test_inventory_is_that_of_the_last_report(self, root):
        network = prepared(root)
        run_month(network, 0)
        run_month(network, 1)

        rows = json.loads(told("hc_export", what="inventory", format="json", json=True))

        assert len(rows) == EXPECTED[1]["counts"]["inventory_rows"]
        assert {row["report_on"] for row in rows} == {"2025-03-06"}

    def test_workbook_is_written_below_the_script_directory(self, root):
        prepared(root)

        found = document("hc_export", format="xlsx", output="all/cases.xlsx")

        book = openpyxl.load_workbook(root / "output" / "all" / "cases.xlsx")
        assert book["cases"].max_row == found["rows"] + 1 == Case.objects.count() + 1
        assert not list((root / "output").rglob(".*"))

    @pytest.mark.parametrize("output", ["/etc/cases.csv", "../../cases.csv"])
    def test_no_file_is_written_elsewhere(self, root, output):
        prepared(root)

        message, _status = refused("hc_export", output=output)

        assert "is not below" in message

    def test_formula_in_a_remark_is_a_text(self, root):
        prepared(root)
        Case.objects.filter(pk=Case.objects.latest("pk").pk).update(remarks="=1+1", card="-x")

        rows = list(csv.DictReader(io.StringIO(told("hc_export"))))

        assert (rows[-1]["remarks"], rows[-1]["card"]) == ("'=1+1", "'-x")

    @pytest.mark.parametrize(
        "options", [{"format": "xlsx"}, {"what": "inventory", "state": "open"}]
    )
    def test_what_cannot_be_is_wrong_usage(self, root, options):
        _message, status = refused("hc_export", **options)

        assert status == 2


class TestDiff:
    def test_files_and_days_give_the_same(self, root):
        network = prepared(root)
        run_month(network, 0)
        run_month(network, 1)
        files = [str(month_files(month)[0]) for month in (0, 1)]

        by_file = document("hc_diff", *files)
        by_day = document("hc_diff", "2025-02-06", "2025-03-06", network=NETWORK)

        assert by_day == by_file
        keys = [{one.key for one in samples.report(month).findings} for month in (0, 1)]
        assert by_file["new"] == len(keys[1] - keys[0]) > 0
        assert by_file["gone"] == len(keys[0] - keys[1]) > 0
        assert by_file["same"] == len(keys[0] & keys[1])
        assert sum(one["new"] for one in by_file["groups"]) == by_file["new"]

    def test_text_counts_by_the_group_that_is_asked_for(self, root):
        files = [str(month_files(month)[0]) for month in (0, 1)]

        said = told("hc_diff", *files, by="priority", verbosity=2)

        assert "WARNING" in said
        assert said.count("\n+ ") == document("hc_diff", *files)["new"]

    def test_report_with_itself_differs_in_nothing(self, root):
        file = str(month_files(0)[0])

        found = document("hc_diff", file, file)

        assert (found["new"], found["gone"]) == (0, 0)

    def test_day_without_a_report_is_answered_with_those_that_there_are(self, root):
        network = prepared(root)
        run_month(network, 0)

        message, status = refused("hc_diff", "2020-01-01", "2025-02-06", network=NETWORK)

        assert (status, "there are: 2025-02-06" in message) == (1, True)

    @pytest.mark.parametrize("words", [("a", "b"), ("2025-02-06", "2025-03-06")])
    def test_neither_file_nor_day_of_a_network_is_wrong_usage(self, root, words):
        _message, status = refused("hc_diff", *words)

        assert status == 2


class TestImport:
    def test_directory_becomes_networks_and_a_second_time_changes_nothing(self, root, tmp_path):
        source = existing(tmp_path / "old", NETWORK, "Birch DWDM")

        first = document("hc_import", script_dir=source, customer="CustomerA")
        cases = list(Case.objects.order_by("pk").values())
        sessions = HealthCheckSession.objects.count()
        second = document("hc_import", script_dir=source, customer="CustomerA")

        assert {one["name"]: one["is_new"] for one in first["networks"]} == {
            NETWORK: True,
            "Birch DWDM": True,
        }
        assert not any(one["is_new"] for one in second["networks"])
        assert list(Case.objects.order_by("pk").values()) == cases
        assert HealthCheckSession.objects.count() == sessions
        network = Network.objects.get(name=NETWORK)
        assert (network.customer, network.setup_status) == ("CustomerA", "READY")
        assert network.ignore_rules.count() > 0
        assert run_month(network, 0).counts == EXPECTED[0]["counts"]

    def test_script_directory_itself_can_be_taken_in(self, root):
        existing(root, NETWORK)
        told("hc_setup")

        found = document("hc_import")

        assert [one["name"] for one in found["networks"]] == [NETWORK]
        assert Network.objects.get().setup_status == "READY"

    def test_dry_run_says_what_is_there(self, root, tmp_path):
        source = existing(tmp_path / "old", NETWORK)

        said = told("hc_import", script_dir=source, dry_run=True)

        assert "1 of 1 networks would be imported" in said
        assert str(len(samples.tracker().cases["MAIN"])) in said
        assert not Network.objects.exists()
        assert not root.exists()

    def test_tracker_without_ignore_files_has_its_history_and_is_not_ready(self, root, tmp_path):
        source = existing(tmp_path / "old", NETWORK)
        (source / samples.IGNORED_TESTS.name).unlink()

        message, status = refused("hc_import", script_dir=source)

        assert (message, status) == (f"Not ready: {NETWORK}.", 3)
        network = Network.objects.get()
        assert (network.setup_status, network.cases.exists()) == ("NEW", True)

    def test_broken_tracker_does_not_stop_the_others(self, root, tmp_path):
        source = existing(tmp_path / "old", NETWORK)
        (source / "Broken_HC_Issues_Tracker.xlsx").write_bytes(b"nothing")

        out = io.StringIO()
        with pytest.raises(CommandError):
            call_command("hc_import", script_dir=source, stdout=out)

        assert "Broken_HC_Issues_Tracker.xlsx" in out.getvalue()
        assert Network.objects.get(name=NETWORK).is_ready

    def test_missing_directory_is_one_sentence(self, root, tmp_path):
        message, status = refused("hc_import", script_dir=tmp_path / "none")

        assert (status, "there is no such directory" in message) == (1, True)


def existing(folder, *names):
    """Return a directory as the script of earlier times has left it."""
    folder.mkdir(parents=True)
    sources = (samples.TRACKER, samples.IGNORED_TESTS, samples.IGNORED_FINDINGS)
    for name in names:
        for source in sources:
            shutil.copyfile(source, folder / source.name.replace(NETWORK, name))
    shutil.copyfile(samples.TRACKER, folder / "Template_HC_Issues_Tracker.xlsx")
    assert script_folder().root
    return folder
