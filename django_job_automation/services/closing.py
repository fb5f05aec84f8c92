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

__all__ = ["Closing", "closing_of"]

_AT_ONCE = 500


@dataclass
class Closing:
    """
    What one run does with the open jobs of a rule.

    Attributes:
        due: jobs to be closed, each with the key and the label of its site.
    """

    rule: Rule
    after: int = 0
    counted: list[Watched] = field(default_factory=list)
    reset: list[Watched] = field(default_factory=list)
    due: list[tuple[Watched, str, str]] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """Return why jobs are closed, in one sentence."""
        return f"{self.after} runs in a row found the opposite."

    def carry_out(self, store: JobStore, *, run: int, now: datetime) -> None:
        """Count and close, in the caller's transaction."""
        store.count_clean(self.counted, is_clean=True)
        store.count_clean(self.reset, is_clean=False)
        why = {"run": run, "reason": self.reason}
        store.close([job for job, _key, _label in self.due], now=now, why=why)


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
    found = Closing(rule)
    found.reset = [job for site in flagged for job in watched.get(site, ()) if job.clean_runs]
    sites = [site for site in watched if site not in flagged]
    for scope in scopes:
        found.after = scope.conf.rule(rule.name).auto_close_after_clean_runs
        for start in range(0, len(sites), _AT_ONCE):
            rows = rule.clean(scope).filter(pk__in=sites[start : start + _AT_ONCE])
            for site in rows:
                for job in watched[site.pk]:
                    if job.clean_runs + 1 < found.after:
                        found.counted.append(job)
                    else:
                        key = str(getattr(site, scope.adapter.site.key))
                        found.due.append((job, key, scope.label(site)))
    return found
