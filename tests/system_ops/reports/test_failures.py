"""Reports that cannot be made or sent: what is known before, and what shows only later."""

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection

from tests.system_ops.reports.conftest import ALL, BY_DAY, run, talk
from tests.system_ops.shop.models import Talk, Tenant

pytestmark = pytest.mark.django_db

SHARED = {**ALL, "tenant": "", "shared": True}


@pytest.fixture
def types(configure, site):
    """Set reports of one section each: `types(usage=ALL, performance=SHARED)`."""

    def set_types(**sections):
        found = {
            name: {"title": name.title(), "sections": {"talks": conf}}
            for name, conf in sections.items()
        }
        configure(reports={"directory": str(site), "types": found})

    return set_types


def made(said):
    return [(one["type"], one["tenant"], bool(one["error"])) for one in said["reports"]]


def test_report_of_nothing_that_is_a_tenants_is_left_out_and_the_others_are_made(types):
    types(usage=ALL, performance=SHARED, satisfaction=ALL)
    talk()

    said = run(tenant="acme", email="a@example.com", period="2026-10")

    assert (said["status"], said["left_out"]) == (0, ["performance"])
    assert made(said) == [("usage", "acme", False), ("satisfaction", "acme", False)]
    assert [one.subject for one in mail.outbox] == [
        "Usage, 2026-10, acme",
        "Satisfaction, 2026-10, acme",
    ]
    assert run(period="2026-10")["left_out"] == []


def test_report_that_is_named_and_no_tenants_is_an_error_before_anything_is_done(types, site):
    types(usage=ALL, performance=SHARED)
    Tenant.objects.create(name="acme")

    said = run(tenant="acme", email="a@example.com", type="usage,performance")

    assert said["status"] == 2
    assert "nothing in the report 'performance' is a tenant's" in said["error"]
    assert (mail.outbox, site.exists()) == ([], False)


def test_tenant_for_whom_nothing_is_left_is_an_error(types):
    types(performance=SHARED, load=SHARED)
    Tenant.objects.create(name="acme")

    said = run(tenant="acme")

    assert said["status"] == 2
    assert "nothing in the reports 'performance', 'load' is a tenant's" in said["error"]


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ("2023-01-01..2026-10-31", "more than 1,200 rows by day"),
        # In Tokyo it begins before the year 1 of UTC.
        ("0001-01-01", "beyond the calendar"),
        ("9999-12-27..9999-12-30", "last week ends beyond the calendar"),
    ],
)
def test_period_that_fits_not_every_report_is_an_error_before_the_first(
    types, site, settings, period, words
):
    settings.TIME_ZONE = "Asia/Tokyo"
    types(usage=ALL, weeks={**BY_DAY, "group": "week"}, days=BY_DAY)
    talk()

    said = run(email="a@example.com", period=period)

    assert said["status"] == 2
    assert words in said["error"]
    assert (mail.outbox, site.exists()) == ([], False)


def test_shared_section_that_is_left_out_of_a_tenants_report_needs_no_table(configure, site):
    sections = {"talks": ALL, "days": {**SHARED, "group": "day"}}
    configure(reports={"directory": str(site), "types": {"usage": {"sections": sections}}})
    talk()

    assert run(tenant="acme", period="2020-01-01..2026-10-31")["status"] == 0


def test_report_that_fails_keeps_no_other_from_being_made_and_sent(types, site):
    types(usage=ALL, performance=ALL, satisfaction=ALL)
    talk()
    # Where its file has to be, there is something that no file can replace.
    (site / "performance_2026-10.html" / "x").mkdir(parents=True)

    said = run(email="a@example.com", period="2026-10")

    assert said["status"] == 1
    assert made(said) == [
        ("usage", None, False),
        ("performance", None, True),
        ("satisfaction", None, False),
    ]
    assert [one["has_data"] for one in said["reports"]] == [True, None, True]
    assert said["error"].startswith("Not made: Is a directory (")
    assert said["error"].endswith(" (performance).")
    assert [one.subject for one in mail.outbox] == ["Usage, 2026-10", "Satisfaction, 2026-10"]


@pytest.mark.django_db(transaction=True)
def test_error_of_the_database_keeps_no_other_report_from_being_made(types, capsys):
    types(broken=ALL, events={**ALL, "model": "shop.Chat", "date_field": "updated_at"})
    for name in ("acme", "globex"):
        Tenant.objects.create(name=name)
    with connection.schema_editor() as editor:
        editor.alter_db_table(Talk, "shop_talk", "shop_talk_gone")
    try:
        with pytest.raises(CommandError) as error:
            call_command("generate_reports", tenant="acme,globex", period="2026-10")
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(Talk, "shop_talk_gone", "shop_talk")

    assert error.value.returncode == 1
    # Each reason once, and whom it befell.
    assert str(error.value).count("Not made") == 1
    assert str(error.value).endswith(" (broken of acme, broken of globex).")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["broken 2026-10 of acme:", "  not made"]
    assert lines[-1].endswith("events_2026-10_globex.html")


def test_folder_that_is_none_is_said_before_anything_is_done(types, site):
    types(usage=ALL)
    site.write_text("a file")

    said = run(email="a@example.com")

    assert (said["status"], mail.outbox) == (2, [])
    assert "['directory'] is no directory" in said["error"]
