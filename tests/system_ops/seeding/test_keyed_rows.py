"""create_test_data where keys do not count: each row is noted, and known again."""

import pytest
from django.contrib.auth.models import User

from django_system_ops.models import SeededRow
from tests.system_ops.seeding.conftest import run
from tests.system_ops.shop.models import Office, Tenant
from tests.system_ops.studio.models import Citation, Leaflet, Profile

pytest.importorskip("faker")
pytestmark = pytest.mark.django_db(transaction=True)


def make(model, count=50):
    label = model._meta.label
    return run("create_test_data", "--allow-production", f"--model={label}", f"--count={count}")


def clean(*args):
    return run("create_test_data", "--clean", *args)


@pytest.fixture
def eva():
    return User.objects.create_user("eva")


def test_row_that_somebody_made_under_a_key_of_ours_stays(eva):
    make(Profile, 1)
    Profile.objects.get().delete()
    mine = Profile.objects.create(user=eva, bio="written by a person")

    found = clean()

    assert (found["status"], found["changed"]) == (3, {"studio.Profile": 1})
    assert Profile.objects.get() == mine
    assert clean("--changed-too")["status"] == 0
    assert (Profile.objects.count(), SeededRow.objects.count()) == (0, 0)


def test_row_that_was_changed_stays_and_the_others_go():
    make(Leaflet)
    mine = Leaflet.objects.order_by("slug")[7]
    Leaflet.objects.filter(pk=mine.pk).update(slug="ours-now")

    found = clean()

    assert (found["changed"], found["removed"]) == ({"studio.Leaflet": 1}, {"studio.Leaflet": 49})
    assert list(Leaflet.objects.all()) == [mine]


def test_key_that_is_free_again_is_taken_and_noted_again(eva):
    make(Profile, 1)
    Profile.objects.get().delete()

    found = make(Profile, 1)

    assert (found["status"], found["rows"]) == (0, {"studio.Profile": 1})
    assert SeededRow.objects.get().object_pk == str(eva.pk)
    assert clean()["status"] == 0
    assert not Profile.objects.exists()


def test_second_run_points_at_none_twice_where_once_is_all_there_may_be(eva):
    make(Profile, 1)
    assert make(Profile, 1)["short"] == {
        "studio.Profile": "what has to be unique, or is pointed at once, allows no more"
    }

    juan = User.objects.create_user("juan")
    found = make(Profile, 5)

    assert (found["status"], found["rows"]) == (0, {"studio.Profile": 1})
    assert {one.user for one in Profile.objects.all()} == {eva, juan}


def test_tenants_that_all_have_their_only_one_get_no_other(configure):
    configure(tenants={"model": "shop.Tenant"})
    Tenant.objects.create(name="acme")
    make(Office, 1)

    found = make(Office, 1)

    assert (found["status"], found["rows"]) == (0, {})
    assert list(found["short"]) == ["shop.Office"]
    assert Office.objects.count() == 1


def test_numbers_go_on_above_those_of_a_row_that_stayed():
    make(Leaflet)
    held = Leaflet.objects.order_by("slug")[30]
    mine = Citation.objects.create(leaflet=held)
    assert clean()["held"] == {"studio.Citation.leaflet": 1}

    for _ in range(2):
        found = make(Leaflet)
        assert (found["status"], found["sentence"]) == (0, "")

    assert Leaflet.objects.count() == 101
    mine.delete()
    assert clean()["status"] == 0
    assert not Leaflet.objects.exists()


def test_option_changed_too_belongs_to_clean():
    assert run("create_test_data", "--changed-too")["status"] == 2
