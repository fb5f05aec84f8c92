"""
Close jobs whose cause is over: only those that runs have opened, and only on evidence.

A run that finds the opposite of what a job is about counts for it, one that finds the same again
sets the count to nothing, and one that knows nothing leaves it as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django_job_automation.adapters import JobStore, Watched
from django_job_automation.rules import Rule, Scope

__all__ = ["Closing", "Due", "closing_of"]


@dataclass(frozen=True)
class Due:
    """A job to be closed, its site, and why in one sentence."""

    job: Watched
    key: str
    label: str
    reason: str


@dataclass
class Closing:
    """
    What one run does with the open jobs of a rule.

    Attributes:
        counted: clean, and not for long enough.
        reset: found again.
        due: to be closed.
    """

    counted: list[Watched] = field(default_factory=list)
    reset: list[Watched] = field(default_factory=list)
    due: list[Due] = field(default_factory=list)

    def carry_out(self, store: JobStore, *, run: int, now: datetime) -> None:
        """Count and close, in the caller's transaction."""
        store.count_clean(self.counted, is_clean=True)
        store.count_clean(self.reset, is_clean=False)
        by_reason: dict[str, list[Watched]] = {}
        for one in self.due:
            by_reason.setdefault(one.reason, []).append(one.job)
        for reason, jobs in by_reason.items():
            store.close(jobs, now=now, why={"run": run, "reason": reason})


def closing_of(
    rule: Rule, scopes: Sequence[Scope], flagged: set[Any], store: JobStore
) -> Closing | None:
    """Return what is to be done with the jobs of a rule; None when nothing is."""
    scopes = [
        scope
        for scope in scopes
        if scope.conf.rule(rule.name).auto_close_after_clean_runs
        and scope.conf.rule(rule.name).enabled
    ]
    if not scopes or not store.can_close:
        return None
    job_type = scopes[0].conf.rule(rule.name).job_type_id
    watched: dict[Any, list[Watched]] = {}
    for job in store.watched(job_type):
        watched.setdefault(job.site_pk, []).append(job)
    found = Closing()
    found.reset = [job for site in flagged for job in watched.get(site, ()) if job.clean_runs]
    sites = [site for site in watched if site not in flagged]
    if not sites:
        return found
    for scope in scopes:
        after = scope.conf.rule(rule.name).auto_close_after_clean_runs
        reason = f"{after} runs in a row found the opposite."
        for site in rule.clean(scope, sites):
            if site.pk in flagged:
                continue  # a rule of the site's own may say both
            due = [job for job in watched.get(site.pk, ()) if job.clean_runs + 1 >= after]
            found.counted += [job for job in watched.get(site.pk, ()) if job not in due]
            found.due += [Due(job, scope.key(site), scope.label(site), reason) for job in due]
    return found
