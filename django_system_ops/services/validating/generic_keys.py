"""Whether what refers to rows of any table refers to rows that are there."""

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connections, models, router
from django.db.models import Case, Count, Exists, OuterRef, QuerySet, Value, When
from django.db.models.functions import Cast, Lower, Replace

from django_system_ops.services.validating.findings import CheckReport, Inspection
from django_system_ops.services.validating.rows import all_rows, find_rows, may_look, name_of
from django_system_ops.services.validating.scope import Model, Scope, concrete

if TYPE_CHECKING:
    from django.contrib.contenttypes.fields import GenericForeignKey

    Field = models.Field[Any, Any]
else:
    Field = models.Field  # generic for the type checker alone

__all__ = ["GenericKeys"]

_INTEGER = r"^-?[0-9]{1,18}$"
_UUID = r"^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$"


class GenericKeys:
    """Each generic key, and each kind of row that it refers to, by one anti-join."""

    name = "generic_keys"
    help = "Every GenericForeignKey refers to a row; and not to a model that was removed."
    is_default = True

    def run(self, scope: Scope) -> CheckReport:
        """Look at every key."""
        inspection = Inspection(self.name, "links", scope.using)
        if not apps.is_installed("django.contrib.contenttypes"):
            return inspection.report()
        for model in scope.candidates:
            for key in _keys_of(model):
                where = name_of(model, key.name)
                kind, number = (model._meta.get_field(one) for one in (key.ct_field, key.fk_field))
                assert isinstance(kind, models.Field)
                assert isinstance(number, models.Field)
                if may_look(inspection, scope, model, where, kind.column, number.column):
                    with inspection.looking_at(where):
                        self._look_at(inspection, scope, where, kind, number)
        return inspection.report()

    def _look_at(
        self, inspection: Inspection, scope: Scope, where: str, kind: Field, number: Field
    ) -> None:
        from django.contrib.contenttypes.models import ContentType

        rows = all_rows(kind.model, scope.using).filter(
            **{f"{kind.attname}__isnull": False, f"{number.attname}__isnull": False}
        )
        grouped = rows.values_list(kind.attname).annotate(how_many=Count("*"))
        counts = dict(grouped.order_by(kind.attname))
        inspection.add_rows(sum(counts.values()))
        # A kind that is not there is a dangling foreign key, and found as one.
        for pk, found in ContentType.objects.using(scope.using).in_bulk(counts).items():
            of_kind = rows.filter(**{kind.attname: pk})
            target = found.model_class()
            there = f"{where} -> {found.app_label}.{target.__name__ if target else found.model}"
            if target is None:
                with inspection.looking_at(there):
                    message = "refers to rows of a model that was removed"
                    find_rows(inspection, scope, of_kind, where=there, message=message)
            else:
                self._look_at_kind(inspection, scope, there, of_kind, number, target)

    def _look_at_kind(
        self,
        inspection: Inspection,
        scope: Scope,
        where: str,
        rows: QuerySet[models.Model],
        number: Field,
        target: Model,
    ) -> None:
        table = concrete(target)
        key = _comparable(number, table._meta.pk, scope.using)
        if not router.allow_migrate_model(scope.using, table):
            inspection.skip(where, "to a model in another database")
        elif missing := scope.what_is_missing(table, table._meta.pk.column):
            inspection.miss(where, f"cannot be followed: {missing}")
        elif key is None:
            inspection.skip(where, f"keys that {number.name} cannot be compared with")
        else:
            with inspection.looking_at(where):
                there = all_rows(table, scope.using).filter(
                    **{table._meta.pk.attname: OuterRef("validated_key")}
                )
                find_rows(
                    inspection,
                    scope,
                    rows.annotate(validated_key=key).filter(~Exists(there)),
                    where=where,
                    message="refers to rows that are not there",
                )


def _keys_of(model: Model) -> "list[GenericForeignKey]":
    from django.contrib.contenttypes.fields import GenericForeignKey

    if model._meta.proxy:
        return []
    generic = [one for one in model._meta.private_fields if isinstance(one, GenericForeignKey)]
    # What a child of a concrete model inherits stands in its parent's table.
    return [one for one in generic if model._meta.get_field(one.fk_field).model is model]


def _comparable(number: Field, pk: Field, using: str) -> Any:
    """
    Return an expression of the row's side that compares with the primary key, None if none does.

    The key itself is left alone, so that its index serves. What cannot be such a key becomes
    NULL, which is equal to no key.
    """
    kinds = (_kind(number), _kind(pk))
    name = number.attname
    if kinds[0] == kinds[1] and kinds[0]:
        return models.F(name)
    if kinds == ("text", "integer"):
        return _when(name, _INTEGER, Cast(name, models.BigIntegerField()))
    if kinds == ("integer", "text"):
        return Cast(name, models.CharField())
    if kinds == ("text", "uuid"):
        if connections[using].features.has_native_uuid_field:
            return _when(name, _UUID, Cast(name, models.UUIDField()))
        return Replace(Lower(name), Value("-"), Value(""))
    return None


def _when(name: str, pattern: str, then: Any) -> Case:
    return Case(When(**{f"{name}__regex": pattern}, then=then), default=None)


def _kind(field: Field) -> str:
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    kinds: dict[str, Any] = {
        "integer": models.IntegerField,
        "text": (models.CharField, models.TextField),
        "uuid": models.UUIDField,
    }
    return next((name for name, those in kinds.items() if isinstance(field, those)), "")
