"""Whether the files that rows name are in their storage."""

from collections.abc import Iterator
from typing import Any

from django.db import models

from django_system_ops.services.validating.findings import CheckReport, Finding, Inspection
from django_system_ops.services.validating.rows import all_rows, may_look, name_of
from django_system_ops.services.validating.scope import Model, Scope

__all__ = ["Files"]

_AT_ONCE = 2000


class Files:
    """Each name by one question to its storage: for a remote one, --sample is there."""

    name = "files"
    help = "Every file that a row names is in the storage; --sample limits how many are asked for."
    is_default = True

    def run(self, scope: Scope) -> CheckReport:
        """Look for every file."""
        inspection = Inspection(self.name, "fields", scope.using)
        for model in scope.candidates:
            for field in _fields_of(model):
                where = name_of(model, field.name)
                if may_look(inspection, scope, model, where, field.column):
                    with inspection.looking_at(where):
                        self._look_at(inspection, scope, field, where)
        return inspection.report()

    def _look_at(
        self, inspection: Inspection, scope: Scope, field: models.FileField, where: str
    ) -> None:
        rows = all_rows(field.model, scope.using)
        if field.null:
            rows = rows.filter(**{f"{field.name}__isnull": False})
        named = rows.exclude(**{field.name: ""}).order_by("pk")
        total = named.count() if scope.sample else None
        missing, looked_at = 0, 0
        examples: list[str] = []
        pairs = named.values_list("pk", field.name)[: scope.sample]
        for pk, name in pairs.iterator(chunk_size=_AT_ONCE):
            looked_at += 1
            if not field.storage.exists(str(name)):
                missing += 1
                if missing <= scope.examples:
                    examples.append(f"{pk} ({name})")
        inspection.add_rows(looked_at)
        if total is not None and looked_at < total:
            inspection.note(f"{where}: {looked_at:,} of {total:,} rows, because of --sample")
        if missing:
            message = "names files that are not in the storage"
            inspection.find(Finding(where, message, missing, examples))


def _fields_of(model: Model) -> "Iterator[Any]":
    if not model._meta.proxy:
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.FileField):
                yield field
