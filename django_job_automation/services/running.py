"""
One run: ask the rules, open the jobs, remember what was found.

Reading and writing are apart. The rules only read, each for itself: one that fails is recorded, and
the others go on. What they have found is written in one transaction, which ends the run as well, so
that a run that is killed has written everything or nothing.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import router, transaction
from django.utils import timezone

from django_job_automation.adapters import ModelAdapter, Opening, get_adapter
from django_job_automation.conf import JobAutomationSettings
from django_job_automation.exceptions import RunLockedError, UnknownSiteError
from django_job_automation.models import Finding, Run
from django_job_automation.rules import Scope, Seen
from django_job_automation.services import lock
from django_job_automation.services.asking import ask, reports_of, would_open
from django_job_automation.services.mailing import mail_report
from django_job_automation.services.overrides import effective
from django_job_automation.services.report import RuleReport, RunReport, sentence_of

__all__ = ["run_automation"]

logger = logging.getLogger("job_automation")

_AT_ONCE = 1000


def run_automation(
    names: Iterable[str] | None = None,
    *,
    started_by: str,
    as_of: datetime | None = None,
    keys: Sequence[str] | None = None,
    dry_run: bool = False,
) -> RunReport:
    """
    Ask the rules, and open a job for each site that they flag.

    Args:
        names: of the rules; None for all.
        started_by: who or what wants it, for the record.
        as_of: the moment to judge by, with a time zone; None for now.
        keys: these sites only; None for all.
        dry_run: write nothing, and lock nobody out.

    Raises:
        RunLockedError: another run is at work; nothing was done.
        UnknownRuleError: there is no rule of a name; nothing was done.
        UnknownSiteError: a key is no site's; nothing was done.
        ImproperlyConfigured: the settings are wrong.
        OverrideError: what people set does not fit the settings any more.
    """
    adapter = get_adapter()
    settings = effective(adapter)
    conf = settings.conf
    started_at, started = timezone.now(), time.monotonic()
    if keys is not None and (unknown := adapter.unknown(keys)):
        raise UnknownSiteError(unknown)
    # In UTC wherever it is shown or stored: days are those of 24 hours.
    as_of = (as_of or started_at).astimezone(UTC)
    named = None if keys is None else tuple(keys)
    scopes = [
        Scope(adapter, one.conf, as_of, named, one.sites, started_at) for one in settings.parts
    ]
    reports = reports_of(None if names is None else list(dict.fromkeys(names)), settings)
    if dry_run:
        ask(reports, scopes)
        for one in reports:
            one.opened = would_open(one, adapter, conf)
        return RunReport(None, as_of, tuple(reports))
    using = router.db_for_write(Run)
    run = lock.begin(
        started_by=started_by,
        started_at=started_at,
        as_of=as_of,
        settings={**conf.document(), "overrides": dict(settings.overrides)},
        seconds=conf.RUN_LEASE_SECONDS,
        using=using,
    )
    work = _Work(run, adapter, conf, reports, started, using)
    try:
        ask(reports, scopes)
        work.write()
    except BaseException as error:
        work.give_up(error)
        raise
    report = RunReport(run.pk, as_of, tuple(reports))
    mail_report(report)
    return report


@dataclass(frozen=True)
class _Work:
    """A run that has begun."""

    run: Run
    adapter: ModelAdapter
    conf: JobAutomationSettings
    reports: list[RuleReport]
    started: float
    using: str

    def write(self) -> None:
        """Write everything and end the run, at once or, when that fails, rule by rule."""
        enabled = [one for one in self.reports if one.is_enabled and not one.error]
        try:
            with self._atomic():
                self._open(enabled)
                self._end()
        except RunLockedError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the others may be written
            if len(enabled) < 2:
                self._fail(enabled, error)
            else:
                self._write_singly(enabled)
            with self._atomic():
                self._end()

    def give_up(self, error: BaseException) -> None:
        """End a run that something unforeseen has ended, an interruption among them."""
        with transaction.atomic(using=self.using):
            lock.end(
                self.run,
                outcome=Run.Outcome.FAILED,
                duration_seconds=time.monotonic() - self.started,
                counters={},
                error=sentence_of(error),
                using=self.using,
            )

    def _write_singly(self, enabled: list[RuleReport]) -> None:
        for one in enabled:
            try:
                with self._atomic():
                    self._open([one])
            except Exception as error:  # noqa: BLE001  # one rule is isolated from the next
                self._fail([one], error)

    def _atomic(self) -> Any:
        return transaction.atomic(using=self.adapter.using)

    def _open(self, reports: list[RuleReport]) -> None:
        """Open the jobs and write the findings of some rules."""
        conf = self.conf
        openings = [
            Opening(
                site_pk=flag.site_pk,
                job_type=conf.rule(one.rule.name).job_type_id,
                description=flag.description,
                evidence={**flag.evidence, "reason": flag.reason},
                allow_duplicate=flag.site_pk in one.repeated,
            )
            for one in reports
            for flag in one.flags
            if flag.site_pk not in one.held
        ]
        opened = self.adapter.open_jobs(openings, run=self.run.pk, now=timezone.now())
        findings = []
        for one in reports:
            job_type = conf.rule(one.rule.name).job_type_id
            one.opened = [flag for flag in one.flags if (job_type, flag.site_pk) in opened]
            for flag in one.flags:
                job = opened.get((job_type, flag.site_pk))
                result = Finding.Result.OPEN if job is None else Finding.Result.OPENED
                if flag.site_pk in one.held:
                    result = Finding.Result.HELD
                findings.append(self._finding(flag, one.rule.name, result, job))
            findings += [self._finding(note, note.kind, Finding.Result.NOTED) for note in one.notes]
            findings += self._close(one)
            if one.incident:
                findings.append(
                    Finding(
                        run=self.run,
                        rule="mass_outage",
                        reason=one.incident,
                        evidence={"sites": len(one.held)},
                        result=Finding.Result.HELD,
                    )
                )
        Finding.objects.using(self.using).bulk_create(findings, batch_size=_AT_ONCE)

    def _close(self, one: RuleReport) -> list[Finding]:
        """Close the jobs whose cause is over, and return a finding for each."""
        if one.closing is None:
            return []
        one.closing.carry_out(self.adapter.store, run=self.run.pk, now=timezone.now())
        return [
            Finding(
                run=self.run,
                rule=one.rule.name,
                site_key=due.key,
                site_label=due.label[:255],
                reason=due.reason,
                result=Finding.Result.CLOSED,
                job_key=str(due.job.key),
            )
            for due in one.closing.due
        ]

    def _finding(self, seen: Seen, kind: str, result: Finding.Result, job: Any = None) -> Finding:
        return Finding(
            run=self.run,
            rule=kind[:50],
            site_key=seen.key,
            site_label=seen.label[:255],
            reason=seen.reason[:500],
            evidence=dict(seen.evidence),
            result=result,
            job_key="" if job is None else str(job),
        )

    def _end(self) -> None:
        failed = [one for one in self.reports if one.error]
        outcome = Run.Outcome.DONE
        if failed:
            outcome = Run.Outcome.FAILED
        elif not any(one.is_enabled for one in self.reports):
            outcome = Run.Outcome.SKIPPED
        ended = lock.end(
            self.run,
            outcome=outcome,
            duration_seconds=time.monotonic() - self.started,
            counters=_counters(self.reports),
            error=" ".join(f"{one.title}: {one.error}" for one in failed),
            using=self.using,
        )
        if not ended:
            raise RunLockedError(self.run.pk, "somebody who took this one for dead")

    @staticmethod
    def _fail(reports: list[RuleReport], error: Exception) -> None:
        for one in reports:
            one.fail(sentence_of(error))
            logger.error("Failed to create %s jobs: %s", one.title, one.error)


def _counters(reports: list[RuleReport]) -> dict[str, Any]:
    return {
        one.rule.name: {
            "found": one.found,
            "created": one.created,
            "closed": one.closed,
            "noted": len(one.notes),
        }
        for one in reports
        if one.is_enabled
    }
