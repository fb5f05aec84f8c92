"""A batch of rows: found out about together, written together, and taken apart where it fails."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import DataError, IntegrityError, transaction

from django_system_ops.services.importing.candidates import Candidate, Candidates
from django_system_ops.services.importing.existing import Keys, Uniques
from django_system_ops.services.importing.orders import Order
from django_system_ops.services.importing.problems import Problem, Rejected
from django_system_ops.services.importing.refusals import refusal_of
from django_system_ops.services.importing.writing import Writing

__all__ = ["Batches", "Outcome"]

# What the database says of the rows of a batch. Anything else ends the run.
_OF_ROWS = (IntegrityError, DataError, OverflowError)


@dataclass
class Outcome:
    """What became of the rows of a batch."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: list[Rejected] = field(default_factory=list)


class Batches:
    """
    Writes candidates whose foreign keys are found, inside a transaction of the caller.

    What leads to a row that did not come in does not come in either. That is decided here, since
    SQLite looks at foreign keys only at the commit, when no row can be told from another.
    """

    def __init__(self, order: Order, candidates: Candidates, kept: frozenset[str]) -> None:
        self._order, self._candidates = order, candidates
        self._keys = Keys(order) if order.key else None
        self._uniques = Uniques(order)
        # A key that the database keeps needs no look before: a row that is in the way is found
        # when the batch is refused, which is seldom.
        self._finds_out_by_writing = (
            self._keys is not None
            and self._keys.is_kept_by_database
            and order.on_conflict == "error"
        )
        self.writing = Writing(order, kept)

    def store(self, batch: Sequence[Candidate], outcome: Outcome) -> None:
        """Write the rows; what cannot be written is among the rejected of ``outcome``."""
        for part in self._parts(batch, outcome):
            self._store_part(part, outcome)

    def _parts(self, batch: Sequence[Candidate], outcome: Outcome) -> Iterator[list[Candidate]]:
        """Yield the rows of a batch, so that no key is twice in a part of it."""
        if self._keys is None or not batch or self._finds_out_by_writing:
            yield list(batch)
            return
        part: dict[Any, Candidate] = {}
        for candidate in batch:
            key = self._keys.of(candidate)
            if key is None:
                reason = "a part of the key is empty."
                attname = self._keys.missing(candidate)
                outcome.rejected.append(self._candidates.refused(candidate, attname, reason))
                continue
            if key in part:
                yield list(part.values())
                part = {}
            part[key] = candidate
        yield list(part.values())

    def _store_part(self, part: list[Candidate], outcome: Outcome) -> None:
        new, changes = self._told_apart(part, outcome)
        new = self._complete(new, outcome)
        outcome.created += self._try(new, self._insert, outcome)
        if changes:
            outcome.updated += self._try(changes, self.writing.update, outcome)

    def _told_apart(
        self, part: list[Candidate], outcome: Outcome
    ) -> tuple[list[Candidate], list[Candidate]]:
        """Return the rows that are new, and those that change one that is there."""
        is_error = self._order.on_conflict == "error"
        if self._keys is None or not part or self._finds_out_by_writing:
            return part, []
        found = self._keys.find(part)
        new, changes = [], []
        for candidate in part:
            there = found.get(self._keys.of(candidate) or (), [])
            if not there:
                new.append(candidate)
            elif is_error:
                outcome.rejected.append(self._taken(candidate, self._order.key[-1].attname))
            elif self._order.on_conflict == "skip":
                outcome.skipped += 1
            elif len(there) > 1:
                reason = f"{len(there)} rows have this key."
                attname = self._order.key[-1].attname
                outcome.rejected.append(self._candidates.refused(candidate, attname, reason))
            else:
                (candidate.existing,) = there
                changes.append(candidate)
        return new, changes

    def _complete(self, new: list[Candidate], outcome: Outcome) -> list[Candidate]:
        """Return the new rows that have all that a row needs."""
        good = []
        for candidate in new:
            missing = candidate.layout.missing
            if not missing:
                good.append(candidate)
                continue
            problems = [Problem(name, "", "it is missing, and has no default.") for name in missing]
            outcome.rejected.append(
                self._candidates.rejected(candidate.line, candidate.row, problems)
            )
        return good

    def _insert(self, rows: Sequence[Candidate]) -> int:
        self.writing.insert(rows)
        return len(rows)

    def _try(
        self,
        rows: list[Candidate],
        write: Callable[[Sequence[Candidate]], int],
        outcome: Outcome,
    ) -> int:
        """Write rows, without those that the database refuses, and return how many were."""
        rows = self._without_orphans(rows, outcome)
        count, error = self._attempt(rows, write)
        if error is None:
            return count
        if write == self._insert:
            rows = self._without_taken(rows, outcome)
        return self._bisect(rows, write, outcome)

    def _attempt(
        self, rows: Sequence[Candidate], write: Callable[[Sequence[Candidate]], int]
    ) -> tuple[int, Exception | None]:
        if not rows:
            return 0, None
        try:
            with transaction.atomic(using=self._order.using):
                count = write(rows)
                self._link(rows)
                self.writing.settle()
        except _OF_ROWS as error:
            return 0, error
        for one in rows:
            # A row that was there has its own key, whatever the file says.
            one.is_in = one.existing is None
        return count, None

    def _link(self, rows: Sequence[Candidate]) -> None:
        """Write the links of rows that are written."""
        if not any(one.links for one in rows):
            return
        keys = self._primary_keys(rows)
        for layout in {id(one.layout): one.layout for one in rows}.values():
            for cell in layout.links:
                assert cell.links is not None
                some = [one for one in rows if one.layout is layout]
                cell.links.write(
                    [(keys[id(one)], one.links[cell.attname]) for one in some],
                    is_change=some[0].existing is not None,
                )

    def _primary_keys(self, rows: Sequence[Candidate]) -> dict[int, Any]:
        attname = self._order.model._meta.pk.attname
        found = {id(one): one.existing or one.values.get(attname) for one in rows}
        unknown = [one for one in rows if found[id(one)] is None]
        if unknown:
            assert self._keys is not None, "a file with links and no key was refused"
            there = self._keys.find(unknown)
            for one in unknown:
                (found[id(one)],) = there[self._keys.of(one) or ()]
        return found

    def _without_orphans(self, rows: list[Candidate], outcome: Outcome) -> list[Candidate]:
        """Return the rows that lead to nothing of the file, or to what is in or comes with them."""
        if not any(one.leans_on for one in rows):
            return rows
        good: dict[int, Candidate] = {}
        for one in rows:
            if one.existing is None:
                good[id(one)] = one  # it may lead to itself
            lost = [it for it in one.leans_on if not it.is_in and id(it) not in good]
            if not lost:
                good[id(one)] = one
                continue
            good.pop(id(one), None)
            reason = f"it leads to the row of line {lost[0].line}, which is not in under this key."
            outcome.rejected.append(
                self._candidates.rejected(one.line, one.row, [Problem("", "", reason)])
            )
        return list(good.values())

    def _without_taken(self, rows: list[Candidate], outcome: Outcome) -> list[Candidate]:
        taken = self._uniques.taken(rows)
        outcome.rejected += [self._taken(rows[place], name) for place, name in taken.items()]
        return [one for place, one in enumerate(rows) if place not in taken]

    def _bisect(
        self,
        rows: list[Candidate],
        write: Callable[[Sequence[Candidate]], int],
        outcome: Outcome,
    ) -> int:
        rows = self._without_orphans(rows, outcome)
        count, error = self._attempt(rows, write)
        if error is None:
            return count
        if len(rows) == 1:
            reason = refusal_of(error, self._order)
            (one,) = rows
            outcome.rejected.append(
                self._candidates.rejected(one.line, one.row, [Problem("", "", reason)])
            )
            return 0
        half = len(rows) // 2
        return self._bisect(rows[:half], write, outcome) + self._bisect(rows[half:], write, outcome)

    def _taken(self, candidate: Candidate, attname: str) -> Rejected:
        return self._candidates.refused(candidate, attname, "another row has it already.")
