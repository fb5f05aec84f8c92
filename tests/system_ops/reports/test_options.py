"""Each option of the command, and what is said when one is wrong."""

import io
import json
import re
import stat
from pathlib import Path

import django
import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_system_ops.checks.reports import check_reports
from django_system_ops.engine.periods import last_whole
from django_system_ops.management.commands.generate_reports import Command
from tests.system_ops.reports.conftest import ALL, BY_AGENT, report, run, talk
from tests.system_ops.shop.models import Tenant

pytestmark = pytest.mark.django_db

TYPES = ["usage", "performance", "agents", "satisfaction"]


@pytest.fixture(autouse=True)
def usage(describe):
    describe(talks=BY_AGENT)


def names(said):
    return [file.rpartition("/")[2] for one in said["reports"] for file in one["files"]]


@pytest.mark.parametrize("name", TYPES)
def test_type(configure, site, name):
    types = {one: {"title": one.title(), "sections": {"talks": ALL}} for one in TYPES}
    configure(reports={"directory": str(site), "types": types})

    assert names(run(type=name, period="2026-10")) == [f"{name}_2026-10.html"]


def test_type_may_be_several_and_is_all_by_default(configure, site):
    types = {one: {"title": one.title(), "sections": {"talks": ALL}} for one in TYPES}
    configure(reports={"directory": str(site), "types": types})

    assert names(run("--type=agents,usage", "--type=agents", period="2026")) == [
        "agents_2026.html",
        "usage_2026.html",
    ]
    assert len(names(run(period="2026"))) == 4


def test_type_that_is_not_described_is_named_with_the_way_out(configure):
    said = run(type="usag")

    assert said["status"] == 2
    assert "Did you mean usage? Known: usage" in said["error"]
    configure(reports={"types": {}})
    assert "MANAGEMENT_COMMANDS['reports']['types']['usage']" in run()["error"]


@pytest.mark.parametrize("word", ["daily", "weekly", "monthly", "quarterly", "yearly"])
def test_period(word):
    kind = {"daily": "day"}.get(word, word.removesuffix("ly"))

    found = report(period=word)["period"]

    assert found["name"] == last_whole(kind, timezone.localdate()).name
    assert found["is_over"] is True


def test_period_is_the_last_month_by_default():
    name = last_whole("month", timezone.localdate()).name

    assert names(run()) == [f"usage_{name}.html"]


@pytest.mark.parametrize("period", ["", "soon", "2026-13", "2026-10-05..2026-10-01", "../x"])
def test_period_that_is_none_is_refused(period):
    said = run(period=period)

    assert said["status"] == 2
    assert "Write daily, weekly" in said["error"]


def test_period_that_is_not_over_says_so(site):
    assert report(period="9000")["period"]["is_over"] is False

    run(period="9000")

    text = (site / "usage_9000.html").read_text()
    assert "The period is not over" in text
    assert re.search(r" [ap]\.m\.<|midnight\.<|noon\.<", text)


def test_date():
    assert report(period="weekly", date="2026-11-02")["period"]["name"] == "2026-W44"
    assert report(period="monthly", date="2026-11-01")["period"]["name"] == "2026-10"


@pytest.mark.parametrize("options", [{"date": "2026-11"}, {"date": "x"},
                                     {"date": "2026-11-01", "period": "2026-10"}])  # fmt: skip
def test_date_that_does_not_fit_is_refused(options):
    said = run(**options)

    assert said["status"] == 2
    assert "--date" in said["error"]


def test_tenant():
    talk(tenant="acme")
    talk(tenant="globex")

    said = run(tenant="acme,globex", period="2026-10", format="json")

    assert names(said) == ["usage_2026-10_acme.json", "usage_2026-10_globex.json"]
    for one in said["reports"]:
        found = json.loads(Path(one["files"][0]).read_text())
        assert found["sections"][0]["row_count"] == 1


def test_tenant_all_is_one_report(site):
    talk(tenant="acme")
    talk(tenant="globex")

    assert report(tenant="all")["sections"][0]["row_count"] == 2
    assert [one.name for one in site.iterdir()] == ["usage_2026-10.json"]


def test_tenant_that_is_not_there_is_refused():
    assert run(tenant="nobody")["status"] == 2


@pytest.mark.parametrize("tenant", ["../../etc/passwd", "a/b", "Ñandú & Söhne", ".", "x" * 50])
def test_name_of_a_tenant_leads_nowhere(site, tenant):
    Tenant.objects.create(name=tenant)

    (name,) = names(run(tenant=tenant, period="2026-10"))

    assert [one.name for one in site.iterdir()] == [name]
    assert name.startswith("usage_2026-10_")


@pytest.mark.parametrize("form", ["html", "md", "json", "csv", "xlsx"])
def test_format(site, form):
    pytest.importorskip("xlsxwriter")
    talk()

    assert names(run(format=form, period="2026-10")) == [f"usage_2026-10.{form}"]
    assert (site / f"usage_2026-10.{form}").stat().st_size > 50


def test_format_may_be_several():
    assert names(run(format="md,csv,md", period="2026")) == ["usage_2026.md", "usage_2026.csv"]


def test_format_that_is_not_there_is_refused():
    assert "there is no format 'pdf'" in run(format="html,pdf")["error"]


def test_compare():
    talk("2026-09-05 12:00")

    assert report(compare=True)["sections"][0]["totals"]["previous"] == {"talks": 1}
    assert report()["previous"] is None


def test_compare_with_what_was_before_the_calendar_is_refused():
    assert run(period="0001", compare=True)["status"] == 2


def test_output(tmp_path, site):
    run(output=str(tmp_path / "new" / "place"), period="2026-10")
    run(output=str(tmp_path / "one.json"), period="2026-10", format="json")

    made = tmp_path / "new" / "place" / "usage_2026-10.html"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700
    assert json.loads((tmp_path / "one.json").read_text())["type"] == "usage"
    assert not site.exists()


def test_output_that_is_one_file_for_several_is_refused(tmp_path):
    said = run(output=str(tmp_path / "one.html"), format="html,md")

    assert (said["status"], list(tmp_path.glob("*.html"))) == (2, [])


def test_output_that_is_a_file_is_no_directory(tmp_path):
    (tmp_path / "there").write_text("x")

    assert run(output=str(tmp_path / "there"))["status"] == 2


def test_language(site, settings):
    settings.USE_THOUSAND_SEPARATOR = False
    talk(rating=1234)
    run(period="2026-10", language="es", format="html,md")

    text = (site / "usage_2026-10.html").read_text()
    assert '<html lang="es"' in text
    assert "1 de octubre de 2026" in text
    assert report(language="es")["language"] == "es"


def test_language_that_is_not_there_is_refused():
    assert run(language="tlh")["status"] == 2


def test_database():
    assert run(database="default", period="2026")["status"] == 0
    assert run(database="elsewhere")["status"] == 2


def test_email(site):
    talk(agent="<Ana>")

    said = run(email="a@example.com, b@example.com", period="2026-10", format="csv")

    (message,) = mail.outbox
    assert said["reports"][0]["mailed_to"] == ["a@example.com", "b@example.com"]
    assert (message.subject, message.to) == ("Usage, 2026-10", ["a@example.com", "b@example.com"])
    assert "\\<Ana\\>" in message.body
    attached = {name: (content, kind) for name, content, kind in message.attachments}
    assert list(attached) == ["usage_2026-10.html", "usage_2026-10.csv"]
    assert attached["usage_2026-10.html"][1] == "text/html"
    assert (site / "usage_2026-10.csv").exists()


def test_email_has_one_line_as_its_subject(describe, configure, site):
    types = {"usage": {"title": "Us\r\nBcc: x@example.com", "sections": {"talks": ALL}}}
    configure(reports={"types": types})

    run(email="a@example.com", period="2026-10")

    assert mail.outbox[0].subject == "Us Bcc: x@example.com, 2026-10"


def test_email_that_is_no_address_is_refused_before_anything_is_done(site):
    said = run(email="a@example.com,nobody")

    assert (said["status"], mail.outbox, site.exists()) == (2, [], False)


def test_email_that_is_refused_leaves_the_files_and_the_other_reports(settings, site):
    backend = f"{__name__}.Refusing"
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": backend}}
    else:
        settings.EMAIL_BACKEND = backend
    for tenant in ("acme", "globex"):
        talk(tenant=tenant)

    said = run(email="a@example.com", period="2026-10", tenant="acme,globex")

    assert said["status"] == 1
    assert "was not sent: 550 go away" in said["error"]
    assert str(site) in said["error"]
    assert len(list(site.iterdir())) == 2


class Refusing:
    """A mail server that takes nothing."""

    def __init__(self, *args, **kwargs):
        pass

    def send_messages(self, messages):
        raise OSError("550 go away")


def test_dry_run(site):
    said = run(period="2026-10", email="a@example.com", dry_run=True)

    assert said["dry_run"] is True
    assert names(said) == ["usage_2026-10.html"]
    assert (site.exists(), mail.outbox) == (False, [])


def test_lines_for_people(site):
    talk(tenant="acme")
    out = io.StringIO()

    call_command("generate_reports", period="2026-10", tenant="acme", email="a@b.example",
                 stdout=out)  # fmt: skip

    assert out.getvalue().splitlines() == [
        "usage 2026-10 of acme:",
        f"  {site}/usage_2026-10_acme.html",
        "  sent to a@b.example",
    ]


def test_all_tenants_and_no_tenant_do_not_run_at_once():
    assert Command().lock_keys(tenant="all") == Command().lock_keys() == ["generate_reports"]
    assert Command().lock_keys(tenant="acme") == ["generate_reports:acme"]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"model": "shop.Nothing"}, "E070", "no model 'shop.Nothing'"),
        ({"date_field": "agent"}, "E071", "'agent' is no date"),
        ({"date_field": "made"}, "E071", "no field 'made'"),
        ({"tenant": "agent"}, "E072", "no foreign key 'agent'"),
        ({"filter": {"nothing": 1}}, "E073", "nothing"),
        ({"group": "tags"}, "E074", "no column of one row"),
        ({"group": "hour"}, "E074", "Name a field, or one of day, week"),
        ({"group": "facts"}, "E074", "holds no plain values"),
        ({"metrics": {"a": {"sum": "agent"}}}, "E074", "neither a number nor a duration"),
        ({"metrics": {"a": {"sum": "tags__pk"}}}, "E074", "no foreign key"),
        ({"metrics": {"a": {"count": "*", "filter": {"tags__name": "x"}}}}, "E073", "counted as"),
        ({"metrics": {"a": {"count": "*", "filter": {"x": "x"}}}}, "E073", "Cannot resolve"),
    ],
)
def test_what_does_not_fit_the_site_is_said_by_check_and_command(describe, change, code, words):
    describe(talks={**BY_AGENT, **change})

    (problem,) = check_reports()
    assert problem.id == f"django_system_ops.{code}"
    assert words in problem.msg
    assert words in run()["error"]


def test_reports_that_fit_are_not_complained_of():
    assert check_reports() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"metrics": {}}, "one metric or more"),
        ({"metrics": {"a": {}}}, "exactly one of"),
        ({"metrics": {"a": {"count": "*", "sum": "rating"}}}, "exactly one of"),
        ({"metrics": {"a": {"ratio": ["b", "c"]}}}, "names 'b'"),
        ({"metrics": {"a": {"ratio": "bc"}}}, "two names"),
        ({"metrics": {"a b": {"count": "*"}}}, "is no name"),
        ({"metrics": {"a": {"count": "*", "hidden": True}}}, "show one"),
        ({"shared": True}, "and not both"),
        ({"group": "", "chart": "bar"}, "a chart needs a group"),
        ({"chart": "pie"}, "'bar'"),
    ],
)
def test_wrong_settings_are_sentences(describe, change, words):
    describe(talks={**BY_AGENT, **change})

    with pytest.raises(CommandError, match=".") as error:
        call_command("generate_reports")

    assert words in str(error.value)
