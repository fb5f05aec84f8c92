"""Sites, readings and jobs in models of any name."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models, router
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils.module_loading import import_string

from django_job_automation.adapters.fields import JobFields, ReadingFields, SiteFields
from django_job_automation.adapters.stores import (
    ClaimedJobs,
    JobStore,
    Opened,
    Opening,
    OwnJobs,
)
from django_job_automation.conf import get_conf
from django_job_automation.exceptions import AdapterError
from django_job_automation.models import MaintenanceWindow

__all__ = ["DefaultAdapter", "ModelAdapter", "get_adapter", "parse", "path_of"]


class ModelAdapter:
    """
    Sites, readings and jobs in models of any name.

    Attributes:
        job: fields of the job's model; None when it derives from
            :class:`~django_job_automation.models.AbstractJob`.
        open_statuses: of a model of your own: where somebody still has to do something.
        new_status: of a model of your own: that of a job that is opened.
        closed_status: of a model of your own: that of a job that the rules close; None: they
            close none.
    """

    site_model: str = ""
    reading_model: str = ""
    job_model: str = ""
    site: SiteFields
    reading: ReadingFields
    job: JobFields | None = None
    open_statuses: Sequence[str] = ("open",)
    new_status: str = "open"
    closed_status: str | None = None

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
        """Return the sites that rules look at: filtered, not snoozed, and in no window."""
        rows = self.all_sites().filter(self.site_filter()).filter(~self.in_window(as_of))
        if name := self.site.snoozed_until:
            rows = rows.filter(Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__lte": as_of}))
        return rows

    def in_window(self, as_of: datetime) -> Exists:
        """Return whether a maintenance window holds for a site of the query around."""
        scopes = Q(scope="") | Q(scope=Concat(Value("site:"), _text(self.site.key)))
        if self.site.group:
            scopes |= Q(scope=Concat(Value("group:"), _text(self.site.group)))
        windows = MaintenanceWindow.objects.using(self.using)
        return Exists(windows.filter(scopes, starts_at__lte=as_of, ends_at__gt=as_of))

    def all_readings(self) -> QuerySet[Any]:
        """Return every reading, in no order."""
        return self.readings._default_manager.using(self.using).order_by()

    def unknown(self, keys: Sequence[str]) -> list[str]:
        """Return those of these keys that no site has."""
        name = self.site.key
        parsed = {key: parse(self.sites, name, key) for key in keys}
        wanted = [value for value in parsed.values() if value is not None]
        known = set(self.all_sites().filter(**{f"{name}__in": wanted}).values_list(name, flat=True))
        # As the database compares texts: it may take A for a.
        folded = {str(value).casefold() for value in known}
        return [key for key, value in parsed.items() if str(value).casefold() not in folded]

    @property
    def store(self) -> JobStore:
        """Return where jobs are opened."""
        if self.job is None:
            return OwnJobs(self.jobs, self.using)
        return ClaimedJobs(
            self.jobs,
            self.using,
            self.job,
            open_statuses=self.effective_statuses,
            new_status=self.new_status,
            closed_status=self.closed_status,
        )

    @property
    def effective_statuses(self) -> tuple[str, ...]:
        """Return the open statuses of a table of your own: the settings' or the adapter's."""
        return tuple(get_conf().OPEN_STATUSES or self.open_statuses)

    def open_jobs(self, openings: Iterable[Opening], *, run: int, now: datetime) -> Opened:
        """
        Open jobs, in the caller's transaction, and return the keys of those that are new.

        A site that has an open job of the type gets no second one. Override it to do more, such as
        to tell somebody.
        """
        return self.store.open(openings, run=run, now=now)


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
        capacity="capacity",
    )
    reading = ReadingFields(site="site", at="reading_date", value="reading_value")


def parse(model: type[models.Model], name: str, text: str) -> Any:
    """Return a text as a value of a field, or of what it leads to; None when it is none."""
    field: Any = model._meta.get_field(name)
    if field.is_relation:
        field = field.target_field
    try:
        return None if "\0" in text else field.to_python(text)
    except ValidationError:
        return None


def path_of(adapter: ModelAdapter) -> str:
    """Return the dotted path of an adapter's class."""
    return f"{type(adapter).__module__}.{type(adapter).__qualname__}"


def get_adapter() -> ModelAdapter:
    """Return the adapter that the settings name; ImproperlyConfigured when they are wrong."""
    adapter: ModelAdapter = import_string(get_conf().ADAPTER)()
    return adapter


def _model(label: str, attribute: str, adapter: ModelAdapter) -> type[models.Model]:
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        raise AdapterError(
            f"{path_of(adapter)}: there is no model {label!r}, its {attribute}."
        ) from None


def _text(name: str) -> Cast:
    return Cast(OuterRef(name), CharField(max_length=255))
