"""Each wrong setting is said at `check`, with the way out; and adapters that do not fit."""

import pytest

from django_job_automation.adapters import get_adapter
from django_job_automation.checks import check_adapter, check_settings
from django_job_automation.models import Job, Reading, Site

HERE = "tests.automation.adapters"


@pytest.mark.parametrize("setting", [{}, {"NO_COMS": {"days_threshold": 2.5}}])
def test_nothing_is_wrong_with(settings, setting):
    settings.JOB_AUTOMATION = setting

    assert [*check_settings(), *check_adapter()] == []


@pytest.mark.parametrize(
    ("wrong", "expected", "words"),
    [
        ([], "E001", "must be a dict"),
        ({"NO_COM": {}}, "E002", "JOB_AUTOMATION['NO_COM'] is not a setting"),
        ({"NO_COMS": {"days": 3}}, "E002", "['NO_COMS']['days'] is not a setting"),
        ({"NO_COMS": {"days_threshold": "3"}}, "E003", "['NO_COMS']['days_threshold']"),
        ({"NO_COMS": {"days_threshold": 0}}, "E003", "days_threshold"),
        ({"NO_COMS": {"enabled": "yes"}}, "E003", "['NO_COMS']['enabled']"),
        ({"NO_COMS": {"job_type_id": "x" * 51}}, "E003", "job_type_id"),
        ({"NO_COMS": {"check_duplicate": 1}}, "E003", "check_duplicate"),
        ({"ZERO_READS": {"days_to_check": float("nan")}}, "E003", "days_to_check"),
        ({"ZERO_READS": {"readings_to_compare": 0}}, "E003", "readings_to_compare"),
        ({"ZERO_READS": {"min_increase": -1}}, "E003", "min_increase"),
        ({"ZERO_READS": {"job_type_id": "no_coms"}}, "E003", "the same job_type_id, 'no_coms'"),
        ({"NO_COMS": {"auto_close_after_clean_runs": -1}}, "E003", "auto_close_after_clean_runs"),
        ({"ZERO_READS": {"enabled": 1}}, "E003", "['ZERO_READS']['enabled']"),
        ({"ZERO_READS": {"job_type_id": "a\nb"}}, "E003", "must be printable"),
        ({"ZERO_READS": {"check_duplicate": None}}, "E003", "check_duplicate"),
        ({"UNDERPERFORMANCE": {"enabled": "on"}}, "E003", "['UNDERPERFORMANCE']['enabled']"),
        ({"UNDERPERFORMANCE": {"days_to_check": -1}}, "E003", "days_to_check"),
        ({"UNDERPERFORMANCE": {"percent_of_median": 101}}, "E003", "percent_of_median"),
        ({"UNDERPERFORMANCE": {"min_sites": 1}}, "E003", "min_sites"),
        ({"UNDERPERFORMANCE": {"job_type_id": "zero_reads"}}, "E003", "the same job_type_id"),
        ({"DATA_QUALITY": "yes"}, "E003", "DATA_QUALITY"),
        ({"KEEP_RUNS_DAYS": -1}, "E003", "KEEP_RUNS_DAYS"),
        ({"MAIL_ADMINS": 1}, "E003", "MAIL_ADMINS"),
        ({"ADAPTER": 3}, "E003", "ADAPTER"),
        ({"ADAPTER": "nowhere.Adapter"}, "E003", "cannot be imported"),
        ({"FUTURE_TOLERANCE_HOURS": -1}, "E003", "FUTURE_TOLERANCE_HOURS"),
        ({"OPEN_STATUSES": []}, "E003", "OPEN_STATUSES"),
        ({"MASS_OUTAGE_PERCENT": 0}, "E003", "MASS_OUTAGE_PERCENT"),
        ({"RUN_LEASE_SECONDS": 0}, "E003", "RUN_LEASE_SECONDS"),
    ],
)
def test_wrong_key_is_named(settings, wrong, expected, words):
    settings.JOB_AUTOMATION = wrong

    found = check_settings()

    assert {one.id for one in found} == {f"django_job_automation.{expected}"}
    assert words in found[0].msg
    assert check_adapter() == []


@pytest.mark.parametrize(
    ("adapter", "expected", "words", "way_out"),
    [
        ("NoModels", "E004", "there is no model ''", "app_label.Model"),
        ("NoFields", "E004", "has no 'reading'", "reading = ReadingFields"),
        ("NoSuchModel", "E004", "no model 'tests_automation.Plant'", "app_label.Model"),
        ("NoSuchField", "E004", "maps value to 'wh'", "kwh, meter, taken_at"),
        ("ForeignJobs", "E004", "does not derive from AbstractJob", "Set job = JobFields"),
        ("NeverOpen", "E004", "new_status 'new' is none of its", "each run opens another"),
        ("UnitsByNumber", "E004", "UnitReading.by_number is no foreign key to the", "map a field"),
        ("NoIndex", "W001", "has no index", "Add Index(fields=['meter', '-ts'"),
    ],
)
def test_adapter_that_does_not_fit_is_said(settings, adapter, expected, words, way_out):
    settings.JOB_AUTOMATION = {"ADAPTER": f"{HERE}.{adapter}"}

    [found] = check_adapter()

    assert found.id == f"django_job_automation.{expected}"
    assert words in found.msg
    assert way_out in found.hint


def test_open_statuses_of_our_own_jobs_are_fixed(settings):
    settings.JOB_AUTOMATION = {"OPEN_STATUSES": ["open"]}

    [found] = check_adapter()

    assert "those of django_job_automation.Job are fixed" in found.msg


def test_open_statuses_of_others_come_from_the_settings(settings):
    settings.JOB_AUTOMATION = {"ADAPTER": f"{HERE}.NeverOpen", "OPEN_STATUSES": ["new", "late"]}

    assert check_adapter() == []
    assert get_adapter().store.open_statuses == ("new", "late")


def test_jobs_that_cannot_be_closed_are_said(settings):
    settings.JOB_AUTOMATION = {
        "ADAPTER": f"{HERE}.NeverClosed",
        "ZERO_READS": {"auto_close_after_clean_runs": 3},
    }

    [found] = check_adapter()

    assert "['ZERO_READS']['auto_close_after_clean_runs'] is set" in found.msg
    assert "has no closed_status" in found.msg


def test_days_need_time_zones(settings):
    settings.USE_TZ = False

    assert [one.id for one in check_adapter()] == ["django_job_automation.E005"]


@pytest.mark.django_db
def test_register_of_a_utility_plant_fits():
    site = Site.objects.create(site_id="A")
    Reading.objects.create(site=site, reading_date="2026-01-01T00:00Z", reading_value=10**17)

    assert Reading.objects.get().reading_value == 10**17


@pytest.mark.django_db
def test_key_of_a_site_is_compared_by_its_bytes():
    Site.objects.create(site_id="a")
    Site.objects.create(site_id="A")

    assert Site.objects.filter(site_id="A").count() == 1
    assert str(Job(pk=3, job_type="no_coms")) == "no_coms #3"


def test_fields_of_other_kinds_are_said(settings):
    settings.JOB_AUTOMATION = {"ADAPTER": f"{HERE}.WrongKinds"}

    assert [one.msg for one in check_adapter()] == [
        "tests_automation.Sample.kwh is no DateTimeField.",
        "tests_automation.Sample.taken_at is no DecimalField.",
    ]
