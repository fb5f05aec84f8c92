"""What the time tracker's tests share."""

import pytest

from tests.timetracker.factories import EmployeeFactory
from timetracker.models import Employee


@pytest.fixture
def employee(db: None) -> Employee:
    """Somebody with a norm of eight hours."""
    return EmployeeFactory.create()
