"""A model graph with every kind of relation, in tables that are made for a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction
from django.test.utils import isolate_apps

from django_system_ops.services.cleanup.kinds import RowKind, Selection
from django_system_ops.services.cleanup.reports import TypeReport
from django_system_ops.services.cleanup.running import Wishes, clean_up

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
OLD, NEW = NOON - timedelta(days=90), NOON - timedelta(days=1)

Models = SimpleNamespace


def define() -> Models:
    """Return the models; call it where the registry of models is isolated."""

    class Base(models.Model):  # noqa: DJ008  # nobody reads them
        code = models.CharField(max_length=20, unique=True)

        class Meta:
            app_label = "shop"

    class Root(Base):  # noqa: DJ008  # nobody reads them
        at = models.DateTimeField()
        above = models.ForeignKey("self", models.CASCADE, null=True)
        favourite = models.ForeignKey("Leaf", models.SET_NULL, null=True, related_name="+")
        friends = models.ManyToManyField("self", symmetrical=False)
        remarks = GenericRelation("Remark", content_type_field="kind", object_id_field="number")

        class Meta:
            app_label = "shop"

    class Sibling(Base):  # noqa: DJ008  # nobody reads them
        class Meta:
            app_label = "shop"

    class Child(models.Model):  # noqa: DJ008  # nobody reads them
        root = models.ForeignKey(Root, models.CASCADE)
        second = models.ForeignKey(Root, models.CASCADE, null=True, related_name="+")
        seen_by = models.ForeignKey(Root, models.SET_NULL, null=True, related_name="+")

        class Meta:
            app_label = "shop"

    class Leaf(models.Model):  # noqa: DJ008  # nobody reads them
        child = models.ForeignKey(Child, models.CASCADE)
        ignored = models.ForeignKey(
            Base, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
        )

        class Meta:
            app_label = "shop"

    class BaseNote(models.Model):  # noqa: DJ008  # nobody reads them
        base = models.ForeignKey(Base, models.CASCADE, to_field="code")

        class Meta:
            app_label = "shop"

    class Remark(models.Model):  # noqa: DJ008  # nobody reads them
        kind = models.ForeignKey(ContentType, models.CASCADE, related_name="+")
        number = models.CharField(max_length=20)
        target = GenericForeignKey("kind", "number")

        class Meta:
            app_label = "shop"

    class Limit(models.Model):  # noqa: DJ008  # nobody reads them
        child = models.ForeignKey(Child, models.RESTRICT)
        root = models.ForeignKey(Root, models.CASCADE)

        class Meta:
            app_label = "shop"

    class Guard(models.Model):  # noqa: DJ008  # nobody reads them
        leaf = models.ForeignKey(Leaf, models.PROTECT)

        class Meta:
            app_label = "shop"

    return SimpleNamespace(
        Base=Base,
        Root=Root,
        Sibling=Sibling,
        Child=Child,
        Leaf=Leaf,
        BaseNote=BaseNote,
        Remark=Remark,
        Limit=Limit,
        Guard=Guard,
        Friends=Root.friends.through,
    )


ORDER = ("Base", "Child", "Leaf", "Root", "Sibling", "BaseNote", "Remark", "Limit", "Guard")


@contextmanager
def tables() -> Iterator[Models]:
    """Give the models and their tables."""
    with isolate_apps("tests.system_ops.shop", "django.contrib.contenttypes"):
        found = define()
        made = [getattr(found, name) for name in ORDER]
        # SQLite checks nothing while a schema is edited.
        with connection.constraint_checks_disabled(), connection.schema_editor() as editor:
            for model in made:
                editor.create_model(model)
        try:
            yield found
        finally:
            with connection.constraint_checks_disabled(), connection.schema_editor() as editor:
                for model in reversed(made):
                    editor.delete_model(model)


def contents(graph: Models) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables."""
    return {
        name: sorted(model._base_manager.values_list(), key=str)
        for name, model in vars(graph).items()
    }


def kind_of(model: Any, date_field: str = "at") -> RowKind:
    """Return a type over a model."""
    return RowKind("graph", 30, model, date_field, models.Q(), True, "default")


def run(kind: RowKind, **wishes: Any) -> TypeReport:
    """Clean one type up; raise what went wrong."""
    report = clean_up(Selection((kind,), {}), Wishes(now=NOON, **wishes))
    if report.error is not None:
        raise report.error
    return report.types[0]


class UndoError(Exception):
    """Ends a block whose changes are not wanted."""


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what the block does."""
    try:
        with transaction.atomic():
            yield
            raise UndoError
    except UndoError:
        # What it remembers may be undone too.
        ContentType.objects.clear_cache()
