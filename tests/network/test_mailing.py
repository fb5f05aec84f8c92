"""Who is told of a health check, and of what."""

import django
import pytest
from django.core import mail

from django_network_hc.exceptions import InputError
from tests.network.samples import EXPECTED, NETWORK
from tests.network.workspace import month_files, prepared, run, run_month

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(settings, root):
    """Have somebody told."""
    settings.NETWORK_HC = {**settings.NETWORK_HC, "MAIL_TO": ["noc@example.com"]}
    deliver(settings, "django.core.mail.backends.locmem.EmailBackend")
    return settings


def deliver(settings, backend, **options):
    """Set the backend as each version of Django wants it."""
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
    else:
        settings.EMAIL_BACKEND = backend
        for name, value in options.items():
            setattr(settings, f"EMAIL_{name.upper()}", value)


def test_new_failures_are_mailed_with_their_findings(told, root):
    network = prepared(root)

    run_month(network, 0)

    failures = [one for one in EXPECTED[0]["new"] if one[2] == "FAILURE"]
    (sent,) = mail.outbox
    assert sent.to == ["noc@example.com"]
    assert sent.subject == f"Health check of CustomerA/{NETWORK}: {len(failures)} new failures"
    assert all(one[4] in sent.body for one in failures)


def test_failed_check_is_mailed_with_its_error(told, root, tmp_path):
    network = prepared(root)
    broken = tmp_path / f"{NETWORK}_Reports_20250206.xlsx"
    broken.write_bytes(b"")

    with pytest.raises(InputError):
        run(network, broken, month_files(0)[1])

    (sent,) = mail.outbox
    assert sent.subject == f"Health check failed: CustomerA/{NETWORK}"
    assert broken.name in sent.body


def test_low_coverage_is_mailed(told, root):
    told.NETWORK_HC = {**told.NETWORK_HC, "COVERAGE_PERCENT": 99.5}

    run_month(prepared(root), 0)

    coverage = EXPECTED[0]["coverage"]
    assert f"covers {coverage['covered']} of {coverage['total']} nodes" in mail.outbox[0].body


def test_repeated_report_is_no_news(told, root):
    network = prepared(root)
    run_month(network, 0)
    mail.outbox.clear()

    run_month(network, 0)

    assert mail.outbox == []


def test_mail_server_that_is_away_does_not_fail_the_check(told, root):
    backend = "django.core.mail.backends.smtp.EmailBackend"
    deliver(told, backend, host="127.0.0.1", port=1)

    assert run_month(prepared(root), 0).status == "COMPLETED"


def test_nobody_is_told_by_default(root):
    run_month(prepared(root), 0)

    assert mail.outbox == []
