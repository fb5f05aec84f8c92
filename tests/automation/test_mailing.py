"""ADMINS hear of failures and of new jobs, when they want to; and of nothing else."""

import django
import pytest

from django_job_automation.cron import run_daily
from django_job_automation.models import Job, Reading, Run
from django_job_automation.rules import NoComs
from django_job_automation.services.running import run_automation
from tests.automation.histories import AS_OF, ago
from tests.automation.test_running import plant

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def wanted(settings):
    # As each version of Django wants them.
    settings.ADMINS = ["o@example.com"] if django.VERSION >= (6, 0) else [("O", "o@example.com")]
    if django.VERSION >= (6, 1):
        locmem = "django.core.mail.backends.locmem.EmailBackend"
        settings.MAILERS = {"default": {"BACKEND": locmem}}
    settings.JOB_AUTOMATION = {"MAIL_ADMINS": True}


def run(**options) -> None:
    run_automation(started_by="test", as_of=AS_OF, **options)


def test_new_jobs_are_told_once(mailoutbox):
    plant("A", [(ago(5), "7")])

    run(dry_run=True)
    run()
    run()

    [mail] = mailoutbox
    assert "Job automation: 1 new job" in mail.subject
    assert "No Coms: A (Plant A): Its last reading is of 2026-11-15 06:00 UTC" in mail.body


def test_failure_is_told_without_what_is_secret(mailoutbox, monkeypatch):
    def fail(scope):
        raise ValueError("password=abc")

    monkeypatch.setattr(NoComs, "find", staticmethod(fail))

    run()

    [mail] = mailoutbox
    assert "Job automation failed: No Coms" in mail.subject
    assert "abc" not in mail.body


def test_translated_title_of_a_rule_is_told(mailoutbox, settings):
    rules = {"RULES": ["tests.automation.rules.Translated"]}
    settings.JOB_AUTOMATION = {**settings.JOB_AUTOMATION, **rules}

    run()

    [mail] = mailoutbox
    assert "Job automation failed: Yes" in mail.subject


def test_mass_outage_is_told(mailoutbox, settings):
    settings.JOB_AUTOMATION = {**settings.JOB_AUTOMATION, "MASS_OUTAGE_PERCENT": 50}
    plant("A", [(ago(5), "7")])

    run()

    assert "look at the intake" in mailoutbox[0].body


def test_nobody_is_told_who_does_not_want_to_hear(mailoutbox, settings):
    settings.JOB_AUTOMATION = {}
    plant("A", [(ago(5), "7")])

    run()

    assert mailoutbox == []


def test_mail_server_that_fails_stops_nothing(settings, caplog):
    plant("A", [(ago(5), "7")])
    backend = "tests.automation.test_mailing.Broken"
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": backend}}
    else:
        settings.EMAIL_BACKEND = backend

    run()

    assert Job.objects.count() == 1
    assert Run.objects.get().outcome == "DONE"
    assert "was not sent" in caplog.text


class Broken:
    """A mail backend that cannot be made."""

    def __init__(self, *args, **options):
        raise ConnectionRefusedError


def test_scheduler_has_a_callable():
    site = plant("A")
    Reading.objects.create(site=site, reading_date=ago(days=30), reading_value=1)

    run_daily()

    assert Job.objects.get().site == site
