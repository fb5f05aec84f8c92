"""What the time tracker's tests share."""

from collections.abc import Iterator

import pytest
from django.utils import translation

from tests.timetracker.factories import EmployeeFactory
from timetracker.models import Employee


@pytest.fixture(autouse=True)
def no_language() -> Iterator[None]:
    """Forget the language of the last page: LocaleMiddleware leaves it to the next request."""
    yield
    translation.deactivate()


@pytest.fixture
def employee(db: None) -> Employee:
    """Somebody with a norm of eight hours."""
    return EmployeeFactory.create()
