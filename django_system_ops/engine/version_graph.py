"""Versions that are numbers with dots between them, and the steps that lead from one to another."""

import re
from collections.abc import Iterable, Sequence

__all__ = ["VersionGraph", "version_key"]

_VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})*", re.ASCII)


def version_key(text: str) -> tuple[int, ...]:
    """
    Return what a version is compared by: 1.10 comes after 1.9, and 2 is the same as 2.0.

    Raises:
        ValueError: it is no number, and no numbers with dots between them.
    """
    if not _VERSION.fullmatch(text):
        raise ValueError(
            f"{text!r} is no version: write numbers with dots between them, such as '2.0'"
        )
    numbers = [int(part) for part in text.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


class VersionGraph:
    """
    Which version leads to which, always upwards.

    Where :meth:`ambiguity` has nothing to say, at most one way leads from one to another.

    Attributes:
        versions: all that are known, the oldest first.
    """

    def __init__(self, edges: Iterable[tuple[str, str]]) -> None:
        """
        Take the steps, each as the versions before and after it.

        Raises:
            ValueError: one does not go upwards, or a version is none or is written in two ways.
        """
        self._ups: dict[str, list[str]] = {}
        spellings: dict[tuple[int, ...], str] = {}
        for edge in edges:
            _require_upwards(*edge, spellings)
            self._ups.setdefault(edge[0], []).append(edge[1])
            self._ups.setdefault(edge[1], [])
        self.versions: Sequence[str] = tuple(sorted(self._ups, key=version_key))

    def path(self, start: str, target: str) -> tuple[str, ...] | None:
        """Return the versions from ``start`` to ``target``, with both; None without a way."""
        ways = self._ways(start)
        if target not in ways:
            return None
        found = [target]
        while found[-1] != start:
            found.append(ways[found[-1]])
        return tuple(reversed(found))

    def reachable(self, start: str) -> set[str]:
        """Return the versions that ways from ``start`` lead to, with itself if it is known."""
        return set(self._ways(start))

    def spelled(self, text: str) -> str | None:
        """Return the known version that ``text`` means: 2.0 for 2; None if there is none."""
        key = version_key(text)
        return next((one for one in self.versions if version_key(one) == key), None)

    def described(self) -> str:
        """Return what is known, for a sentence: ``1.0 > 1.1, 1.1 > 2.0``."""
        return ", ".join(f"{one} > {up}" for one in self.versions for up in self._ups[one])

    def ambiguity(self) -> str:
        """Return where two ways lead from one version to another, or nothing."""
        for start in self.versions:
            before = {start: start}
            waiting = [start]
            while waiting:
                current = waiting.pop()
                for up in self._ups[current]:
                    if up in before:
                        return (
                            f"two ways lead from {start} to {up}, one by {before[up]} and one by "
                            f"{current}: take a step out (there are {self.described()})"
                        )
                    before[up] = current
                    waiting.append(up)
        return ""

    def _ways(self, start: str) -> dict[str, str]:
        """Return each version that can be got to, with the one before it."""
        if start not in self._ups:
            return {}
        ways, waiting = {start: start}, [start]
        while waiting:
            current = waiting.pop()
            for up in self._ups[current]:
                if up not in ways:
                    ways[up] = current
                    waiting.append(up)
        return ways


def _require_upwards(before: str, after: str, spellings: dict[tuple[int, ...], str]) -> None:
    for text in (before, after):
        known = spellings.setdefault(version_key(text), text)
        if known != text:
            raise ValueError(f"{known!r} and {text!r} are one version: write it in one way")
    if version_key(after) <= version_key(before):
        raise ValueError(
            f"a step leads from {before} to {after}: it has to lead to a newer version"
        )
