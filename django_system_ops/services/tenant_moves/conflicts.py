"""Rows whose place is taken in the other tenant: refused, adopted, or given another name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django_system_ops.engine.row_values import numbered
from django_system_ops.exceptions import TenantMoveError
from django_system_ops.services.tenant_moves.collecting import Refusals
from django_system_ops.services.tenant_moves.graphs import Node
from django_system_ops.services.tenant_moves.identities import (
    Identity,
    identities_of,
    match_text,
)
from django_system_ops.services.tenant_moves.journal import Journal
from django_system_ops.services.tenant_moves.places import Occupied

__all__ = ["Conflicts", "Settled"]

_MOST_NUMBERS = 10_000


@dataclass
class Settled:
    """
    What becomes of a page of rows.

    Attributes:
        adopted: rows of the target in place of a copy, by the places of the rows.
        renamed: columns that got another value, by the places of the rows.
        refused: sentences about rows for which there is no way.
    """

    adopted: dict[int, Any] = field(default_factory=dict)
    renamed: dict[int, dict[str, str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


class Conflicts:
    """
    Settles what is twice, as ``--on-conflict`` says.

    With ``is_move`` a row is not in its own way: it will be where it is.
    """

    def __init__(
        self, wish: str, occupied: Occupied, journal: Journal, *, is_move: bool = False
    ) -> None:
        self._wish, self._occupied, self._journal = wish, occupied, journal
        self._is_move = is_move
        #: Whether rows of the other tenant may be used in place of copies.
        self.adopts = wish in ("skip", "update")

    def look_ahead(
        self,
        node: Node,
        keys: Sequence[str],
        wanted: Sequence[Mapping[str, Any]],
        refusals: Refusals,
    ) -> dict[int, Any]:
        """
        Refuse what has no way before any row is written, and return what is adopted.

        In ``wanted`` the columns are missing that point at what has no copy yet.
        Who adopts whom is known before: what a row of the other tenant has can be the same only
        where it points at nothing of a tenant's, or at what was copied or adopted already.
        """
        if self.adopts:
            settled = Settled()
            self._settle_page(node, keys, [dict(values) for values in wanted], settled)
            refusals.add(settled.refused)
            return settled.adopted
        for identity in identities_of(node):
            if self._wish != "rename" or not identity.text_column:
                found = self._find(identity, keys, wanted)
                refusals.add([self._sentence(identity, keys[n], wanted[n]) for n in found])
        refusals.add(self._other_kinds(node, keys, wanted, {}))
        return {}

    def settle(self, node: Node, keys: Sequence[str], wanted: Sequence[dict[str, Any]]) -> Settled:
        """
        Return what becomes of rows whose place is taken; renamed ones are changed in ``wanted``.

        Raises:
            TenantMoveError: it cannot be settled as it was wished.
        """
        settled = Settled()
        self._settle_page(node, keys, wanted, settled)
        if settled.refused:
            raise TenantMoveError(f"{settled.refused[0]}.")
        return settled

    def _settle_page(
        self, node: Node, keys: Sequence[str], wanted: Sequence[dict[str, Any]], settled: Settled
    ) -> None:
        for identity in identities_of(node):
            found = self._find(identity, keys, wanted)
            # A row that is adopted by one key is not asked for by another.
            found = {n: key for n, key in found.items() if n not in settled.adopted}
            if not found:
                continue
            if self._wish == "rename" and identity.text_column:
                self._rename(identity, keys, wanted, set(found), settled)
            elif self.adopts:
                self._adopt(identity, keys, wanted, found, settled)
            else:
                settled.refused += [self._sentence(identity, keys[n], wanted[n]) for n in found]
        settled.refused += self._other_kinds(node, keys, wanted, settled.adopted)

    def _find(
        self, identity: Identity, keys: Sequence[str], wanted: Sequence[Mapping[str, Any]]
    ) -> dict[int, Any]:
        found = self._occupied.find(identity, wanted)
        if self._is_move:
            return {n: key for n, key in found.items() if str(key) != keys[n]}
        if found and identity.is_key:
            # Two rows of one key here are two there: a copy is nobody's place.
            copies = self._journal.copies(identity.node.model, found.values())
            found = {n: key for n, key in found.items() if str(key) not in copies}
        return found

    def _adopt(
        self,
        identity: Identity,
        keys: Sequence[str],
        wanted: Sequence[Mapping[str, Any]],
        found: Mapping[int, Any],
        settled: Settled,
    ) -> None:
        theirs = self._occupied.theirs(identity.node, list(found.values()))
        copies = self._journal.copies(identity.node.model, found.values())
        taken = {str(key) for key in settled.adopted.values()} | copies
        parents = [link.name for link in identity.node.links if link.is_inherited]
        for n, key in found.items():
            # The parts of a row are one row there too.
            is_torn = any(wanted[n].get(name) != key for name in parents)
            if key not in theirs or str(key) in taken or is_torn:
                settled.refused.append(self._sentence(identity, keys[n], wanted[n]))
                continue
            settled.adopted[n] = key
            taken.add(str(key))

    def _other_kinds(
        self,
        node: Node,
        keys: Sequence[str],
        wanted: Sequence[Mapping[str, Any]],
        adopted: Mapping[int, Any],
    ) -> list[str]:
        """Name the rows whose parent is one of the other tenant's, which has not this part."""
        if self._is_move:
            return []
        found = []
        for link in node.links:
            if not link.is_inherited:
                continue
            parents = {
                n: values[link.name]
                for n, values in enumerate(wanted)
                if n not in adopted and values.get(link.name) is not None
            }
            theirs = self._journal.adopted(link.target, parents.values()) if parents else set()
            found += [
                f"{node.label} {keys[n]}: {link.target._meta.label} {key} of the other tenant has "
                f"its place, and is no {node.label}: change one of them yourself"
                for n, key in parents.items()
                if str(key) in theirs
            ]
        return found

    def _rename(
        self,
        identity: Identity,
        keys: Sequence[str],
        wanted: Sequence[dict[str, Any]],
        places: set[int],
        settled: Settled,
    ) -> None:
        name = identity.text_column
        longest = identity.node.model._meta.get_field(name).max_length  # type: ignore[union-attr]
        originals = {n: str(wanted[n][name]) for n in places}
        used = {
            self._occupied.same(identity, values)
            for n, values in enumerate(wanted)
            if n not in places
        }
        numbers = dict.fromkeys(places, 1)
        open_places = set(places)
        while open_places:
            for n in sorted(open_places):
                same: tuple[Any, ...] | None = None
                while same is None or same in used:
                    numbers[n] += 1
                    if numbers[n] > _MOST_NUMBERS:
                        raise TenantMoveError(
                            f"{identity.node.label}: no number at the end of {originals[n]!r} is "
                            "free. Rename one of the rows yourself."
                        )
                    try:
                        wanted[n][name] = numbered(originals[n], numbers[n], longest)
                    except ValueError as error:
                        raise TenantMoveError(f"{identity}: {error}") from error
                    same = self._occupied.same(identity, wanted[n])
                used.add(same)
            some = sorted(open_places)
            taken = self._find(identity, [keys[n] for n in some], [wanted[n] for n in some])
            open_places = {some[place] for place in taken}
        for n in places:
            settled.renamed.setdefault(n, {})[name] = originals[n]

    def _sentence(self, identity: Identity, key: str, values: Mapping[str, Any]) -> str:
        what = match_text([values[name] for name in identity.columns])
        ways = ["--on-conflict=rename"] if identity.text_column and self._wish != "rename" else []
        if identity.is_everywhere:
            text = f"{identity} is unique over all tenants, and {identity.node.label} {key} has it"
            ways.append("--mode=move")
        else:
            text = f"{identity.node.label} {key}: the other tenant has {identity} = {what} already"
            if self._wish == "error":
                ways += ["--on-conflict=skip", "--on-conflict=update"]
        ending = f": use {' or '.join(ways)}" if ways else ": change one of them yourself"
        return text + ending
