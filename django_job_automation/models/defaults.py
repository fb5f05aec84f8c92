"""The tables of a site that brings none of its own."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_job_automation.models.bases import AbstractJob, AbstractReading, AbstractSite

__all__ = ["Job", "Reading", "Site"]


class Site(AbstractSite):
    """A place with a meter."""

    class Meta(AbstractSite.Meta):
        verbose_name = _("site")
        verbose_name_plural = _("sites")


class Reading(AbstractReading):
    """What a register showed at a moment: one row for a site and a moment."""

    site = models.ForeignKey(
        Site,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="readings",
        verbose_name=_("site"),
    )

    class Meta(AbstractReading.Meta):
        verbose_name = _("reading")
        verbose_name_plural = _("readings")


class Job(AbstractJob):
    """Something to be done at a site."""

    site = models.ForeignKey(
        Site, on_delete=models.CASCADE, related_name="jobs", verbose_name=_("site")
    )

    class Meta(AbstractJob.Meta):
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
