"""
Where jobs are opened, so that a site has one open job of a type whatever runs at once.

:class:`OwnJobs` leaves that to the generated key of :class:`AbstractJob`. :class:`ClaimedJobs` is
for tables that cannot have one: there a row of ours, unique for a type and site, stands for the
open job.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connections, models
from django.db.models import F, QuerySet

from django_job_automation.adapters.fields import JobFields
from django_job_automation.models import OPEN_STATUSES, JobClaim
from django_opskit.batches import batches

__all__ = ["ClaimedJobs", "JobStore", "Opened", "Opening", "OwnJobs", "Watched"]

_AT_ONCE = 500

#: The key of each new job by its type and site.
Opened = dict[tuple[str, Any], Any]


@dataclass(frozen=True)
class Opening:
    """A job to be opened: for which site, of which type, why."""

    site_pk: Any
    job_type: str
    description: str
    evidence: Mapping[str, Any]
    allow_duplicate: bool = False


@dataclass(frozen=True)
class Watched:
    """
    An open job that a run has opened.

    Attributes:
        clean_runs: how many runs in a row have found the opposite.
    """

    key: Any
    site_pk: Any
    clean_runs: int


@dataclass(frozen=True)
class JobStore(ABC):
    """
    A table of jobs.

    Attributes:
        fields: what its fields are called.
        open_statuses: in which somebody still has to do something.
    """

    model: type[models.Model]
    using: str
    fields: JobFields
    open_statuses: tuple[str, ...]

    @abstractmethod
    def open(self, openings: Iterable[Opening], *, run: int, now: datetime) -> Opened:
        """
        Open jobs, in the caller's transaction, and return those that are new.

        A site that has an open job of the type gets no second one: that one was seen again.
        """

    @abstractmethod
    def watched(self, job_type: str) -> list[Watched]:
        """Return the open jobs of a type that runs have opened."""

    @abstractmethod
    def count_clean(self, jobs: Sequence[Watched], *, is_clean: bool) -> None:
        """Remember that a run found the opposite of what these jobs are about; or not: from 0."""

    @abstractmethod
    def close(self, jobs: Sequence[Watched], *, now: datetime, why: Mapping[str, Any]) -> None:
        """Close jobs, and say why where there is a place for it."""

    @property
    def can_close(self) -> bool:
        """Return whether runs may close jobs here."""
        return True

    def rows(self) -> QuerySet[Any]:
        """Return all jobs."""
        return self.model._default_manager.using(self.using)

    def open_rows(self) -> QuerySet[Any]:
        """Return those that are open."""
        return self.rows().filter(**{f"{self.fields.status}__in": self.open_statuses})

    def sites_with_open_job(self, job_type: str) -> set[Any]:
        """Return the sites that would get no second job of this type."""
        rows = self.open_rows().filter(**{self.fields.type: job_type})
        return set(rows.values_list(_id(self.fields.site), flat=True))


class OwnJobs(JobStore):
    """Jobs in a model that derives from AbstractJob."""

    def __init__(self, model: type[models.Model], using: str) -> None:
        names = JobFields("site", "job_type", "status", "created_at", "description")
        super().__init__(model, using, names, OPEN_STATUSES)

    def open(self, openings: Iterable[Opening], *, run: int, now: datetime) -> Opened:
        """Open jobs; see :class:`JobStore`."""
        rows = [
            self.model(
                site_id=one.site_pk,
                job_type=one.job_type,
                description=one.description,
                evidence=dict(one.evidence),
                run_id=run,
                last_seen_at=now,
                allow_duplicate=one.allow_duplicate,
            )
            for one in openings
        ]
        if not rows:
            return {}
        self.rows().bulk_create(
            rows,
            update_conflicts=True,
            update_fields=["last_seen_at"],
            unique_fields=_target(self.using, "job_type", "open_key"),
        )
        mine = self.rows().filter(run_id=run).values_list("job_type", "site_id", "pk")
        return {(job_type, site): key for job_type, site, key in mine}

    def sites_with_open_job(self, job_type: str) -> set[Any]:
        """Return the sites that would get no second job; see :class:`JobStore`."""
        # Jobs that may stand beside others have no key, and keep nobody away.
        rows = self.rows().filter(job_type=job_type, open_key__isnull=False)
        return set(rows.values_list("site_id", flat=True))

    def watched(self, job_type: str) -> list[Watched]:
        """Return what runs have opened; see :class:`JobStore`."""
        rows = self.open_rows().filter(job_type=job_type, run__isnull=False).order_by("pk")
        return [Watched(*one) for one in rows.values_list("pk", "site_id", "clean_runs")]

    def count_clean(self, jobs: Sequence[Watched], *, is_clean: bool) -> None:
        """Count; see :class:`JobStore`."""
        for part in batches([one.key for one in jobs], _AT_ONCE):
            self.rows().filter(pk__in=part).update(
                clean_runs=F("clean_runs") + 1 if is_clean else 0
            )

    def close(self, jobs: Sequence[Watched], *, now: datetime, why: Mapping[str, Any]) -> None:
        """Close jobs; see :class:`JobStore`."""
        for part in batches([one.key for one in jobs], _AT_ONCE):
            rows = list(self.open_rows().filter(pk__in=part).select_for_update())
            for row in rows:
                row.status, row.closed_at = "closed", now
                row.evidence = {**row.evidence, "closed": dict(why)}
            self.rows().bulk_update(rows, ["status", "closed_at", "evidence"])


@dataclass(frozen=True)
class ClaimedJobs(JobStore):
    """
    Jobs in any model.

    Attributes:
        new_status: of a job that is opened.
    """

    new_status: str
    closed_status: str | None = None

    @property
    def can_close(self) -> bool:
        """Return whether runs may close jobs here."""
        return self.closed_status is not None

    def watched(self, job_type: str) -> list[Watched]:
        """Return what runs have opened; see :class:`JobStore`."""
        claims = JobClaim.objects.using(self.using).filter(job_type=job_type).exclude(job_key="")
        counts = dict(claims.values_list("job_key", "clean_runs"))
        rows = self.open_rows().filter(**{self.fields.type: job_type})
        return [
            Watched(key, site, counts[str(key)])
            for key, site in rows.values_list("pk", _id(self.fields.site))
            if str(key) in counts
        ]

    def count_clean(self, jobs: Sequence[Watched], *, is_clean: bool) -> None:
        """Count; see :class:`JobStore`."""
        for part in batches([str(one.key) for one in jobs], _AT_ONCE):
            JobClaim.objects.using(self.using).filter(job_key__in=part).update(
                clean_runs=F("clean_runs") + 1 if is_clean else 0
            )

    def close(self, jobs: Sequence[Watched], *, now: datetime, why: Mapping[str, Any]) -> None:
        """Close jobs; see :class:`JobStore`. A table of yours has no place for the reason."""
        for part in batches([one.key for one in jobs], _AT_ONCE):
            rows = self.open_rows().filter(pk__in=part)
            rows.update(**{self.fields.status: self.closed_status})

    def open(self, openings: Iterable[Opening], *, run: int, now: datetime) -> Opened:
        """Open jobs; see :class:`JobStore`."""
        repeated: list[Opening] = []
        by_type: dict[str, list[Opening]] = {}
        for one in openings:
            group = repeated if one.allow_duplicate else by_type.setdefault(one.job_type, [])
            group.append(one)
        opened = self._created(repeated)
        for job_type, wanted in by_type.items():
            opened |= self._opened_once(job_type, wanted, run, now)
        return opened

    def _opened_once(
        self, job_type: str, wanted: Iterable[Opening], run: int, now: datetime
    ) -> Opened:
        """Open the jobs of one type for which nobody else has the claim."""
        has_job = self.sites_with_open_job(job_type)
        new = {str(one.site_pk): one for one in wanted if one.site_pk not in has_job}
        if not new:
            return {}
        self._forget_closed(job_type, set(new))
        claims = self._claimed(job_type, list(new), run, now)
        made = self._created([new[claim.site_key] for claim in claims])
        for claim in claims:
            claim.job_key = str(made[job_type, new[claim.site_key].site_pk])
        JobClaim.objects.using(self.using).bulk_update(claims, ["job_key"], batch_size=_AT_ONCE)
        return made

    def _forget_closed(self, job_type: str, sites: set[str]) -> None:
        """Take away the claims whose job is closed or gone; one of a moment ago is neither."""
        claims = {
            key: job
            for key, job in JobClaim.objects.using(self.using)
            .filter(job_type=job_type)
            .values_list("site_key", "job_key")
            if key in sites
        }
        still_open = {
            str(key)
            for part in batches([job for job in claims.values() if job], _AT_ONCE)
            for key in self.open_rows().filter(pk__in=part).values_list("pk", flat=True)
        }
        closed = [(key, job) for key, job in claims.items() if job not in still_open]
        for part in batches(closed, _AT_ONCE):
            # By the job as well: the claim may stand for another one by now.
            JobClaim.objects.using(self.using).filter(
                job_type=job_type,
                site_key__in=[key for key, _job in part],
                job_key__in={job for _key, job in part},
            ).delete()

    def _claimed(self, job_type: str, sites: list[str], run: int, now: datetime) -> list[JobClaim]:
        """Claim these sites, and return the claims that nobody else had before."""
        claims = JobClaim.objects.using(self.using)
        claims.bulk_create(
            (
                JobClaim(job_type=job_type, site_key=key, run_id=run, last_seen_at=now)
                for key in sites
            ),
            batch_size=_AT_ONCE,
            update_conflicts=True,
            update_fields=["last_seen_at"],
            unique_fields=_target(self.using, "job_type", "site_key"),
        )
        return list(claims.filter(run_id=run, job_type=job_type, job_key=""))

    def _created(self, openings: list[Opening]) -> Opened:
        rows = [
            self.model(
                **{
                    _id(self.fields.site): one.site_pk,
                    self.fields.type: one.job_type,
                    self.fields.status: self.new_status,
                    **(
                        {self.fields.description: one.description}
                        if self.fields.description
                        else {}
                    ),
                }
            )
            for one in openings
        ]
        if connections[self.using].features.can_return_rows_from_bulk_insert:
            rows = self.rows().bulk_create(rows, batch_size=_AT_ONCE)
        else:
            for row in rows:
                row.save(using=self.using, force_insert=True)
        return {
            (one.job_type, one.site_pk): row.pk for one, row in zip(openings, rows, strict=True)
        }


def _target(using: str, *names: str) -> list[str] | None:
    """Return by which key rows meet: MariaDB and MySQL take any unique one, and no name of one."""
    return None if connections[using].vendor == "mysql" else list(names)


def _id(name: str) -> str:
    return f"{name}_id"
