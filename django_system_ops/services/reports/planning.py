"""Which reports a run makes: all that can be known to be wrong is said before the first of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from itertools import islice

from django.utils import timezone

from django_system_ops.conf.reports import ReportTypeSettings
from django_system_ops.engine.periods import Period
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.reports.buckets import BUCKETS
from django_system_ops.services.reports.documents import ReportWish
from django_system_ops.services.tenants import Tenants

__all__ = ["MOST_BUCKETS", "Plan", "planned"]

#: How many days or weeks there may be in one table.
MOST_BUCKETS = 1200


@dataclass(frozen=True)
class Plan:
    """
    What a run makes.

    Attributes:
        wishes: the reports, in the order in which they are made.
        left_out: the types of which nothing is a tenant's, where tenants are named.
    """

    wishes: list[ReportWish] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def planned(
    types: Mapping[str, ReportTypeSettings],
    *,
    are_named: bool,
    tenants: Tenants,
    period: Period,
    compare: bool,
    language: str,
    using: str,
    now: datetime,
) -> Plan:
    """
    Return each report of each tenant.

    Args:
        types: the reports, by name.
        are_named: whether somebody asked for just these: one that cannot be made is then an error,
            and left out otherwise.
        tenants: whose; each name gets a report of its own.
        period: of which time.
        compare: whether the period before is put beside it.
        language: of all texts.
        using: which database.
        now: when it is made.

    Raises:
        WrongUsageError: a report cannot be made for a tenant, or for such a period.
    """
    periods = [period, _before(period)] if compare else [period]
    _require_calendar(periods, timezone.get_default_timezone())
    plan = Plan()
    for name, conf in types.items():
        if not tenants.is_all and all(section.shared for section in conf.sections.values()):
            plan.left_out.append(name)
            continue
        _require_tables(conf, periods, tenants)
        plan.wishes.extend(
            ReportWish(name, conf, period, one, compare, language, using, now)
            for one in _each(tenants)
        )
    if plan.left_out and (are_named or not plan.wishes):
        several = "reports" if len(plan.left_out) > 1 else "report"
        names = ", ".join(map(repr, plan.left_out))
        raise WrongUsageError(
            f"--tenant {tenants}: nothing in the {several} {names} is a tenant's; leave --tenant "
            "out."
        )
    return plan


def _each(tenants: Tenants) -> Iterator[Tenants]:
    """Yield all as one, or each name by itself."""
    if tenants.is_all:
        yield tenants
    for name, pk in zip(tenants.names, tenants.pks, strict=True):
        yield Tenants((name,), (pk,))


def _before(period: Period) -> Period:
    try:
        return period.previous()
    except ValueError as error:
        raise WrongUsageError(f"--compare: {error}.") from None


def _require_calendar(periods: list[Period], zone: tzinfo) -> None:
    for period in periods:
        try:
            for moment in period.bounds(zone):
                moment.astimezone(UTC)
        except OverflowError:
            raise WrongUsageError(
                f"--period {period.name}: in {zone} it reaches beyond the calendar."
            ) from None


def _require_tables(conf: ReportTypeSettings, periods: list[Period], tenants: Tenants) -> None:
    shown = [one for one in conf.sections.values() if tenants.is_all or not one.shared]
    for kind in {one.group for one in shown if one.group in BUCKETS}:
        for period in periods:
            try:
                count = sum(1 for _ in islice(period.parts(kind), MOST_BUCKETS + 1))
            except OverflowError:
                raise WrongUsageError(
                    f"--period {period.name}: its last {kind} ends beyond the calendar."
                ) from None
            if count > MOST_BUCKETS:
                raise WrongUsageError(
                    f"--period {period.name}: more than {MOST_BUCKETS:,} rows by {kind} are no "
                    "table. Name a shorter one."
                )
