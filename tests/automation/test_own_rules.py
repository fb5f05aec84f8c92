"""A site's own rule runs, is set and shown as those of the app."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from django_job_automation.checks import check_settings
from django_job_automation.conf import get_conf
from django_job_automation.models import Finding, Job, Run
from django_job_automation.rules import get_rules
from django_job_automation.services import overrides
from django_job_automation.services.dashboard import dashboard
from tests.automation.histories import AS_OF, daily
from tests.automation.test_running import plant, run

HERE = "tests.automation.rules"
UNNAMED = {"RULES": [f"{HERE}.Unnamed"]}

pytestmark = pytest.mark.django_db


@pytest.fixture
def nameless():
    site = plant("A", daily(range(20, 10, -1)))
    site.site_name = "A"
    site.save()
    return site


def test_it_runs_after_the_others_and_opens_jobs(settings, nameless):
    settings.JOB_AUTOMATION = {**UNNAMED, "UNNAMED": {"longest": 1}}

    report = run()

    assert [one.rule.name for one in report.rules] == ["no_coms", "zero_reads", "unnamed"]
    job = Job.objects.get()
    assert (job.job_type, job.description, job.site) == ("unnamed", "No name", nameless)
    assert Finding.objects.get().rule == "unnamed"
    assert run().created == 0


def test_its_jobs_are_closed_when_the_cause_is_over(settings, nameless):
    settings.JOB_AUTOMATION = {
        **UNNAMED,
        "UNNAMED": {"longest": 1, "auto_close_after_clean_runs": 1},
    }
    run()
    nameless.site_name = "Plant A"
    nameless.save()

    run()

    assert Job.objects.get().status == "closed"


def test_its_settings_are_its_own(settings):
    settings.JOB_AUTOMATION = UNNAMED
    assert get_conf().rule("unnamed").longest == 0
    assert get_conf().sections == ("NO_COMS", "ZERO_READS", "UNDERPERFORMANCE", "UNNAMED")

    settings.JOB_AUTOMATION = {"RULES": [f"{HERE}.Typed"]}
    assert get_conf().rule("typed").job_type_id == "inventory"

    settings.JOB_AUTOMATION = {}
    assert list(get_rules()) == ["no_coms", "zero_reads", "underperformance"]


def test_people_set_it_for_some_sites(settings, nameless):
    settings.JOB_AUTOMATION = UNNAMED
    overrides.replace({"UNNAMED": {"longest": 1}}, scope="site:A", version=None, changed_by="ada")
    plant("B", daily(range(20, 10, -1)))

    run()

    assert [one.site.site_id for one in Job.objects.all()] == ["A"]
    with pytest.raises(overrides.OverrideError, match=r"\['UNNAMED'\]\['longest'\]"):
        overrides.replace({"UNNAMED": {"longest": -1}}, version=None, changed_by="ada")


def test_command_asks_it_alone(settings, nameless):
    settings.JOB_AUTOMATION = {**UNNAMED, "UNNAMED": {"longest": 1}}
    plant("silent")
    output = io.StringIO()

    call_command("run_daily_job_automation", "--rule", "unnamed", stdout=output)

    assert output.getvalue().splitlines()[1:-1] == ["Created 1 Unnamed jobs"]
    with pytest.raises(CommandError, match="no rule 'x': there are no_coms, zero_reads") as error:
        call_command("run_daily_job_automation", "--rule", "x", stdout=output)
    assert error.value.returncode == 2


def test_dashboard_counts_it(settings, nameless):
    settings.JOB_AUTOMATION = {**UNNAMED, "UNNAMED": {"longest": 1}}
    run()

    assert dashboard(now=AS_OF).open["unnamed"] == 1


@pytest.mark.parametrize(
    ("setting", "number", "words"),
    [
        ({"RULES": "x"}, "E003", "['RULES']"),
        ({"RULES": ["nowhere.Rule"]}, "E003", "'nowhere.Rule' cannot be imported"),
        ({"RULES": [3]}, "E003", "['RULES'][0]"),
        ({"RULES": [f"{HERE}.nothing"]}, "E003", "nothing is no class"),
        ({"RULES": [f"{HERE}.Half"]}, "E003", "Half has no 'settings'"),
        ({"RULES": [f"{HERE}.Shouting"]}, "E003", "the name 'LOUD': it must be"),
        ({"RULES": [f"{HERE}.Endless"]}, "E003", "a name of 51 characters"),
        ({"RULES": [f"{HERE}.Loose"]}, "E003", "do not derive from RuleSettings"),
        ({"RULES": [f"{HERE}.BuiltIn"]}, "E003", "called 'no_coms', which is taken"),
        ({"RULES": [f"{HERE}.Unnamed", f"{HERE}.Twin"]}, "E003", "Twin is called 'unnamed'"),
        ({**UNNAMED, "UNNAMED": {"longest": -1}}, "E003", "['UNNAMED']['longest']"),
        ({**UNNAMED, "UNNAMED": {"shortest": 1}}, "E002", "['UNNAMED']['shortest']"),
        ({**UNNAMED, "UNNAMED": {"job_type_id": "no_coms"}}, "E003", "NO_COMS and UNNAMED"),
        ({"RULES": [".rules.Unnamed"]}, "E003", "'.rules.Unnamed' cannot be imported"),
        ({"ADAPTER": ".rules.Unnamed"}, "E003", "'.rules.Unnamed' cannot be imported"),
        ({"RULES": [f"{HERE}.Demanding"], "DEMANDING": {"limit": 1}}, "E002 E003", "for 'limit'"),
        ({"RULES": [f"{HERE}.Private"]}, "E003", "the name '_private'"),
        ({"RULES": [f"{HERE}.Needy"]}, "E003", "cannot be made without arguments"),
        ({"RULES": [f"{HERE}.Daily"]}, "E003", "called 'day', which is taken"),
        ({"UNNAMED": {}}, "E002", "['UNNAMED'] is not a setting"),
    ],
)
def test_what_is_wrong_is_said(settings, setting, number, words):
    settings.JOB_AUTOMATION = setting

    found = check_settings()

    assert sorted(one.id for one in found) == [
        f"django_job_automation.{one}" for one in number.split()
    ]
    assert words in " ".join(one.msg for one in found)


def test_report_of_it_is_a_document(settings, nameless):
    settings.JOB_AUTOMATION = {**UNNAMED, "UNNAMED": {"longest": 1}}
    output = io.StringIO()

    call_command("run_daily_job_automation", "--json", "--dry-run", stdout=output)

    rules = json.loads(output.getvalue())["rules"]
    assert [(one["rule"], one["created"]) for one in rules][-1] == ("unnamed", 1)


def test_site_that_is_found_twice_gets_one_job(settings, nameless):
    settings.JOB_AUTOMATION = {"RULES": [f"{HERE}.Twice"], "UNNAMED": {"longest": 1}}

    report = run()

    assert report.created == Job.objects.count() == 1
    assert sorted(Finding.objects.values_list("rule", flat=True)) == ["unnamed", "x" * 50]


def test_rule_that_finds_something_else_fails_alone(settings, nameless):
    settings.JOB_AUTOMATION = {"RULES": [f"{HERE}.Confused"]}
    plant("silent")

    report = run()

    assert [one.error for one in report.failed] == [
        "TypeError: it found a Site, which is no Flag and no Note"
    ]
    assert report.created == 1


def test_rule_that_ignores_its_scope_gets_one_job_for_a_site(settings, nameless):
    settings.JOB_AUTOMATION = {"RULES": [f"{HERE}.Everywhere"], "UNNAMED": {"longest": 1}}
    other = plant("B", daily(range(20, 10, -1)))
    other.site_name = "B"
    other.save()
    overrides.replace({"NO_COMS": {"enabled": True}}, scope="site:A", version=None, changed_by="a")

    report = run()

    assert not report.failed
    assert report.created == Job.objects.count() == 2


def test_rule_that_calls_other_sites_clean_harms_nobody(settings, nameless):
    settings.JOB_AUTOMATION = {
        "RULES": [f"{HERE}.Careless"],
        "UNNAMED": {"longest": 1, "auto_close_after_clean_runs": 1},
    }
    run()
    plant("B", daily(range(20, 10, -1)))

    report = run()

    assert not report.failed
    assert Job.objects.get().status == "open"


def test_translated_title_of_a_rule_that_fails(settings):
    settings.JOB_AUTOMATION = {"RULES": [f"{HERE}.Translated"]}

    with pytest.raises(CommandError, match="Failed: Yes"):
        call_command("run_daily_job_automation", stdout=io.StringIO())


def test_number_that_json_does_not_know(settings, nameless):
    settings.JOB_AUTOMATION = {"RULES": [f"{HERE}.Boundless"]}

    report = run()

    assert Run.objects.get(pk=report.run).settings["BOUNDLESS"]["limit"] is None


def test_what_was_set_for_a_rule_that_is_gone_is_no_matter(settings, nameless):
    settings.JOB_AUTOMATION = UNNAMED
    overrides.replace(
        {"UNNAMED": {"longest": 1}, "NO_COMS": {"enabled": False}}, version=None, changed_by="ada"
    )
    settings.JOB_AUTOMATION = {}

    assert [one.rule.name for one in run().rules if one.is_enabled] == ["zero_reads"]
    stored = overrides.update({"NO_COMS": {"enabled": True}}, version=None, changed_by="ada")
    assert stored.values == {"NO_COMS": {"enabled": True}}


def test_rule_that_is_named_twice_runs_once(nameless, settings):
    settings.JOB_AUTOMATION = {**UNNAMED, "UNNAMED": {"longest": 1}}

    report = run(names=["unnamed", "unnamed"])

    assert (len(report.rules), report.created) == (1, 1)
