"""The statements over all sites say what the definitions say of each: on random histories."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_job_automation.adapters import DefaultAdapter
from django_job_automation.conf import get_conf
from django_job_automation.engine.judging import Reading as Read
from django_job_automation.engine.judging import is_flat, is_silent
from django_job_automation.engine.limits import NoComsLimits, ZeroReadsLimits
from django_job_automation.engine.quality import faults
from django_job_automation.models import Reading as OwnReading
from django_job_automation.models import Site
from django_job_automation.rules import Flag, NoComs, Scope, ZeroReads
from tests.automation.adapters import Meters
from tests.automation.histories import AS_OF
from tests.automation.models import Meter, Sample

# Moments that lie on, just beside and far from every edge of the rules, future ones included.
EDGES = [0, 3 * 86_400, 4 * 86_400, -3600, 5 * 86_400, 9 * 86_400, -86_400 * 400]
MOMENTS = st.one_of(
    st.tuples(st.sampled_from(EDGES), st.sampled_from([-1, 0, 1])).map(sum),
    st.integers(-7200, 10 * 86_400),
)
# Few values, so that registers stand still, and rise and fall, often.
VALUES = st.one_of(st.none(), st.sampled_from([0.0, 0.25, 5.0, 5.0, 5.0, 5.25, 6.0, 1e9]))
HISTORIES = st.lists(st.tuples(MOMENTS, VALUES), max_size=12)
SITES = st.lists(
    st.tuples(HISTORIES, st.one_of(st.none(), st.sampled_from([10, 3, 2])), st.booleans()),
    min_size=1,
    max_size=8,
)


@pytest.mark.django_db
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    sites=SITES,
    readings_to_compare=st.integers(1, 4),
    min_increase=st.sampled_from([0.0, 0.25, 0.3]),
)
def test_rules_agree_with_the_definitions(settings, sites, readings_to_compare, min_increase):
    Sample.objects.all().delete()
    Meter.objects.all().delete()
    settings.JOB_AUTOMATION = {
        "ZERO_READS": {"readings_to_compare": readings_to_compare, "min_increase": min_increase}
    }
    silence = NoComsLimits(timedelta(days=3))
    limits = ZeroReadsLimits(timedelta(days=4), readings_to_compare, Decimal(str(min_increase)))
    expected: set[tuple[str, str]] = set()
    for number, (history, days, is_active) in enumerate(sites):
        built_at = None if days is None else AS_OF - timedelta(days=days)
        meter = Meter.objects.create(code=str(number), built_at=built_at, in_service=is_active)
        Sample.objects.bulk_create(
            Sample(meter=meter, taken_at=AS_OF - timedelta(seconds=age), kwh=value)
            for age, value in history
        )
        reads = [
            Read(AS_OF - timedelta(seconds=age), None if value is None else Decimal(str(value)))
            for age, value in history
        ]
        if is_active and is_silent(reads, silence, as_of=AS_OF, commissioned_at=built_at):
            expected.add(("no_coms", str(number)))
        if is_active and is_flat(reads, limits, silence, as_of=AS_OF):
            expected.add(("zero_reads", str(number)))
        if is_active:
            wrong = faults(reads, silence, limits, as_of=AS_OF)
            expected |= {(kind, str(number)) for kind in wrong}

    scope = Scope(Meters(), get_conf(), AS_OF)

    assert {
        (rule.name if isinstance(seen, Flag) else seen.kind, seen.key)
        for rule in (NoComs(), ZeroReads())
        for seen in rule.find(scope)
    } == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("low", "high", "min_increase", "is_flat_"),
    [(0.1, 0.4, 0.3, True), (1234.56, 1234.66, 0.1, True), (1234.56, 1234.67, 0.1, False)],
)
def test_tolerance_is_met_as_it_is_written(settings, low, high, min_increase, is_flat_):
    """Where floats miss it by a hair."""
    settings.JOB_AUTOMATION = {"ZERO_READS": {"min_increase": min_increase}}
    meter = Meter.objects.create(code="A")
    pairs = [(5, low), (3, low), (2, high), (1, high)]
    Sample.objects.bulk_create(
        Sample(meter=meter, taken_at=AS_OF - timedelta(days=age), kwh=value) for age, value in pairs
    )
    site = Site.objects.create(site_id="A")
    OwnReading.objects.bulk_create(
        OwnReading(site=site, reading_date=AS_OF - timedelta(days=age), reading_value=str(value))
        for age, value in pairs
    )

    for adapter, key in ((Meters(), meter.pk), (DefaultAdapter(), site.pk)):
        scope = Scope(adapter, get_conf(), AS_OF)
        assert [one.key for one in ZeroReads().find(scope)] == ["A"] * is_flat_
        assert len(list(ZeroReads().clean(scope, [key]))) == (not is_flat_)
