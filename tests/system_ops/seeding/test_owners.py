"""create_test_data points at rows of the same tenant, also where a way to it may be empty."""

import pytest

from tests.system_ops.seeding.conftest import run
from tests.system_ops.studio.models import Loan, Paper, Receipt, Remark, Shelf, Studio

pytest.importorskip("faker")
pytestmark = pytest.mark.django_db(transaction=True)

LOANS = {"loans": {"model": "studio.Loan", "tenant": "giver"}}


@pytest.fixture(autouse=True)
def studios(configure):
    configure(tenants={"model": "studio.Studio"})
    return [Studio.objects.create(name=name) for name in ("acme", "zenith", "other")]


@pytest.fixture
def papers(studios):
    """Some of each studio, some on a shelf that is everybody's, and some that lie nowhere."""
    for studio in (*studios, None):
        shelf = Shelf.objects.create(studio=studio, name="shelf")
        Paper.objects.bulk_create(Paper(shelf=shelf, name=f"{n}") for n in range(5))
    Paper.objects.bulk_create(Paper(name=f"{n}") for n in range(5))


def make(model, count, *args):
    label = model._meta.label
    return run(
        "create_test_data", "--allow-production", f"--model={label}", f"--count={count}", *args
    )


def owners(rows):
    return {(one.studio, one.paper.shelf and one.paper.shelf.studio) for one in rows}


def test_rows_point_at_their_own_tenants_where_the_way_may_be_empty(studios, papers):
    found = make(Remark, 60)

    assert (found["status"], found["rows"]) == (0, {"studio.Remark": 60})
    assert owners(Remark.objects.all()) == {(one, one) for one in studios}
    make(Remark, 10, "--tenant=zenith")
    assert owners(Remark.objects.all()) == {(one, one) for one in studios}


def test_what_is_made_as_well_is_a_tenants_own(studios):
    Paper.objects.create(name="nobody's")

    found = make(Remark, 60)

    assert (found["status"], found["added"]) == (0, ["studio.Paper"])
    assert Remark.objects.count() == 60
    made = {one.paper_id: set() for one in Remark.objects.all()}
    for one in Remark.objects.all():
        made[one.paper_id].add(one.studio_id)
    assert all(len(of) == 1 for of in made.values())
    assert not Remark.objects.filter(paper__name="nobody's").exists()


def test_rows_that_may_be_nobodys_are_made_without_a_tenant():
    Studio.objects.all().delete()

    found = make(Paper, 20)

    assert (found["status"], found["rows"]) == (0, {"studio.Paper": 20})
    assert Paper.objects.filter(shelf=None).count() == 20


@pytest.mark.parametrize("model", [Loan, Receipt])
def test_several_ways_to_a_tenant_are_for_the_settings_to_choose_from(model):
    found = make(model, 10)

    assert found["status"] == 2
    assert "studio.Loan: giver and taker lead to a tenant" in found["sentence"]
    assert "MANAGEMENT_COMMANDS['data']['types']" in found["sentence"]
    assert not model.objects.exists()


def test_way_that_the_settings_name_is_the_one(configure, studios):
    configure(data={"types": LOANS})
    first, second, _third = studios
    Loan.objects.create(giver=first, taker=second)
    Loan.objects.create(giver=second, taker=first)

    found = make(Receipt, 40)

    assert (found["status"], found["rows"]) == (0, {"studio.Receipt": 40})
    assert {(one.studio, one.loan.giver) for one in Receipt.objects.all()} == {
        (first, first),
        (second, second),
    }
