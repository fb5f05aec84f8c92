"""Which rules there are: those of the app, and those that the site's settings name."""

from django.utils.module_loading import import_string

from django_job_automation.conf import get_conf
from django_job_automation.rules.base import Rule
from django_job_automation.rules.no_coms import NoComs
from django_job_automation.rules.underperformance import Underperformance
from django_job_automation.rules.zero_reads import ZeroReads

__all__ = ["get_rules"]

_OWN: tuple[type[Rule], ...] = (NoComs, ZeroReads, Underperformance)


def get_rules() -> dict[str, Rule]:
    """Return the rules by name, in the order in which a run asks them."""
    classes = [*_OWN, *(import_string(path) for path in get_conf().RULES)]
    return {rule.name: rule for rule in (one() for one in classes)}
