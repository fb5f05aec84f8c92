"""Tables that cannot take part, and why."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps

from django_system_ops.exceptions import TenantMoveError
from django_system_ops.services.tenant_moves.graphs import graph_of
from django_system_ops.services.tenant_moves.ownership import Kind, Ownership

pytestmark = pytest.mark.django_db

OWN = Ownership(Kind.TENANT, "tenant", "tenant")


class Meta:
    app_label = "shop"


@contextmanager
def declared(**found: dict[str, Any]) -> Iterator[list[Any]]:
    """Give models with these fields, in an app of their own."""
    with isolate_apps("tests.system_ops.shop"):
        yield [
            type(name, (models.Model,), {"Meta": Meta, "__module__": __name__, **fields})
            for name, fields in found.items()
        ]


def graph(*seeds, known, is_move=False):
    return graph_of(seeds, known, is_move=is_move, using="default")


def test_rows_that_need_each_other_in_a_circle_are_refused():
    one = {"two": models.ForeignKey("shop.Two", models.CASCADE)}
    two = {"one": models.ForeignKey("shop.One", models.CASCADE)}
    with declared(One=one, Two=two) as (first, second):
        known = dict.fromkeys((first, second), OWN)
        with pytest.raises(TenantMoveError, match="need each other in a circle"):
            graph(first, known=known)


def test_circle_with_a_link_that_may_be_null_is_cut_there():
    one = {"two": models.ForeignKey("shop.Two", models.CASCADE)}
    two = {"one": models.ForeignKey("shop.One", models.CASCADE, null=True)}
    with declared(One=one, Two=two) as (first, second):
        found = graph(first, known=dict.fromkeys((first, second), OWN))

        assert [node.model for node in found.order] == [second, first]
        assert (found.nodes[second].loose, found.nodes[first].loose) == ({"one_id"}, set())


def test_circle_is_not_cut_on_the_way_to_the_tenant():
    one = {"two": models.ForeignKey("shop.Two", models.CASCADE, null=True)}
    two = {"one": models.ForeignKey("shop.One", models.CASCADE, null=True)}
    with declared(One=one, Two=two) as (first, second):
        found = graph(
            first, known={first: Ownership(Kind.TENANT, "two__tenant", "two"), second: OWN}
        )

        assert (found.nodes[first].loose, found.nodes[second].loose) == (set(), {"one_id"})


def test_key_of_several_columns_is_refused():
    fields = {
        "pk": models.CompositePrimaryKey("a", "b"),
        "a": models.IntegerField(),
        "b": models.IntegerField(),
    }
    with (
        declared(One=fields) as (first,),
        pytest.raises(TenantMoveError, match="a primary key of several columns"),
    ):
        graph(first, known={first: OWN})


def test_tenant_as_the_key_can_be_copied_and_not_moved():
    one = {"boss": models.OneToOneField("shop.Boss", models.CASCADE, primary_key=True)}
    with declared(Boss={}, One=one) as (boss, first):
        known = {boss: Ownership(Kind.THE_TENANT), first: Ownership(Kind.TENANT, "boss", "boss")}

        assert first in graph(first, known=known).nodes
        with pytest.raises(TenantMoveError, match="the tenant is its primary key"):
            graph(first, known=known, is_move=True)


def test_what_is_only_needed_does_not_bring_what_hangs_on_it():
    one = {"two": models.ForeignKey("shop.Two", models.CASCADE)}
    three = {"two": models.ForeignKey("shop.Two", models.CASCADE)}
    with declared(One=one, Two={}, Three=three) as (first, second, third):
        known = {first: OWN, second: OWN}

        assert set(graph(first, known=known).nodes) == {first, second}
        # Nobody has said whose the third one's rows are, which matters for the second alone.
        with pytest.raises(TenantMoveError, match=r"shop.Three.two hangs on shop.Two, and nobody"):
            graph(second, known=known)
        assert third not in known
