"""
Ask the rules: each for itself, so that one that fails leaves the others.

This only reads. What is to be written of it stands in the reports.
"""

import logging
from collections.abc import Sequence
from typing import Any

from django_job_automation.adapters import ModelAdapter
from django_job_automation.conf import JobAutomationSettings
from django_job_automation.exceptions import UnknownRuleError
from django_job_automation.rules import Flag, Note, Rule, Scope, get_rules
from django_job_automation.services import outage
from django_job_automation.services.closing import closing_of
from django_job_automation.services.overrides import Effective
from django_job_automation.services.report import RuleReport, sentence_of

__all__ = ["ask", "reports_of", "would_open"]

logger = logging.getLogger("job_automation")


def reports_of(names: Sequence[str] | None, settings: Effective) -> list[RuleReport]:
    """Return a report for each rule; of those that nobody asked for and that are on, or were."""
    rules = get_rules()
    if unknown := [name for name in names or () if name not in rules]:
        raise UnknownRuleError(unknown[0], list(rules))
    reports = [
        RuleReport(
            rules[name], is_enabled=any(one.conf.rule(name).enabled for one in settings.parts)
        )
        for name in (rules if names is None else names)
    ]
    if names is not None:
        return reports
    return [one for one in reports if one.is_enabled or one.rule.settings().enabled]


def ask(reports: list[RuleReport], scopes: Sequence[Scope]) -> None:
    """Let each rule find its sites, in each part where it is on."""
    for one in reports:
        known: set[Any] = set()
        try:
            for scope in scopes:
                settings = scope.conf.rule(one.rule.name)
                if not settings.enabled:
                    continue
                flags, notes = _sorted(one.rule, scope, known)
                one.flags += flags
                one.notes += notes if scope.conf.DATA_QUALITY else []
                if not settings.check_duplicate:
                    one.repeated |= {flag.site_pk for flag in flags}
            _hold(one, scopes)
            one.closing = closing_of(one.rule, scopes, known, scopes[0].adapter.store)
        except Exception as error:  # noqa: BLE001  # one rule is isolated from the next
            one.fail(sentence_of(error))
            logger.error("Failed to ask for %s: %s", one.title, one.error)


def _sorted(rule: Rule, scope: Scope, known: set[Any]) -> tuple[list[Flag], list[Note]]:
    """Ask a rule, and return its flags, of sites that are not known yet, and its notes."""
    flags: list[Flag] = []
    notes: list[Note] = []
    for seen in rule.find(scope):
        if isinstance(seen, Flag):
            # No site has two open jobs of a type, whatever a site's own rule says of it.
            if seen.site_pk not in known:
                known.add(seen.site_pk)
                flags.append(seen)
        elif isinstance(seen, Note):
            notes.append(seen)
        else:
            raise TypeError(f"it found a {type(seen).__name__}, which is no Flag and no Note")
    return flags, notes


def _hold(one: RuleReport, scopes: Sequence[Scope]) -> None:
    """Hold back the jobs of sites that have fallen silent all at once."""
    percent = scopes[0].conf.MASS_OUTAGE_PERCENT
    # Of sites that somebody has named, nobody can say what share of all they are.
    is_whole = scopes[0].keys is None
    if one.rule.name != outage.RULE or percent is None or not one.flags or not is_whole:
        return
    job_type = scopes[0].conf.rule(one.rule.name).job_type_id
    has_job = scopes[0].adapter.store.sites_with_open_job(job_type)
    newly = {flag.site_pk for flag in one.flags} - has_job
    if outage.is_mass_outage(newly, scopes, percent):
        one.held, one.incident = newly, outage.sentence(len(newly), percent)
        logger.error("%s", one.incident)


def would_open(one: RuleReport, adapter: ModelAdapter, conf: JobAutomationSettings) -> list[Flag]:
    """Return the flags for which a run would open a job."""
    if not one.flags:
        return []
    has_job = adapter.store.sites_with_open_job(conf.rule(one.rule.name).job_type_id)
    spared = one.held | (has_job - one.repeated)
    return [flag for flag in one.flags if flag.site_pk not in spared]
