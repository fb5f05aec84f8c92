"""
Which models hold sites, readings and jobs, and what their fields are called.

``JOB_AUTOMATION["ADAPTER"]`` names a class. :class:`DefaultAdapter` stands for the app's own
models; a site with others derives from :class:`ModelAdapter`::

    class Plants(ModelAdapter):
        site_model = "plants.Plant"
        reading_model = "plants.Telemetry"
        job_model = "plants.WorkOrder"  # derives from AbstractJob
        site = SiteFields(key="code", label="name", is_active="in_service")
        reading = ReadingFields(site="plant", at="taken_at", value="kwh")
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import connections, models, router
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string

from django_job_automation.conf import get_conf
from django_job_automation.exceptions import AdapterError
from django_job_automation.models import AbstractJob

__all__ = [
    "DefaultAdapter",
    "ModelAdapter",
    "Opening",
    "ReadingFields",
    "SiteFields",
    "get_adapter",
]


@dataclass(frozen=True)
class SiteFields:
    """
    Fields of the site's model; None where there is no such thing.

    Attributes:
        key: what people call the site; unique.
        label: its name.
        is_active: false for a site that no rule looks at.
        commissioned_at: since when it is there.
        snoozed_until: until when no rule looks at it.
        group: what it can be compared with, and set something for.
    """

    key: str
    label: str | None = None
    is_active: str | None = None
    commissioned_at: str | None = None
    snoozed_until: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class ReadingFields:
    """Fields of the reading's model: a foreign key to the site, a moment, and a number or NULL."""

    site: str
    at: str
    value: str


@dataclass(frozen=True)
class Opening:
    """A job to be opened: for which site, of which type, why."""

    site_pk: Any
    job_type: str
    description: str
    evidence: Mapping[str, Any]
    allow_duplicate: bool = False


class ModelAdapter:
    """
    Sites, readings and jobs in models of any name.

    The job's model derives from :class:`~django_job_automation.models.AbstractJob`, whose database
    key lets no site have two open jobs of a type.
    """

    site_model: str
    reading_model: str
    job_model: str
    site: SiteFields
    reading: ReadingFields

    @property
    def sites(self) -> type[models.Model]:
        """Return the model of sites; :class:`AdapterError` when there is none of that name."""
        return _model(self.site_model, "site_model", self)

    @property
    def readings(self) -> type[models.Model]:
        """Return the model of readings."""
        return _model(self.reading_model, "reading_model", self)

    @property
    def jobs(self) -> type[models.Model]:
        """Return the model of jobs."""
        return _model(self.job_model, "job_model", self)

    @property
    def using(self) -> str:
        """Return the database: that of the jobs."""
        return router.db_for_write(self.jobs)

    def site_filter(self) -> Q:
        """Return which sites are looked at at all; override it for more than ``is_active``."""
        return Q(**{self.site.is_active: True}) if self.site.is_active else Q()

    def all_sites(self) -> QuerySet[Any]:
        """Return every site."""
        return self.sites._default_manager.using(self.using)

    def eligible(self, *, as_of: datetime) -> QuerySet[Any]:
        """Return the sites that rules look at: chosen by the filter, and not snoozed."""
        rows = self.all_sites().filter(self.site_filter())
        if name := self.site.snoozed_until:
            rows = rows.filter(Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__lte": as_of}))
        return rows

    def all_readings(self) -> QuerySet[Any]:
        """Return every reading, in no order."""
        return self.readings._default_manager.using(self.using).order_by()

    def unknown(self, keys: Sequence[str]) -> list[str]:
        """Return those of these keys that no site has."""
        name = self.site.key
        rows = self.all_sites().filter(**{f"{name}__in": list(keys)})
        known = {str(key) for key in rows.values_list(name, flat=True)}
        return [key for key in keys if key not in known]

    def open_jobs(
        self, openings: Iterable[Opening], *, run: int, now: datetime
    ) -> dict[tuple[str, Any], Any]:
        """
        Open jobs, in the caller's transaction, and return those that are new.

        A site that has an open job of the type gets no second one: that one was seen again.

        Returns:
            the key of each new job by its type and site.
        """
        jobs = self.jobs._default_manager.using(self.using)
        rows = [
            self.jobs(
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
        # MariaDB and MySQL take any unique key, and no name of one.
        is_mysql = connections[self.using].vendor == "mysql"
        jobs.bulk_create(
            rows,
            update_conflicts=True,
            update_fields=["last_seen_at"],
            unique_fields=None if is_mysql else ["job_type", "open_key"],
        )
        mine = jobs.filter(run_id=run).values_list("job_type", "site_id", "pk")
        return {(job_type, site): key for job_type, site, key in mine}

    def sites_with_open_job(self, job_type: str) -> set[Any]:
        """Return the sites that would get no second job of this type."""
        rows = self.jobs._default_manager.using(self.using).filter(job_type=job_type)
        return set(rows.filter(open_key__isnull=False).values_list("site_id", flat=True))

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield what does not fit together, each with the way out."""
        for attribute in ("site_model", "reading_model", "job_model"):
            try:
                _model(getattr(self, attribute, ""), attribute, self)
            except AdapterError as error:
                yield str(error), "Write it as 'app_label.Model', of an installed app."
                return
        for model, names in ((self.sites, self.site), (self.readings, self.reading)):
            for place in fields(names):
                name = getattr(names, place.name)
                if name is None:
                    continue
                try:
                    model._meta.get_field(name)
                except FieldDoesNotExist:
                    known = ", ".join(sorted(one.name for one in model._meta.get_fields()))
                    yield (
                        f"{_path(self)} maps {place.name} to {name!r}, which "
                        f"{model._meta.label} does not have.",
                        f"Its fields are: {known}.",
                    )
        if not issubclass(self.jobs, AbstractJob):
            yield (
                f"{_path(self)}: {self.job_model} does not derive from AbstractJob.",
                "Only its key lets the database promise one open job of a type and site.",
            )

    def has_index(self) -> bool:
        """Return whether an index or a constraint of the readings begins with site and moment."""
        wanted = [self.reading.site, self.reading.at]
        meta = self.readings._meta
        candidates = [[name.lstrip("-") for name in index.fields] for index in meta.indexes]
        candidates += [
            list(one.fields) for one in meta.constraints if isinstance(one, models.UniqueConstraint)
        ]
        candidates += [list(one) for one in meta.unique_together]
        return any(names[:2] == wanted for names in candidates)


class DefaultAdapter(ModelAdapter):
    """The app's own models."""

    site_model = "django_job_automation.Site"
    reading_model = "django_job_automation.Reading"
    job_model = "django_job_automation.Job"
    site = SiteFields(
        key="site_id",
        label="site_name",
        is_active="is_active",
        commissioned_at="commissioned_at",
        snoozed_until="snoozed_until",
        group="group",
    )
    reading = ReadingFields(site="site", at="reading_date", value="reading_value")


def get_adapter() -> ModelAdapter:
    """Return the adapter that the settings name; ImproperlyConfigured when they are wrong."""
    adapter: ModelAdapter = import_string(get_conf().ADAPTER)()
    return adapter


def _model(label: str, attribute: str, adapter: ModelAdapter) -> type[models.Model]:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        raise AdapterError(
            f"{_path(adapter)}: there is no model {label!r}, its {attribute}."
        ) from None


def _path(adapter: ModelAdapter) -> str:
    return f"{type(adapter).__module__}.{type(adapter).__qualname__}"
