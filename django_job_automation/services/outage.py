"""
Many sites that fall silent at once are one fault: the intake's, and not theirs.

Then no job is opened for those that are newly silent, and it is said once. What was silent before
keeps its job.
"""

from collections.abc import Sequence
from typing import Any

from django_job_automation.rules import Scope

__all__ = ["RULE", "is_mass_outage", "sentence"]

#: The rule to which the guard belongs.
RULE = "no_coms"


def is_mass_outage(newly: set[Any], scopes: Sequence[Scope], percent: float) -> bool:
    """Return whether so many of the sites have fallen silent."""
    if not newly:
        return False
    total = sum(scope.sites.order_by().count() for scope in scopes)
    return len(newly) > total * percent / 100


def sentence(count: int, percent: float) -> str:
    """Return what is said of it."""
    return (
        f"{count} sites fell silent in one run, more than {percent:g} % of all: look at the "
        "intake. No job was opened for them."
    )
