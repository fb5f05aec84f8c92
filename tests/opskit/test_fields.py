"""Keys are equal only when their bytes are, on every database."""

import pytest
from django.db import IntegrityError, connection, transaction

from tests.opskit.models import Keyed

pytestmark = pytest.mark.django_db

# Each pair is equal in some usual collation: case, accent, trailing space, width, composition.
PAIRS = [
    ("A", "a"),
    ("a", "a "),
    ("", " "),
    ("e", "é"),
    ("ss", "ß"),
    ("a", "ａ"),
    ("é", "e\u0301"),
    ("😀", "😁"),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_unique_index_tells_keys_apart(one, other):
    Keyed.objects.create(key=one)
    Keyed.objects.create(key=other)

    assert set(Keyed.objects.values_list("key", flat=True)) == {one, other}


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_search_finds_its_own_key_alone(one, other):
    Keyed.objects.create(key=one)

    assert Keyed.objects.filter(key=one).exists()
    assert not Keyed.objects.filter(key=other).exists()
    assert not Keyed.objects.filter(key__in=[other]).exists()


def test_unique_index_refuses_the_same_key():
    Keyed.objects.create(key="a")

    with pytest.raises(IntegrityError), transaction.atomic():
        Keyed.objects.create(key="a")


def test_foreign_key_to_a_key_compares_alike():
    upper, lower = Keyed.objects.create(key="A"), Keyed.objects.create(key="a")

    child = Keyed.objects.create(key="child", parent=upper)

    assert list(upper.children.all()) == [child]
    assert list(lower.children.all()) == []
    assert Keyed.objects.get(parent__key="A") == child


def test_key_may_be_missing():
    Keyed.objects.create(key="a", optional=None)

    assert Keyed.objects.get(optional=None).optional is None


def test_keys_are_sorted_by_their_bytes():
    for key in ("a", "B", "A", "b"):
        Keyed.objects.create(key=key)

    found = Keyed.objects.order_by("key").values_list("key", flat=True)

    if connection.vendor == "postgresql":  # equality is by bytes, order is the database's
        assert sorted(found) == ["A", "B", "a", "b"]
    else:
        assert list(found) == ["A", "B", "a", "b"]


@pytest.mark.parametrize(
    ("vendor", "is_mariadb", "collation"),
    [
        ("mysql", True, "utf8mb4_nopad_bin"),
        ("mysql", False, "utf8mb4_0900_bin"),
        ("postgresql", None, None),
    ],
)
def test_collation_is_the_servers_binary_one(monkeypatch, vendor, is_mariadb, collation):
    """A mock: MySQL is not among the servers of the tests."""
    monkeypatch.setattr(connection, "vendor", vendor)
    monkeypatch.setitem(connection.__dict__, "mysql_is_mariadb", is_mariadb)

    field = Keyed._meta.get_field("key")

    assert field.db_parameters(connection)["collation"] == collation


def test_migration_can_name_the_field():
    _, path, _, keywords = Keyed._meta.get_field("key").deconstruct()

    assert path == "django_opskit.fields.KeyField"
    assert keywords == {"max_length": 64, "unique": True}
