"""What the dashboard page shows beside the numbers: open jobs by age, and the last runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db import router
from django.db.models import Count, Q

from django_job_automation.adapters import get_adapter
from django_job_automation.models import Run
from django_job_automation.rules import RULES
from django_job_automation.services.dashboard import Dashboard, dashboard
from django_job_automation.services.overrides import effective

__all__ = ["AGES", "Overview", "overview"]

#: Upper ends in days; what is older is in a column of its own.
AGES = (1, 7, 30)
_RUNS = 10


@dataclass(frozen=True)
class Overview:
    """
    How it stands.

    Attributes:
        ages: open jobs by rule, those up to each of AGES and those beyond.
        runs: the newest first.
    """

    dashboard: Dashboard
    ages: Mapping[str, tuple[int, ...]]
    runs: tuple[Run, ...]


def overview(*, now: datetime, days: int) -> Overview:
    """Return how it stands, with the jobs of so many days."""
    return Overview(
        dashboard=dashboard(now=now, days=days),
        ages=_ages(now),
        runs=tuple(Run.objects.using(router.db_for_write(Run)).order_by("-pk")[:_RUNS]),
    )


def _ages(now: datetime) -> dict[str, tuple[int, ...]]:
    """Count the open jobs of each rule by their age, in one statement."""
    adapter = get_adapter()
    conf, store = effective(adapter).conf, adapter.store
    at = store.fields.created_at
    ends = [now - timedelta(days=days) for days in AGES]
    between = [
        Q(**{f"{at}__gte": ends[0]}),
        *(Q(**{f"{at}__gte": older, f"{at}__lt": younger}) for younger, older in pairwise(ends)),
        Q(**{f"{at}__lt": ends[-1]}),
    ]
    counts = {
        f"{name}_{index}": Count(
            "pk", filter=Q(**{store.fields.type: conf.rule(name).job_type_id}) & age
        )
        for name in RULES
        for index, age in enumerate(between)
    }
    found = store.open_rows().order_by().aggregate(**counts)
    return {
        name: tuple(found[f"{name}_{index}"] for index in range(len(between))) for name in RULES
    }
