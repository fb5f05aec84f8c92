"""What people set for all sites, for a group and for a site, laid over the settings."""

import pytest

from django_job_automation.adapters import get_adapter
from django_job_automation.exceptions import (
    OverrideError,
    UnknownSiteError,
    VersionConflictError,
)
from django_job_automation.models import Job, Run, SettingsOverride
from django_job_automation.services.explaining import explain
from django_job_automation.services.overrides import conf_of_site, replace, stored, update
from django_job_automation.services.running import run_automation
from tests.automation.histories import AS_OF, ago
from tests.automation.models import Park, Unit
from tests.automation.test_running import plant

pytestmark = pytest.mark.django_db


def put(scope: str = "", **sections) -> None:
    replace(sections, scope=scope, version=None, changed_by="ada")


def flagged() -> set[str]:
    report = run_automation(started_by="test", as_of=AS_OF, dry_run=True)
    assert not report.failed
    return {flag.key for one in report.rules for flag in one.flags}


@pytest.fixture
def fleet():
    """Silent for 2, 5 and 9 days, in two groups and in none."""
    for group in ("", "north", "south"):
        for days in (2, 5, 9):
            plant(f"{group}{days}", [(ago(days), "7")], group=group)


def test_settings_hold_where_nobody_set_anything(fleet):
    assert flagged() == {"5", "9", "north5", "north9", "south5", "south9"}


def test_narrower_wins_key_by_key(fleet, settings):
    settings.JOB_AUTOMATION = {"NO_COMS": {"days_threshold": 8}}
    put(NO_COMS={"days_threshold": 4, "check_duplicate": False})
    put("group:north", NO_COMS={"days_threshold": 1})
    put("site:north2", NO_COMS={"days_threshold": 6})
    put("site:south9", NO_COMS={"enabled": False})

    assert flagged() == {"5", "9", "north5", "north9", "south5"}

    report = run_automation(started_by="test", as_of=AS_OF)
    assert report.created == 5
    # Set for all, and nobody below has said otherwise: another with every run.
    assert run_automation(started_by="test", as_of=AS_OF).created == 5
    used = Run.objects.latest("pk").settings
    assert used["NO_COMS"]["days_threshold"] == 4
    assert used["overrides"]["group:north"] == {"NO_COMS": {"days_threshold": 1}}


def test_duplicates_are_allowed_for_one_group_alone(fleet):
    put("group:north", NO_COMS={"check_duplicate": False})

    created = [run_automation(started_by="test", as_of=AS_OF).created for _ in range(2)]

    assert created == [6, 2]
    assert Job.objects.filter(site__group="north").count() == 4
    assert run_automation(started_by="test", as_of=AS_OF, dry_run=True).created == 2


def test_explanation_knows_what_holds_for_the_site(fleet):
    put("group:north", NO_COMS={"days_threshold": 1})
    put("site:2", NO_COMS={"days_threshold": 1.5})

    days = {key: explain(key, as_of=AS_OF).silence_limits.threshold.days for key in ("north2", "5")}
    assert days == {"north2": 1, "5": 3}
    assert explain("2", as_of=AS_OF).silence.value == "silent"


@pytest.mark.parametrize(
    ("scope", "values", "words"),
    [
        ("", {"ADAPTER": "x"}, "'ADAPTER' cannot be set here"),
        ("", {"NO_COMS": 3}, "NO_COMS is a dict, got int"),
        ("", {"NO_COMS": {"dayz": 3}}, "['NO_COMS']['dayz'] is not a setting"),
        ("", {"NO_COMS": {"days_threshold": "3"}}, "days_threshold"),
        ("", {"NO_COMS": {"enabled": "yes"}}, "enabled"),
        ("", {"NO_COMS": {"job_type_id": "zero_reads"}}, "the same job_type_id"),
        ("group:x", {"NO_COMS": {"job_type_id": "y"}}, "is the same for all sites"),
        ("somewhere", {}, "got 'somewhere'"),
        ("site:", {}, "got 'site:'"),
        ("site:" + "x" * 251, {}, "255 characters at most, got 256"),
        ("", [], "Settings are a dict, got list"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_set(scope, values, words):
    with pytest.raises(OverrideError) as raised:
        replace(values, scope=scope, version=None, changed_by="ada")

    assert words in str(raised.value)
    assert not SettingsOverride.objects.exists()


def test_versions_and_history(admin_user):
    first = replace(
        {"NO_COMS": {"days_threshold": 2}}, version=0, changed_by="ada", user=admin_user
    )
    assert first.version == 1
    second = update({"ZERO_READS": {"enabled": False}}, version=1, changed_by="bob")
    assert second.values == {"NO_COMS": {"days_threshold": 2}, "ZERO_READS": {"enabled": False}}
    for version in (0, 1):
        with pytest.raises(VersionConflictError, match="there is version 2"):
            update({}, version=version, changed_by="eve")
    assert stored() == second
    row = SettingsOverride.objects.get()
    assert row.updated_by == "bob"
    edits = row.history.order_by("history_id")
    assert [one.values.get("ZERO_READS") for one in edits] == [None, {"enabled": False}]
    assert edits[0].history_user == admin_user


def test_group_that_an_adapter_does_not_know_is_said(settings):
    settings.JOB_AUTOMATION = {"ADAPTER": "tests.automation.adapters.Meters"}
    SettingsOverride.objects.create(scope="group:x", values={"NO_COMS": {}})

    with pytest.raises(OverrideError, match="maps no field for the group"):
        run_automation(started_by="test")


class TestKeysOfOtherKinds:
    """Sites that are called by a number, in groups that are rows."""

    @pytest.fixture(autouse=True)
    def units(self, settings):
        settings.JOB_AUTOMATION = {"ADAPTER": "tests.automation.adapters.Units"}
        self.park = Park.objects.create(name="north")
        for number in (7, 8):
            Unit.objects.create(number=number, park=self.park)

    def days(self, number: int) -> float:
        adapter = get_adapter()
        site = Unit.objects.get(number=number)
        return float(conf_of_site(adapter, site.pk).NO_COMS.days_threshold)

    def test_number_may_be_written_in_another_way(self):
        replace({"NO_COMS": {"days_threshold": 9}}, scope="site:007", version=None, changed_by="a")

        assert (self.days(7), self.days(8)) == (9, 3)

    def test_group_holds_for_a_site_with_settings_of_its_own(self):
        group = f"group:{self.park.pk}"
        replace({"NO_COMS": {"days_threshold": 9}}, scope=group, version=None, changed_by="a")
        replace({"ZERO_READS": {"enabled": False}}, scope="site:7", version=None, changed_by="a")

        assert (self.days(7), self.days(8)) == (9, 9)

    @pytest.mark.parametrize("scope", ["site:abc", "group:north", "site:a\0b"])
    def test_what_no_site_can_be_called_is_refused(self, scope):
        with pytest.raises(OverrideError, match="is no value of"):
            replace({"NO_COMS": {"enabled": False}}, scope=scope, version=None, changed_by="a")

    def test_what_was_set_before_the_key_was_a_number_is_no_matter(self):
        for scope in ("site:abc", "group:north"):
            SettingsOverride.objects.create(scope=scope, values={"NO_COMS": {"enabled": False}})

        assert self.days(7) == 3

    def test_site_that_cannot_be_is_unknown(self):
        with pytest.raises(UnknownSiteError):
            explain("abc")
        with pytest.raises(UnknownSiteError):
            run_automation(started_by="test", keys=["7", "abc"])
        assert get_adapter().unknown(["7", "007"]) == []
