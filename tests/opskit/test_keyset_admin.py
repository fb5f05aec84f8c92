"""Filters that know between which keys their rows are save looking anywhere else."""

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from django_opskit import keyset_admin
from django_opskit.browsing import Page
from tests.opskit.models import Keyed

pytestmark = pytest.mark.django_db

Bounds = tuple[int | None, int | None]


class BoundsFilter(admin.SimpleListFilter):
    """Takes its bounds from the address, as in 5-9, and either may be left out."""

    title = "bounds"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("any", "any")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        low, high = self.key_bounds(queryset)
        if low is not None:
            queryset = queryset.filter(pk__gte=low)
        return queryset if high is None else queryset.filter(pk__lte=high)

    def key_bounds(self, rows: QuerySet[Any]) -> Bounds:
        low, _dash, high = (self.value() or "").partition("-")
        return int(low) if low else None, int(high) if high else None


class OneFilter(BoundsFilter):
    parameter_name = "one"


class OtherFilter(BoundsFilter):
    parameter_name = "other"


class KeyedAdmin(keyset_admin.KeysetAdmin):
    list_filter = (OneFilter, "parent", OtherFilter)
    filter_parameters = ("one", "other")


@pytest.fixture
def changelist(rf, admin_user):
    """Return the change list that an address shows."""

    def show(**query: str) -> Any:
        request = rf.get("/", query)
        request.user = admin_user
        return KeyedAdmin(Keyed, admin.AdminSite()).get_changelist_instance(request)

    return show


@pytest.mark.parametrize(
    ("query", "bounds"),
    [
        ({}, (None, None)),
        ({"one": "5-"}, (5, None)),
        ({"other": "-9"}, (None, 9)),
        ({"one": "5-", "other": "-9"}, (5, 9)),
        ({"one": "5-9", "other": "7-20"}, (7, 9)),
        ({"one": "5-6", "other": "8-9"}, (8, 6)),
    ],
)
def test_list_looks_where_all_filters_say_that_rows_may_be(monkeypatch, changelist, query, bounds):
    """Told by what is asked for: rows outside the bounds fit no filter and are never listed."""
    asked: list[Bounds] = []

    def look(rows: QuerySet[Any], **place: Any) -> Page[Any]:
        asked.append((place["lowest"], place["highest"]))
        return Page()

    monkeypatch.setattr(keyset_admin, "look", look)

    changelist(**query)

    assert asked == [bounds]


def test_rows_within_the_bounds_are_listed_the_newest_first(changelist):
    Keyed.objects.bulk_create(Keyed(key=f"{n}") for n in range(10))
    keys = list(Keyed.objects.order_by("-pk").values_list("pk", flat=True))

    def listed(one: str, other: str) -> list[int]:
        return [row.pk for row in changelist(one=one, other=other).result_list]

    assert listed(f"{keys[8]}-", f"{keys[6]}-{keys[2]}") == keys[2:7]
    assert listed(f"{keys[4]}-", f"{keys[6]}-{keys[2]}") == keys[2:5]
    assert listed(f"{keys[0]}-", f"{keys[6]}-{keys[2]}") == []
