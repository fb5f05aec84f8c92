"""Data that settings name: what fits the models, whose it is, what is said when it does not."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from django_system_ops.checks.data import check_data
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.data_types import data_type, data_types
from django_system_ops.services.tenants import resolve_tenants
from tests.system_ops.shop.models import Chat, Message, Series, Tag, Tenant, Volume

TENANTS = {"model": "shop.Tenant"}
CHATS = {"model": "shop.Chat", "tenant": "tenant", "date_field": "updated_at", "key": ["title"]}
MESSAGES = {"model": "shop.Message", "tenant": "chat__tenant"}
TAGS = {"model": "shop.Tag", "shared": True}


@pytest.fixture
def named(configure):
    configure(tenants=TENANTS, data={"types": {"chats": CHATS, "messages": MESSAGES, "tags": TAGS}})


@pytest.mark.django_db
def test_rows_are_those_of_the_tenants(named):
    mine, other = (Tenant.objects.create(name=name) for name in ("mine", "other"))
    chats = [
        Chat.objects.create(tenant=one, title=one.name, updated_at=timezone.now())
        for one in (mine, other)
    ]
    rows = [Message.objects.create(chat=one, text="x") for one in chats]

    found = data_type("messages").rows(resolve_tenants("mine"))

    assert list(found) == rows[:1]
    assert data_type("messages").rows(resolve_tenants("all")).count() == 2
    assert [one.name for one in data_types()] == ["chats", "messages", "tags"]


@pytest.mark.django_db
def test_foreign_key_that_holds_no_primary_key_leads_to_the_tenant_that_is_meant(configure):
    """The code of each tenant is the primary key of the other."""
    owner = Tenant.objects.create(name="owner")
    one, two = (Series.objects.create(tenant=owner, code=code) for code in ("a", "b"))
    for series, other in ((one, two), (two, one)):
        series.code = str(other.pk)
        series.save()
    volumes = {series.code: Volume.objects.create(series=series) for series in (one, two)}
    configure(
        tenants={"model": "shop.Series", "name_field": "code"},
        data={"types": {"volumes": {"model": "shop.Volume", "tenant": "series"}}},
    )

    for code, volume in volumes.items():
        assert list(data_type("volumes").rows(resolve_tenants(code))) == [volume]


@pytest.mark.django_db
def test_row_that_has_two_of_what_the_filter_asks_for_is_one_row(configure):
    tenant = Tenant.objects.create(name="mine")
    chat = Chat.objects.create(tenant=tenant, title="t", updated_at=timezone.now())
    chat.tags.set(Tag.objects.create(name=name) for name in ("a", "b", "c"))
    chats = {**CHATS, "filter": {"tags__name__in": ["a", "b"]}}
    configure(tenants=TENANTS, data={"types": {"chats": chats}})

    for tenants in ("mine", "all"):
        assert list(data_type("chats").rows(resolve_tenants(tenants))) == [chat]


@pytest.mark.django_db
def test_shared_rows_are_no_tenants(named):
    Tenant.objects.create(name="mine")

    with pytest.raises(WrongUsageError, match="tags is shared by all tenants"):
        data_type("tags").rows(resolve_tenants("mine"))


def test_unknown_type_is_answered_with_those_that_are_known(named):
    with pytest.raises(WrongUsageError, match=r"'chat'\. Did you mean chats\? Known: chats, mess"):
        data_type("chat")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "shop.Nothing"}, "there is no model 'shop.Nothing'"),
        ({"key": ["slug"]}, "['key']: shop.Chat has no field 'slug'"),
        ({"secret_fields": ["token"]}, "['secret_fields']: shop.Chat has no field 'token'"),
        ({"date_field": "title"}, "'title' is no date"),
        ({"date_field": "made"}, "shop.Chat has no field 'made'"),
        ({"tenant": "title"}, "has no foreign key 'title'"),
        ({"fields": ["tags", "slug"]}, "['fields']: shop.Chat has no field 'slug'"),
        ({"filter": {"colour": 1}}, "Cannot resolve keyword 'colour'"),
    ],
)
def test_what_does_not_fit_is_an_error_of_check(configure, change, sentence):
    configure(tenants=TENANTS, data={"types": {"chats": {**CHATS, **change}}})

    (message,) = check_data()

    assert message.id == "django_system_ops.E050"
    assert sentence in message.msg
    with pytest.raises(ImproperlyConfigured):
        data_type("chats")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"shared": True}, "not both"),
        ({"tenant": ""}, "shared: True"),
        ({"key": "title"}, "write a list"),
    ],
)
def test_what_is_nobodys_is_refused(configure, change, sentence):
    configure(data={"types": {"chats": {**CHATS, **change}}})

    with pytest.raises(ImproperlyConfigured, match=sentence):
        data_type("chats")


def test_name_must_be_writable(configure):
    configure(data={"types": {"all": CHATS}})

    with pytest.raises(ImproperlyConfigured, match="is no name"):
        data_type("all")


@pytest.mark.django_db
def test_name_that_several_tenants_have_is_refused(configure):
    configure(tenants={"model": "shop.Chat", "name_field": "title"})
    mine = Tenant.objects.create(name="mine")
    for title in ("Acme", "Acme", "Zenith"):
        Chat.objects.create(tenant=mine, title=title, updated_at=timezone.now())

    with pytest.raises(WrongUsageError, match="2 tenants are called that.*name_field"):
        resolve_tenants("Zenith,Acme")
    assert str(resolve_tenants("Zenith")) == "Zenith"
