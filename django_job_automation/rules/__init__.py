"""The rules: each finds its sites in one statement, however many there are."""

from django_job_automation.rule_settings import RuleSettings
from django_job_automation.rules.base import Flag, Note, Rule, Scope, Seen
from django_job_automation.rules.no_coms import NoComs
from django_job_automation.rules.registry import get_rules
from django_job_automation.rules.underperformance import Underperformance
from django_job_automation.rules.zero_reads import ZeroReads

__all__ = [
    "Flag",
    "NoComs",
    "Note",
    "Rule",
    "RuleSettings",
    "Scope",
    "Seen",
    "Underperformance",
    "ZeroReads",
    "get_rules",
]
