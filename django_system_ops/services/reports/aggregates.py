"""The aggregates of the reports, and what Django's own lack: percentiles, exact texts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import (
    Aggregate,
    Avg,
    CharField,
    Count,
    DurationField,
    F,
    Field,
    FloatField,
    Func,
    Max,
    Min,
    Q,
    QuerySet,
    Sum,
    TextField,
)
from django.db.models.expressions import Combinable

from django_system_ops.conf.reports import ReportMetricSettings

__all__ = ["GROUP", "aggregate_of", "exact", "is_percentile", "percentiles"]

#: The name of what rows are grouped by, in all statements.
GROUP = "opskit_group"

_VALUE = "opskit_value"

_AGGREGATES: Mapping[str, type[Aggregate]] = {"sum": Sum, "avg": Avg, "min": Min, "max": Max}


class _Percentile(Aggregate):
    """PostgreSQL's own: interpolated between the two nearest values."""

    name = "Percentile"
    function = "PERCENTILE_CONT"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)%(filter)s"


class _Exact(Func):
    """A text whose letters are told apart as Python does, whatever the column's collation."""

    function = "CONVERT"
    template = "CONVERT(%(expressions)s USING utf8mb4) COLLATE utf8mb4_nopad_bin"
    output_field = TextField()


class _ExactOfMySQL(_Exact):
    template = "CONVERT(%(expressions)s USING utf8mb4) COLLATE utf8mb4_0900_bin"


def is_percentile(metric: ReportMetricSettings) -> bool:
    """Return whether a metric is one of the percentiles."""
    return metric.aggregate.startswith("p")


def exact(path: str, field: "Field[Any, Any]", using: str) -> Combinable:
    """Return the values of a field so that different texts are different groups."""
    connection: Any = connections[using]
    if connection.vendor != "mysql" or not isinstance(field, CharField | TextField):
        return F(path)
    # By default MariaDB takes "a", "A" and "a " for the same.
    return _Exact(F(path)) if connection.mysql_is_mariadb else _ExactOfMySQL(F(path))


def aggregate_of(
    metric: ReportMetricSettings, field: "Field[Any, Any] | None", using: str
) -> Aggregate | None:
    """Return a metric as an aggregate; None where the database has none for it."""
    condition = Q(**metric.filter) if metric.filter else None
    if field is None:
        # Count("*") takes no filter.
        return Count("pk", filter=condition) if condition else Count("*")
    if metric.aggregate == "count":
        return Count(metric.field, filter=condition)
    if metric.aggregate == "count_distinct":
        return Count(exact(metric.field, field, using), distinct=True, filter=condition)
    if not is_percentile(metric):
        return _AGGREGATES[metric.aggregate](metric.field, filter=condition)
    if connections[using].vendor != "postgresql":
        return None
    output: Any = DurationField() if isinstance(field, DurationField) else FloatField()
    share = f"{_percent(metric) / 100:.2f}"
    return _Percentile(metric.field, filter=condition, share=share, output_field=output)


def percentiles(
    rows: "QuerySet[Any]", metrics: Mapping[str, ReportMetricSettings], *, grouped: bool
) -> dict[Any, dict[str, Any]]:
    """
    Return percentiles of each group by their names, by the group's value; of all rows, by None.

    The database ranks the values; of each group the two come back between which each lies.

    Args:
        rows: with GROUP where they are grouped.
        metrics: of one field and with one filter, so that the values are ranked once.
        grouped: whether each group has its own.
    """
    one, *_others = metrics.values()
    percents = {name: _percent(metric) for name, metric in metrics.items()}
    values = rows.filter(**one.filter, **{f"{one.field}__isnull": False}).order_by()
    found: dict[Any, dict[str, Any]] = {}
    for value, *group, rank, count in _ranked(values, one.field, percents.values(), grouped):
        number = value if isinstance(value, timedelta) else float(value)
        figures = found.setdefault(group[0] if grouped else None, {})
        for name, percent in percents.items():
            distance = abs((rank - 1) * 100 - (count - 1) * percent)
            if distance < 100:
                # The nearer one weighs more; one that is met exactly is alone.
                part = number * (1 - distance / 100)
                figures[name] = figures[name] + part if name in figures else part
    return found


def _ranked(
    rows: "QuerySet[Any]", field: str, percents: Iterable[int], grouped: bool
) -> Iterable[Sequence[Any]]:
    """Return values near percentiles: the value, its group, its rank from 1, and of how many."""
    names = [_VALUE, GROUP] if grouped else [_VALUE]
    inner: Any = rows.annotate(**{_VALUE: F(field)}).values_list(*names).query
    compiler = inner.get_compiler(using=rows.db)
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return []
    # By hand: Django would write out the group for each part of a window, and reckon it as often.
    columns, parts = ", ".join(names), f"PARTITION BY {GROUP}" if grouped else ""
    # In hundredths of a rank, so that all of it is whole numbers.
    near = " OR ".join(
        f"ABS((opskit_rank - 1) * 100 - (opskit_count - 1) * {percent:d}) < 100"
        for percent in percents
    )
    ranked = (
        f"SELECT {columns}, ROW_NUMBER() OVER ({parts} ORDER BY {_VALUE}) AS opskit_rank, "  # noqa: S608  # our own names, and what Django has written
        f"COUNT(*) OVER ({parts}) AS opskit_count FROM ({sql}) opskit_rows"
    )
    with connections[rows.db].cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({ranked}) opskit_ranked WHERE {near}", params)  # noqa: S608
        found = cursor.fetchall()
    converters = compiler.get_converters([one for one, *_ in compiler.select])
    converted: Iterable[Sequence[Any]] = compiler.apply_converters(found, converters)
    return converted


def _percent(metric: ReportMetricSettings) -> int:
    return int(metric.aggregate[1:])
