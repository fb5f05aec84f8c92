"""
Helpers for a site's own tests, with unittest and with pytest.

Everything runs on the test's thread and connection: it works in the transaction of a
``TestCase`` as well as in a ``TransactionTestCase``. ``django_outbox.pytest_plugin`` has fixtures.
"""

from django_outbox.testing.assertions import assert_enqueued, assert_not_enqueued, enqueued
from django_outbox.testing.draining import JobFailed, drain
from django_outbox.testing.faults import Faults, InjectedFault, faults
from django_outbox.testing.inline import run_inline

__all__ = [
    "Faults",
    "InjectedFault",
    "JobFailed",
    "assert_enqueued",
    "assert_not_enqueued",
    "drain",
    "enqueued",
    "faults",
    "run_inline",
]
