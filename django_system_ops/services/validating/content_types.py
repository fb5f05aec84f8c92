"""Content types of models that are gone."""

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, QuerySet

from django_system_ops.services.validating.findings import (
    CheckReport,
    Finding,
    Fix,
    Inspection,
)
from django_system_ops.services.validating.foreign_keys import keys_of
from django_system_ops.services.validating.rows import all_rows
from django_system_ops.services.validating.scope import Scope, concrete

__all__ = ["ContentTypes"]


class ContentTypes:
    """
    A stale one goes only when no row refers to it.

    That is stricter than Django's remove_stale_contenttypes, which takes with it what refers to
    it: permissions that somebody may have been given, and rows of generic keys.
    """

    name = "content_types"
    help = "Every content type belongs to a model that is still there."
    is_default = True

    def run(self, scope: Scope) -> CheckReport:
        """Look at every content type."""
        inspection = Inspection(self.name, "content types", scope.using)
        if not apps.is_installed("django.contrib.contenttypes"):
            return inspection.report()
        from django.contrib.contenttypes.models import ContentType

        if missing := scope.what_is_missing(ContentType):
            inspection.miss(ContentType._meta.label, f"cannot be looked at: {missing}")
            return inspection.report()
        rows: Any = all_rows(ContentType, scope.using)
        if scope.app_label is not None:
            rows = rows.filter(app_label=scope.app_label)
        if scope.model is not None:
            rows = rows.filter(model=scope.model._meta.model_name)
        found = list(rows.order_by("app_label", "model"))
        inspection.looked_at(len(found))
        stale = {one.pk: one for one in found if one.model_class() is None}
        if stale:
            self._tell(inspection, scope, all_rows(ContentType, scope.using), stale)
        return inspection.report()

    def _tell(
        self,
        inspection: Inspection,
        scope: Scope,
        rows: QuerySet[models.Model],
        stale: Mapping[int, Any],
    ) -> None:
        referring, free = _referring(scope, rows.filter(pk__in=list(stale)))
        message = "is the content type of a model that is not there"
        for pk, fields in referring.items():
            where = f"{stale[pk].app_label}.{stale[pk].model}"
            inspection.find(
                Finding(where, f"{message}, and {', '.join(fields)} refer to it", 1, [str(pk)])
            )
        if unused := [one for pk, one in stale.items() if pk not in referring]:
            examples = [f"{one.app_label}.{one.model} ({one.pk})" for one in unused]
            inspection.find(
                Finding(
                    rows.model._meta.label,
                    f"{message}; nothing refers to it",
                    len(unused),
                    examples[: scope.examples],
                    fix=Fix(free),
                )
            )


def _referring(
    scope: Scope, stale: QuerySet[models.Model]
) -> tuple[dict[int, list[str]], QuerySet[models.Model]]:
    """Return which fields refer to which, and the rows on the condition that none does."""
    found: dict[int, list[str]] = {}
    free = stale
    for model in apps.get_models(include_auto_created=True):
        for key in keys_of(model):
            target = concrete(key.remote_field.model)
            if target is not stale.model or scope.what_is_missing(model, key.column):
                continue
            those = all_rows(model, scope.using).filter(
                **{key.attname: OuterRef(key.target_field.attname)}
            )
            free = free.filter(~Exists(those))
            for pk in stale.filter(Exists(those)).values_list("pk", flat=True).order_by("pk"):
                found.setdefault(pk, []).append(f"{model._meta.label}.{key.name}")
    return found, free
