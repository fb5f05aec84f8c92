"""Whether values are among the choices of their fields."""

from collections.abc import Iterator
from typing import Any

from django.db import models

from django_system_ops.services.validating.findings import CheckReport, Inspection, Level
from django_system_ops.services.validating.rows import (
    all_rows,
    count_rows,
    find_rows,
    may_look,
    name_of,
)
from django_system_ops.services.validating.scope import Model, Scope

__all__ = ["Choices"]


class Choices:
    """Only told: choices are for forms, and a site may well keep words that it no longer offers."""

    name = "choices"
    help = "Values that are not among the choices of their field; told, and no finding."
    is_default = False

    def run(self, scope: Scope) -> CheckReport:
        """Look at every field that has choices."""
        inspection = Inspection(self.name, "fields", scope.using)
        counted: dict[Model, int] = {}
        for model in scope.candidates:
            for field in _fields_of(model):
                where = name_of(model, field.name)
                if may_look(inspection, scope, model, where, field.column):
                    with inspection.looking_at(where):
                        self._look_at(inspection, scope, field, where)
                        count_rows(scope, model, counted)
        inspection.rows = sum(counted.values())
        return inspection.report()

    def _look_at(
        self, inspection: Inspection, scope: Scope, field: "models.Field[Any, Any]", where: str
    ) -> None:
        known = [value for value, _ in field.flatchoices if value is not None]
        rows = all_rows(field.model, scope.using).filter(**{f"{field.name}__isnull": False})
        rows = rows.exclude(**{f"{field.name}__in": known})
        if field.blank and field.empty_strings_allowed:
            rows = rows.exclude(**{field.name: ""})
        message = "has values that are none of its choices"
        find_rows(inspection, scope, rows, where=where, message=message, level=Level.INFO)


def _fields_of(model: Model) -> "Iterator[models.Field[Any, Any]]":
    if not model._meta.proxy:
        for field in model._meta.local_concrete_fields:
            if field.choices and not field.is_relation:
                yield field
