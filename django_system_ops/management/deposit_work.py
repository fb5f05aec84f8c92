"""What backup_data and restore_backup do with a repository of restic."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils import timezone

from django_system_ops.exceptions import BackupError, NotTriedError
from django_system_ops.management import deposit_output
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.making import Order
from django_system_ops.services.backups.restic.deposits import Deposit, Deposits, Entry
from django_system_ops.services.backups.restic.fetching import PARTS, deposit_problems, fetched
from django_system_ops.services.backups.restic.making import make_deposit
from django_system_ops.services.backups.restic.repository import Repository
from django_system_ops.services.backups.restoration import verify

__all__ = ["DepositWork", "Done"]


@dataclass
class Done:
    """
    What was done: a document and lines.

    Attributes:
        bad: why the newest backup cannot be relied on; "" where it can.
        findings: what is not in it.
    """

    document: dict[str, Any]
    lines: list[str]
    counters: dict[str, int] = field(default_factory=dict)
    backup: str = ""
    bad: str = ""
    findings: Sequence[str] = ()


@dataclass(frozen=True)
class DepositWork:
    """The repository, and the directory that has what a run needs beside it."""

    repository: Repository
    path: Path
    check: Callable[[], None]

    def show(self) -> Done:
        """Show the backups."""
        everybodys = Deposits(self.repository).all_entries()
        found = [one for one in everybodys if one.is_ours]
        document, lines = deposit_output.listed(found, now=timezone.now())
        others = sorted({one.facts.get("site", "?") for one in everybodys if not one.is_ours})
        if others:
            lines.append(
                f"{len(everybodys) - len(found)} more are of other sites: {', '.join(others)}."
            )
        return Done({"backups": document}, lines, {"backups": len(found)})

    def prune(self, *, newest: int | None, dry_run: bool) -> Done:
        """Remove what is too old."""
        old, halves = self._tidy(newest=newest, dry_run=dry_run)
        document, lines = deposit_output.removed(old, halves, dry_run=dry_run)
        verb = "would be removed" if dry_run else "removed"
        return Done(document, [*lines, f"{len(old)} backups {verb}."], {"removed": len(old)})

    def plan(self, orders: Sequence[Order]) -> Done:
        """Say what would be done."""
        parts = [part for order in orders for part in order.parts]
        lines = []
        for order in orders:
            whose = f" of the tenant {order.tenant}" if order.tenant else ""
            lines.append(f"Would back up {', '.join(order.parts)}{whose} into the repository.")
        old, halves = self._tidy(newest=None, dry_run=True)
        document, words = deposit_output.removed(old, halves, dry_run=True)
        return Done({"dry_run": True, "parts": parts, **document}, [*lines, *words])

    def back_up(self, orders: Sequence[Order], *, verify_how: str | None, wait: float) -> Done:
        """Make backups, look at them, and remove what is too old then."""
        directory = BackupDirectory.opened(self.path, create=True)
        documents: list[dict[str, Any]] = []
        lines: list[str] = []
        problems: list[str] = []
        findings: list[str] = []
        size, last = 0, ""
        with directory.at_work(wait_seconds=wait):
            for order in orders:
                deposit = make_deposit(
                    Deposits(self.repository),
                    directory,
                    order,
                    now=timezone.now(),
                    check=self.check,
                )
                document, words = deposit_output.deposited(deposit)
                found: list[str] = []
                if verify_how:
                    deposits = Deposits(self.repository)
                    entry = deposits.found(deposit.id)
                    found = self.verify(directory, deposits, entry, verify_how, "")
                    document["verified"] = {"how": verify_how, "problems": found}
                documents.append(document)
                lines += [*words, *found]
                problems += found
                findings += _findings(deposit)
                size, last = size + deposit.bytes, deposit.id
            # One that proves bad is no reason to let go of those before it.
            old, halves = ([], []) if problems else self._tidy(newest=None, dry_run=False)
        more, words = deposit_output.removed(old, halves, dry_run=False)
        first = documents[0] if len(documents) == 1 else {"backups": documents}
        return Done(
            {**first, **more},
            [*lines, *words],
            {"bytes": size},
            backup=last,
            bad=problems[0] if problems else "",
            findings=findings,
        )

    def verify(
        self, directory: BackupDirectory, deposits: Deposits, entry: Entry, how: str, alias: str
    ) -> list[str]:
        """
        Return what is wrong with a backup, and write down that it was looked at.

        Raises:
            As :func:`django_system_ops.services.backups.restoration.verify`.
        """
        deposit = deposits.deposit(entry)
        if how == "hash":
            problems = deposit_problems(deposits, entry, deposit, self.check)
        else:
            problems = self._try_out(directory, deposits, entry, deposit, alias)
        deposits.note_verified(entry, how, ok=not problems)
        return problems

    def _try_out(
        self,
        directory: BackupDirectory,
        deposits: Deposits,
        entry: Entry,
        deposit: Deposit,
        alias: str,
    ) -> list[str]:
        # What is fetched is compared on the way: it is read once.
        try:
            self.repository.check(self.check)
            with fetched(deposits, entry, deposit, directory, self.check, parts=PARTS) as here:
                return verify(
                    here.directory,
                    here.manifest,
                    "restore",
                    key=here.key,
                    now=timezone.now(),
                    alias=alias,
                    check=self.check,
                )
        except NotTriedError:
            raise
        except BackupError as error:
            return [str(error)]

    def _tidy(self, *, newest: int | None, dry_run: bool) -> tuple[list[str], list[str]]:
        deposits = Deposits(self.repository)
        old, halves = deposits.expired(now=timezone.now(), newest=newest)
        if not dry_run:
            deposits.remove([*old, *halves], self.check)
        return old, halves


def _findings(deposit: Deposit) -> Sequence[str]:
    media = deposit.media.problems if deposit.media else []
    return [*deposit.notes, *media, *(deposit.rows.warnings if deposit.rows else [])]
