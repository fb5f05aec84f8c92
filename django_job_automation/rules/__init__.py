"""The rules: each finds its sites in one statement, however many there are."""

from django_job_automation.rules.base import Flag, Note, Rule, Scope
from django_job_automation.rules.no_coms import NoComs
from django_job_automation.rules.zero_reads import ZeroReads

__all__ = ["RULES", "Flag", "NoComs", "Note", "Rule", "Scope", "ZeroReads"]

#: In the order in which a run asks them.
RULES: dict[str, Rule] = {rule.name: rule for rule in (NoComs(), ZeroReads())}
