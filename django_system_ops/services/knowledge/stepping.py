"""One batch of rows, one step: what happens inside a transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from copy import deepcopy
from typing import Any

from django.core.exceptions import ValidationError
from django.db import Error as DatabaseError
from django.db import connections

from django_system_ops.exceptions import BadRowError, SystemOpsError
from django_system_ops.services.cleanup.archiving import Archive
from django_system_ops.services.cleanup.statements import is_lock_timeout, patiently, writing
from django_system_ops.services.knowledge.registry import LoadedStep, Row
from django_system_ops.services.knowledge.table import Table
from django_system_ops.services.texts import one_line

__all__ = ["apply", "findings", "in_transaction", "own_transactions", "undone", "with_culprit"]

Image = dict[str, Any]


class _UndoError(Exception):
    """Ends a transaction that is not to stay."""


def own_transactions(using: str) -> None:
    """
    Do nothing unless a transaction is open already.

    Raises:
        SystemOpsError: its end would decide about the rows, and the files could not know.
    """
    if connections[using].in_atomic_block:
        raise SystemOpsError(
            "migrate_knowledge_base cannot work inside a transaction: each batch is one of its "
            "own. Call it outside of atomic()."
        )


def apply(
    table: Table,
    work: Callable[[list[Row]], object],
    rows: list[Row],
    *,
    before: str,
    after: str,
    validators: Sequence[LoadedStep],
    record: Callable[[Iterator[Image]], object] = lambda _images: None,
) -> int:
    """
    Take locked rows from one version to another; return how many.

    ``record`` gets what :class:`~.journal.Journal` keeps of each row, before the transaction ends.

    Raises:
        BadRowError: the step or a validator refuses a row.
    """
    if not rows:
        return 0
    columns = table.columns
    changed = deepcopy(rows)
    with _blaming("the step"):
        answer = work(changed)
    if answer is not None:
        raise BadRowError(
            None, "the step returned something: it has to change the rows that it is given"
        )
    columns.require_same_rows(rows, changed)
    changes = {
        old[columns.pk]: columns.changes(old, new) for old, new in zip(rows, changed, strict=True)
    }
    for row in rows:
        columns.require_restorable(row, tuple(changes[row[columns.pk]]))
    with _blaming("a new value"):
        table.write(changes, before, after)
    # As they are in the database, and not as the step believes.
    stored = table.stored(list(changes))
    for _version, pk, reason in findings(table, stored, validators):
        raise BadRowError(pk, f"the validator says: {reason}")
    pairs = zip(rows, stored, strict=True)
    record(_image(table, old, new, tuple(changes[old[columns.pk]])) for old, new in pairs)
    return len(rows)


def findings(
    table: Table, rows: list[Row], validators: Sequence[LoadedStep]
) -> Iterator[tuple[str, Any, str]]:
    """
    Yield what validators say about rows of their version: the step's path, the key, the reason.

    Raises:
        BadRowError: a validator fails, or yields what is no pair of a row and a reason.
    """
    for one in validators:
        assert one.validate is not None
        with _blaming(f"the validator of {one.path}"):
            # A copy: what a validator does to the rows is not to become of consequence.
            found = list(one.validate(deepcopy(rows)) or ())
        for pair in found:
            try:
                row, reason = pair
                pk = row[table.columns.pk]
            except (TypeError, ValueError, KeyError) as error:
                raise BadRowError(
                    None,
                    f"the validator of {one.path} yielded {pair!r:.80}: it has to yield pairs of "
                    "a row and a reason",
                ) from error
            yield one.path, pk, " ".join(str(reason).split()).rstrip(".")


def in_transaction(table: Table, work: Callable[[], int], *, archive: Archive | None = None) -> int:
    """
    Return what ``work`` returns, done in a transaction that is done again if need be.

    What it writes into ``archive`` leaves it again when the transaction fails.
    """

    def whole() -> int:
        kept = archive.batch() if archive is not None else nullcontext()
        with kept, writing(table.model, table.using):
            return work()

    return patiently(table.using, whole)


def undone(table: Table, work: Callable[[], int]) -> int:
    """Return what ``work`` returns, and leave nothing of it in the database."""
    found = 0

    def whole() -> int:
        nonlocal found
        with suppress(_UndoError), writing(table.model, table.using):
            found = work()
            raise _UndoError
        return found

    return patiently(table.using, whole)


def with_culprit(
    table: Table, keys: Sequence[Any], error: Exception, again: Callable[[Sequence[Any]], int]
) -> BadRowError:
    """
    Return which row of a batch that failed is to blame, and why.

    ``again`` does the batch of some keys; each is tried alone, and nothing of it stays.

    Raises:
        DatabaseError: the one that came, when no row is to blame but the database or somebody else.
    """
    if isinstance(error, BadRowError) and error.pk is not None:
        return error
    if isinstance(error, DatabaseError) and (
        is_lock_timeout(error) or not connections[table.using].is_usable()
    ):
        raise error
    for key in keys:
        try:
            undone(table, lambda key=key: again([key]))  # type: ignore[misc]  # a default binds it
        except (BadRowError, DatabaseError) as own:
            return BadRowError(key, _reason(own))
    # Together they fail, and each alone does not: two that want the same value, say.
    among = f"one of the {len(keys)} rows from {keys[0]} to {keys[-1]}"
    return BadRowError(None, f"{among}: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, BadRowError):
        return error.reason
    return f"the database said: {one_line(error).rstrip('.')}"


def _image(table: Table, before: Row, after: Row, names: Iterable[str]) -> Image:
    columns = table.columns
    kept = columns.kept(before, [columns.pk, *names])
    pk = kept[columns.pk]
    return {
        "pk": pk,
        "before": {name: kept[name] for name in names},
        "after": columns.fingerprint(after),
    }


@contextmanager
def _blaming(whose: str) -> Iterator[None]:
    """Turn whatever the site's own code raises into what it is: a row that it cannot do."""
    try:
        yield
    except (DatabaseError, SystemOpsError):
        raise
    except Exception as error:
        text = "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        said = f"{type(error).__name__}: {' '.join(text.split())}".rstrip(".: ")
        raise BadRowError(None, f"{whose} raised {said}") from error
