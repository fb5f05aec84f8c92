"""What is unique among some rows only, or by what the database computes: looked at first."""

from datetime import date

import pytest

from tests.system_ops.shop.models import Alias, Label, Office
from tests.system_ops.tenant_moves.conftest import contents, migrate, tenants

pytestmark = pytest.mark.django_db

ENDED = date(2026, 6, 1)


@pytest.fixture(autouse=True)
def both(types):
    """Offices come first, so that half of a copy would be seen."""
    types(
        offices={"model": "shop.Office", "tenant": "tenant"},
        labels={"model": "shop.Label", "tenant": "tenant"},
        aliases={"model": "shop.Alias", "tenant": "tenant"},
    )
    old, new = tenants("old", "new")
    Office.objects.create(tenant=old, name="o")
    return old, new


def everything():
    return contents(Office, Label, Alias)


def names(model, tenant):
    return sorted(model.objects.filter(tenant=tenant).values_list("name", flat=True))


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_place_of_some_rows_is_refused_before_anything_is_written(both, mode):
    old, new = both
    Label.objects.create(tenant=old, name="free")
    first = Label.objects.create(tenant=old, name="a")
    Label.objects.create(tenant=new, name="a")
    before = everything()

    found = migrate(mode=mode, batch_size=1)

    assert (found["status"], everything()) == (1, before)
    assert (
        f"shop.Label {first.pk}: the other tenant has shop.Label.(tenant_id, name)"
        in (found["sentence"])
    )
    assert "--on-conflict=rename" in found["sentence"]


@pytest.mark.parametrize("mode", ["copy", "move"])
@pytest.mark.parametrize(("mine", "theirs"), [(True, False), (False, True), (None, False)])
def test_rows_that_the_rule_leaves_out_are_in_nobodys_way(both, mode, mine, theirs):
    old, new = both
    Label.objects.create(tenant=old, name="a", is_gone=mine)
    Label.objects.create(tenant=new, name="a", is_gone=theirs)

    found = migrate(mode=mode)

    assert (found["status"], names(Label, new)) == (0, ["a", "a"])


@pytest.mark.parametrize(("wish", "copied"), [("skip", 0), ("update", 0), ("rename", 1)])
def test_place_of_some_rows_is_settled_as_wished(both, wish, copied):
    old, new = both
    Label.objects.create(tenant=old, name="a")
    Label.objects.create(tenant=old, name="a", is_gone=True)
    Label.objects.create(tenant=old, name="a-2")
    Label.objects.create(tenant=new, name="a")

    found = migrate(on_conflict=wish)

    assert (found["status"], found["findings"]) == (0, [])
    renamed = ["a", "a", "a-2", "a-3"]
    assert names(Label, new) == (renamed if copied else ["a", "a", "a-2"])
    assert found["models"]["shop.Label"]["adopted"] == 1 - copied


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_place_that_the_database_computes_is_refused_before_anything_is_written(both, mode):
    old, new = both
    first = Alias.objects.create(tenant=old, name="Help")
    Alias.objects.create(tenant=new, name="hELP")
    before = everything()

    found = migrate(mode=mode)

    assert (found["status"], everything()) == (1, before)
    assert (
        f"shop.Alias {first.pk}: the other tenant has shop.Alias.(name, tenant_id)"
        in (found["sentence"])
    )


def test_place_that_the_database_computes_is_free_where_the_rule_does_not_hold(both):
    old, new = both
    Alias.objects.create(tenant=old, name="Help")
    Alias.objects.create(tenant=old, name="x", ended_on=ENDED)
    Alias.objects.create(tenant=new, name="HELP", ended_on=ENDED)
    Alias.objects.create(tenant=new, name="X")

    assert migrate()["status"] == 0
    assert names(Alias, new) == ["HELP", "Help", "X", "x"]


def test_place_that_the_database_computes_is_settled_as_wished(both):
    old, new = both
    Alias.objects.create(tenant=old, name="Help")
    Alias.objects.create(tenant=old, name="help-2")
    theirs = Alias.objects.create(tenant=new, name="HELP")

    found = migrate(on_conflict="rename")

    assert (found["status"], found["findings"]) == (0, [])
    assert names(Alias, new) == ["HELP", "Help-3", "help-2"]
    Alias.objects.filter(tenant=new).exclude(pk=theirs.pk).delete()
    found = migrate(on_conflict="skip")
    assert (found["status"], found["models"]["shop.Alias"]["adopted"]) == (0, 1)
    assert names(Alias, new) == ["HELP", "help-2"]
