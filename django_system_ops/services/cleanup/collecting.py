"""
Batches by Django's own collector: where somebody listens, or an ``on_delete`` is a site's own.

It loads the rows and calls whom they concern. A batch that holds a protected row is halved until
the row is alone: it stays, and the others go.
"""

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import connections, models, transaction
from django.db.models.deletion import Collector, ProtectedError, RestrictedError

from django_system_ops.engine.pacing import Pace
from django_system_ops.services.cleanup.archiving import archive_rows
from django_system_ops.services.cleanup.batches import Plan, Step
from django_system_ops.services.cleanup.files import Files, files_of
from django_system_ops.services.cleanup.gathering import Closure, Scope
from django_system_ops.services.cleanup.statements import Stopwatch, patiently
from django_system_ops.services.cleanup.tally import Tally

__all__ = ["CollectorBatches"]


class CollectorBatches:
    """Rows whose going others want to hear of."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._pace = Pace(plan.batch_size, target_seconds=1.0)
        size = plan.batch_size
        self._scope = Scope(plan.cascade, plan.using, plan.by_key, lambda: size, plan.gone)

    def step(self, after: Any, until: Any) -> Step:
        """Do away with the next rows; a batch that met somebody else's is tried again."""
        return patiently(self._plan.using, partial(self._step, after, until))

    def _step(self, after: Any, until: Any) -> Step:
        plan, watch, tally = self._plan, Stopwatch(), Tally()
        size, started = self._pace.size, time.perf_counter()
        window = plan.window(after, until).order_by("pk")
        with watch.on(plan.using):
            if plan.dry_run:
                keys = list(window.values_list("pk", flat=True)[:size])
                fresh = plan.gone.fresh(plan.cascade.root.label, keys)
                self._go([key for key in keys if key in fresh], tally)
            else:
                with plan.writing():
                    features = connections[plan.using].features
                    if features.has_select_for_update:
                        window = window.select_for_update(
                            skip_locked=features.has_select_for_update_skip_locked
                        )
                    keys = list(window.values_list("pk", flat=True)[:size])
                    self._go(keys, tally)
        self._pace.took(time.perf_counter() - started)
        tally.longest_seconds = watch.longest
        last = keys[-1] if keys else until
        return Step(tally, last, len(keys) < size or last == until)

    def _go(self, keys: Sequence[Any], tally: Tally) -> None:
        """Let the rows of these keys go, or some of them where others are protected."""
        if not keys:
            return
        using = self._plan.using
        rows = self._plan.kind.model._base_manager.using(using).filter(pk__in=keys).order_by()
        collector = Collector(using=using, origin=rows)
        try:
            collector.collect(rows)
        except (ProtectedError, RestrictedError) as error:
            if len(keys) > 1:
                middle = len(keys) // 2
                self._go(keys[:middle], tally)
                self._go(keys[middle:], tally)
                return
            tally.kept += 1
            tally.protected.update(_keepers(error))
            return
        closure = self._closure(collector)
        files = files_of(self._scope, closure)
        nulled = self._nulled(collector, closure)
        if self._plan.dry_run:
            self._count(closure, files, tally)
        else:
            archive = self._plan.archive
            if archive is not None:
                tally.archived += archive.write(archive_rows(self._scope, closure))
            _, went = collector.delete()
            tally.rows.update(went)
            transaction.on_commit(lambda: files.remove(tally), using=using)
        tally.nulled.update(nulled)

    def _count(self, closure: Closure, files: Files, tally: Tally) -> None:
        for model, rows in closure.rows.items():
            keys = self._plan.gone.fresh(model._meta.label, rows)
            self._plan.gone.add(model._meta.label, keys)
            tally.rows.update({model._meta.label: len(keys)} if keys else {})
        files.remove(tally, dry_run=True, gone=self._plan.gone)

    def _closure(self, collector: Any) -> Closure:
        """Return the rows that the collector has found, as the other batches have them."""
        closure = Closure()
        for model, found in collector.data.items():
            self._take(closure, model, {one.pk for one in found})
        for rows in collector.fast_deletes:
            found = rows if isinstance(rows, models.QuerySet) else None
            keys = found.values_list("pk", flat=True) if found is not None else []
            self._take(closure, rows.model, set(keys))
        return closure

    def _take(self, closure: Closure, model: Any, keys: set[Any]) -> None:
        concrete = model._meta.concrete_model
        node = self._plan.cascade.nodes.get(concrete)
        have = closure.rows.setdefault(concrete, {})
        if node is None or not node.files:
            have.update({key: (key,) for key in keys})
            return
        manager = concrete._base_manager.using(self._plan.using).order_by()
        for some in self._scope.parts(list(keys)):
            have.update(
                {row[0]: row for row in manager.filter(pk__in=some).values_list(*node.columns)}
            )

    def _nulled(self, collector: Any, closure: Closure) -> Counter[str]:
        """Return which fields will point at something else, but for those of rows that go."""
        found: Counter[str] = Counter()
        for (pointer, _value), groups in collector.field_updates.items():
            label = pointer.model._meta.label
            space = f"{label}.{pointer.attname}"
            going = closure.rows.get(pointer.model._meta.concrete_model, {})
            keys = {one.pk for group in groups for one in group if one.pk not in going}
            keys = self._plan.gone.fresh(space, self._plan.gone.fresh(label, keys))
            self._plan.gone.add(space, keys)
            found[space] += len(keys)
        return +found


def _keepers(error: ProtectedError | RestrictedError) -> set[str]:
    found = (
        error.protected_objects if isinstance(error, ProtectedError) else error.restricted_objects
    )
    return {one._meta.label for one in found}
