"""What the validators say about rows, each by those of its own version; nothing is changed."""

from django_system_ops.exceptions import BadRowError, SystemOpsError
from django_system_ops.services.knowledge.migrating import Wishes, strangers
from django_system_ops.services.knowledge.registry import LoadedStep
from django_system_ops.services.knowledge.reports import BadRows, ValidationReport
from django_system_ops.services.knowledge.stepping import findings
from django_system_ops.services.knowledge.table import Survey, Table

__all__ = ["inspect"]


def inspect(table: Table, version: str | None, survey: Survey, wishes: Wishes) -> ValidationReport:
    """
    Return what is wrong with the rows: all of them, or those of one version.

    Raises:
        SystemOpsError: a validator fails; its row is named where that is known.
        LockLostError: the run has to end.
    """
    bad: list[BadRows] = []
    checked: dict[str, int] = {}
    unchecked: dict[str, int] = {}
    for one, count in survey.counts.items():
        if version not in (None, one):
            continue
        validators = table.registry.validators(one)
        if not validators:
            unchecked[one] = count
            continue
        found = BadRows(one, "are not as they should be")
        checked[one] = _look(table, one, validators, wishes, found)
        if found.count:
            bad.append(found)
    if version is None:
        bad += strangers(survey, table.registry.graph)
    return ValidationReport(checked, unchecked, tuple(bad), survey)


def _look(
    table: Table, version: str, validators: list[LoadedStep], wishes: Wishes, found: BadRows
) -> int:
    seen = 0
    for rows in table.pages(version, wishes.batch_size):
        wishes.check()
        pks = set()
        try:
            for _, pk, reason in findings(table, rows, validators):
                pks.add(pk)
                if len(found.examples) < wishes.examples:
                    found.examples.append((str(pk), reason))
        except BadRowError as error:
            first, last = (row[table.columns.pk] for row in (rows[0], rows[-1]))
            raise SystemOpsError(
                f"Among the rows {first} to {last} of version {version}, {error.reason}."
            ) from error
        found.count += len(pks)
        seen += len(rows)
        wishes.advance(len(rows))
    return seen
