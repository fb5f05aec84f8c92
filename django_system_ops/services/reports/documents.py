"""
The document of a report: what JSON has, and all that the other formats are made from.

Format ``django_system_ops.report``, version 1. Keys and rows are in a fixed order, so that the same
rows of the database give the same document, but for ``generated_at``. Days are compared by their
place, the first with the first; a row that only the longer period before has is ``only_previous``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import models
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from django_system_ops.conf.reports import ReportSectionSettings, ReportTypeSettings
from django_system_ops.engine.periods import Period
from django_system_ops.services.field_paths import field_at
from django_system_ops.services.reports.comparing import beside
from django_system_ops.services.reports.measuring import Figures, Section, places_of
from django_system_ops.services.reports.naming import names_of
from django_system_ops.services.snapshots import one_moment
from django_system_ops.services.tenants import Tenants
from django_system_ops.services.texts import clean

__all__ = ["FORMAT", "VERSION", "Document", "ReportWish", "report_document"]

FORMAT, VERSION = "django_system_ops.report", 1

#: A report as JSON has it.
Document = dict[str, Any]


@dataclass(frozen=True)
class ReportWish:
    """
    Which report is meant.

    Attributes:
        name: the type, as the settings call it.
        conf: what the settings say about it.
        period: of which time.
        tenants: one, or all.
        compare: whether the period before is put beside it.
        language: of all texts.
        using: which database.
        now: when it is made.
    """

    name: str
    conf: ReportTypeSettings
    period: Period
    tenants: Tenants
    compare: bool
    language: str
    using: str
    now: datetime

    @property
    def tenant(self) -> str | None:
        """Return the name of the tenant; None where all are meant."""
        return None if self.tenants.is_all else clean(str(self.tenants))


def report_document(wish: ReportWish) -> Document:
    """
    Return a report, with all its sections as they were at one moment.

    What cannot be made is known before: see the module ``planning``.
    """
    zone = timezone.get_default_timezone()
    shown, left_out = _sections(wish)
    before = wish.period.previous() if wish.compare else None
    with override(wish.language):
        with one_moment(wish.using):
            sections = [
                _section(name, Section(conf, wish.tenants, wish.using, zone), wish.period, before)
                for name, conf in shown.items()
            ]
        return {
            "format": FORMAT,
            "version": VERSION,
            "type": wish.name,
            "title": _text(wish.conf.title) or _words(wish.name),
            "tenant": wish.tenant,
            "language": wish.language,
            "time_zone": str(zone),
            "period": _period(wish.period, wish.now),
            "previous": None if before is None else _period(before, wish.now),
            "generated_at": wish.now.astimezone(zone).isoformat(timespec="seconds"),
            "sections": sections,
            "left_out": left_out,
        }


def _sections(wish: ReportWish) -> tuple[dict[str, ReportSectionSettings], list[str]]:
    conf = wish.conf.sections
    if wish.tenants.is_all:
        return dict(conf), []
    # What is shared is nobody's: it has no place in what one tenant gets.
    left_out = [name for name, one in conf.items() if one.shared]
    return {name: one for name, one in conf.items() if not one.shared}, left_out


def _period(period: Period, now: datetime) -> Document:
    starts_at, ends_at = period.bounds(timezone.get_default_timezone())
    return {
        "name": period.name,
        "kind": period.kind,
        "first_day": period.first.isoformat(),
        "last_day": period.last.isoformat(),
        "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat(),
        "is_over": ends_at <= now,
    }


def _section(name: str, section: Section, period: Period, before: Period | None) -> Document:
    conf = section.conf
    now, then = section.measured(period, before)
    places = {
        key: places_of(metric, section.model)
        for key, metric in conf.metrics.items()
        if not metric.hidden
    }
    return {
        "name": name,
        "title": _text(conf.title) or _words(name),
        "group": _group(section),
        "chart": conf.chart or None,
        "columns": [
            {
                "name": key,
                "label": _text(metric.label) or _words(key),
                "unit": metric.unit or _unit(section, key),
                "aggregate": metric.aggregate,
                "places": places[key],
            }
            for key, metric in conf.metrics.items()
            if not metric.hidden
        ],
        "rows": list(_rows(section, now, then, places, (period, before))),
        "other": _other(now, then, places),
        "totals": beside(now.totals, None if then is None else then.totals, places),
        "row_count": now.rows,
        "has_data": bool(now.rows or (then is not None and then.rows)),
    }


def _rows(
    section: Section,
    now: Figures,
    then: Figures | None,
    places: Mapping[str, int],
    periods: tuple[Period, Period | None],
) -> Iterator[Document]:
    """Yield a row of each group; groups are compared by their place: the first with the first."""
    period, before = periods
    is_one_year = period.first.year == period.last.year
    label_of = _labels(section, names_of(section, now.groups), is_one_year=is_one_year)
    earlier = [] if then is None else list(then.groups.items())
    for place, (key, figures) in enumerate(now.groups.items()):
        past = None
        if then is not None:
            past = earlier[place][1] if place < len(earlier) else {}
        names = {"key": _key(section, key), "label": label_of(key)}
        yield {**names, **beside(figures, past, places)}
    if before is None:
        return
    # The last days of a period before that was longer: without them a column would not make its
    # total.
    label_of = _labels(section, {}, is_one_year=before.first.year == period.last.year)
    for key, past in earlier[len(now.groups) :]:
        names = {"key": _key(section, key), "label": label_of(key)}
        yield {**names, **beside({}, past, places), "only_previous": True}


def _other(now: Figures, then: Figures | None, places: Mapping[str, int]) -> Document | None:
    if now.other is None:
        return None
    past = None if then is None else then.other
    return {"groups": now.other_groups, **beside(now.other, past, places)}


def _group(section: Section) -> Document | None:
    conf = section.conf
    if not conf.group:
        return None
    label = _text(conf.group_label)
    if not label and section.is_over_time:
        label = _bucket_word(conf.group)
    if not label:
        label = str(field_at(section.model, conf.group).verbose_name)
    return {"by": conf.group, "label": clean(label[:1].upper() + label[1:])}


def _bucket_word(kind: str) -> str:
    words = {
        "day": _("Day"),
        "week": _("Week"),
        "month": _("Month"),
        "quarter": _("Quarter"),
        "year": _("Year"),
    }
    return words[kind]


def _unit(section: Section, name: str) -> str:
    metric = section.conf.metrics[name]
    if not metric.field or metric.aggregate.startswith("count"):
        return ""
    return "s" if isinstance(field_at(section.model, metric.field), models.DurationField) else ""


def _key(section: Section, key: Any) -> Any:
    """Return the value of a group as JSON has it."""
    if section.is_over_time:
        return _bucket(section, key).name
    if key is None or isinstance(key, bool | int):
        return key
    return clean(str(key))


def _bucket(section: Section, first: date) -> Period:
    return next(
        Period(section.conf.group, first, first + date.resolution).parts(section.conf.group)
    )


def _labels(section: Section, group_names: Mapping[Any, str], *, is_one_year: bool) -> Any:
    """Return the function that says what a group is called."""
    if section.is_over_time:
        return lambda first: _bucket_label(_bucket(section, first), is_one_year=is_one_year)
    words = {key: _text(text) for key, text in section.conf.labels.items()}
    choices: dict[Any, Any] = {}
    if section.conf.group:
        choices = dict(getattr(field_at(section.model, section.conf.group), "flatchoices", ()))

    def label(key: Any) -> str:
        if str(key) in words:
            return words[str(key)]
        if key in choices:
            return clean(str(choices[key]))
        if key is None:
            return _("(none)")
        if isinstance(key, bool):
            return _("Yes") if key else _("No")
        return group_names.get(key, clean(str(key))) or _("(empty)")

    return label


def _bucket_label(bucket: Period, *, is_one_year: bool) -> str:
    if bucket.kind == "day":
        form = "MONTH_DAY_FORMAT" if is_one_year else "SHORT_DATE_FORMAT"
        return str(formats.date_format(bucket.first, form))
    if bucket.kind == "month":
        return str(formats.date_format(bucket.first, "YEAR_MONTH_FORMAT"))
    return bucket.name


def _text(text: str) -> str:
    # The site may have it in its own catalogue. That of "" is the head of the catalogue.
    return clean(_(text)) if text else ""


def _words(name: str) -> str:
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]
