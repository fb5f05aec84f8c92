"""Generic keys that are text, to rows whose keys are something else."""

from uuid import uuid4

import pytest
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection, models
from django.test.utils import isolate_apps

from django_system_ops.services.validating import Scope
from django_system_ops.services.validating.generic_keys import GenericKeys
from tests.system_ops.shop.models import Chat, Comment
from tests.system_ops.validating.conftest import NOON, a_chat

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mark():
    """A model that the site does not know, with a generic key that is text."""
    with isolate_apps("tests.system_ops.shop"):

        class Mark(models.Model):
            content_type = models.ForeignKey(ContentType, models.CASCADE)
            object_id = models.CharField(max_length=100)
            target = GenericForeignKey()

            class Meta:
                app_label = "shop"

            def __str__(self) -> str:
                return str(self.object_id)

    with connection.schema_editor() as editor:
        editor.create_model(Mark)
    yield Mark
    with connection.schema_editor() as editor:
        editor.delete_model(Mark)


def report_of(model):
    scope = Scope("default")
    scope.__dict__["candidates"] = [model]
    return GenericKeys().run(scope)


def marked(mark, kind: type[models.Model], *keys: str):
    found = ContentType.objects.get_for_model(kind)
    mark.objects.bulk_create([mark(content_type=found, object_id=key) for key in keys])
    return report_of(mark)


def dangling(report) -> list[str]:
    return [example for one in report.findings for example in one.examples]


def test_text_to_whole_numbers(mark):
    pk = a_chat().pk
    # What get_object_for_this_type() would find is there; what it would choke on is not.
    good, bad = [str(pk), f"00{pk}"], [str(pk + 1), "", "abc", f"{pk}x", "9" * 40, f"{pk}.0"]

    report = marked(mark, Chat, *good, *bad)

    lost = set(mark.objects.filter(object_id__in=bad).values_list("pk", flat=True))
    assert not report.errors
    assert report.findings[0].count == len(bad)
    assert set(map(int, dangling(report))) <= lost


def test_text_to_text(mark):
    Session.objects.create(session_key="here", session_data="", expire_date=NOON)

    report = marked(mark, Session, "here", "gone")

    assert [one.count for one in report.findings] == [1]


def test_text_to_uuid(mark, monkeypatch):
    """No model of the site has such keys: one is made for this test."""
    with isolate_apps("tests.system_ops.shop"):

        class Thing(models.Model):
            id = models.UUIDField(primary_key=True)

            class Meta:
                app_label = "shop"

            def __str__(self) -> str:
                return str(self.id)

    here, gone = uuid4(), uuid4()
    with connection.schema_editor() as editor:
        editor.create_model(Thing)
    Thing.objects.create(id=here)
    kind = ContentType.objects.create(app_label="shop", model="thing")
    monkeypatch.setattr(ContentType, "model_class", lambda self: Thing)
    keys = [str(here), here.hex, str(here).upper(), str(gone), "no uuid"]
    mark.objects.bulk_create([mark(content_type=kind, object_id=key) for key in keys])

    report = report_of(mark)

    with connection.schema_editor() as editor:
        editor.delete_model(Thing)
    assert not report.errors
    assert [one.count for one in report.findings] == [2]


def test_keys_that_cannot_be_compared_are_skipped_with_the_reason(monkeypatch):
    Comment.objects.create(target=a_chat(), text="c")
    number = Comment._meta.get_field("object_id")
    monkeypatch.setattr(number, "__class__", models.FloatField)

    report = report_of(Comment)

    assert report.skipped == {
        "keys that object_id cannot be compared with": ("shop.Comment.target -> shop.Chat",)
    }
