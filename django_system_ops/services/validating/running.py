"""The checks one after the other: what fails in one is its own affair."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from django.db import connections, transaction

from django_system_ops.services.validating.findings import CheckReport
from django_system_ops.services.validating.registry import Check
from django_system_ops.services.validating.scope import Scope

__all__ = ["validate"]

logger = logging.getLogger(__name__)


def validate(
    checks: Sequence[Check], scope: Scope, *, between: Callable[[], None] = lambda: None
) -> Iterator[CheckReport]:
    """
    Yield what each check says as soon as it is done; ``between`` is called before each.

    A check that raises is a report with an error, and the next one runs.
    """
    for check in checks:
        between()
        try:
            with _savepoint(scope.using):
                report = check.run(scope)
        except Exception as error:  # each check is isolated from the next
            logger.warning("check=%s failed", check.name, exc_info=True)
            sentence = f"{type(error).__name__}: {' '.join(str(error).split())}"
            report = CheckReport(check.name, "checks", 1, errors=(sentence,))
        yield report


def _savepoint(using: str) -> AbstractContextManager[None]:
    # See Inspection: only where there is a transaction to be saved.
    if connections[using].in_atomic_block:
        return transaction.atomic(using=using)
    return nullcontext()
