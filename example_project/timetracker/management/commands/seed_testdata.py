"""Create test data for development, demonstrations and end-to-end tests."""

from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from django_opskit.commands import OpsCommand, UsageError
from timetracker.exceptions import TestDataForbiddenError
from timetracker.services import SeededData, seed_testdata
from timetracker.services.testdata import TEST_EMAIL, TEST_PASSWORD


class Command(OpsCommand):
    """
    Print what was created and the account to log in with.

    The lines were published in Polish, so unlike those of other commands they are translated.
    """

    help = "Create a test account, tasks and time entries; what exists stays as it is."
    changes_data = True

    def handle(self, *, dry_run: bool = False, **options: Any) -> None:
        """Create what is missing."""
        try:
            data = seed_testdata(now=timezone.now(), dry_run=dry_run)
        except TestDataForbiddenError as error:
            raise UsageError(str(error)) from error
        self.counters = {"created": len(data.created)}
        self.result(
            {
                "created": [{"model": model, "name": name} for model, name in data.created],
                "dry_run": dry_run,
                "email": TEST_EMAIL,
            },
            *(_preview(data) if dry_run else _report(data)),
        )


def _preview(data: SeededData) -> Iterator[str]:
    for model, name in data.created:
        yield _("Would create %(model)s: %(name)s") % {"model": model, "name": name}
    yield _("Dry run: nothing was changed.")


def _report(data: SeededData) -> Iterator[str]:
    yield _("Creating test data...")
    for model, name in data.created:
        yield _("Created %(model)s: %(name)s") % {"model": model, "name": name}
    yield _("=== Test data created ===")
    yield _("Email: %(email)s") % {"email": TEST_EMAIL}
    yield _("Password: %(password)s") % {"password": TEST_PASSWORD}
