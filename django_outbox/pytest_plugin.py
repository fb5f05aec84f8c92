"""
Fixtures for a site's tests: ``pytest_plugins = ["django_outbox.pytest_plugin"]``.

They need pytest-django. Add the line to the ``conftest.py`` at the root of the tests; nothing is
registered without it.
"""

from collections.abc import Iterator

import pytest

from django_outbox import testing

__all__ = ["Outbox", "outbox", "outbox_inline"]


class Outbox:
    """The functions of :mod:`django_outbox.testing`, for a test that asks for ``outbox``."""

    assert_enqueued = staticmethod(testing.assert_enqueued)
    assert_not_enqueued = staticmethod(testing.assert_not_enqueued)
    drain = staticmethod(testing.drain)
    enqueued = staticmethod(testing.enqueued)
    faults = staticmethod(testing.faults)
    run_inline = staticmethod(testing.run_inline)


@pytest.fixture
def outbox(db: None) -> Outbox:  # noqa: ARG001  # asked for, so that the database is there
    """Return the testing helpers, with access to the database."""
    return Outbox()


@pytest.fixture
def outbox_inline(db: None) -> Iterator[Outbox]:  # noqa: ARG001  # as above
    """Run jobs as soon as they are committed, for the time of the test; see ``run_inline``."""
    with testing.run_inline():
        yield Outbox()
