"""Back up the site."""

from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from django_opskit.commands import ExitStatus, FindingsError, UsageError
from django_system_ops.conf import get_conf
from django_system_ops.exceptions import BackupError
from django_system_ops.management.backup_output import copied, described, listed, tidied
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.management.deposit_work import DepositWork
from django_system_ops.services.backups.catalogue import entries
from django_system_ops.services.backups.copies import Copies, Sent
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.keys import key_for_reading, key_for_writing
from django_system_ops.services.backups.making import TYPES, Order, make_backup
from django_system_ops.services.backups.manifests import Manifest
from django_system_ops.services.backups.restic.repository import Repository
from django_system_ops.services.backups.restoration import VERIFICATIONS, verify
from django_system_ops.services.backups.tenant_rows import names_of
from django_system_ops.services.backups.tidying import Tidied, tidy

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """``backup_data``: see its help."""

    help = (
        "Back up the database, the media files and the configuration: compressed, encrypted, and "
        "there only when it is whole. After a success backups that are too old go. Exit status 3 "
        "when some media file could not be read, or a tenant's rows may not be all."
    )
    changes_data = True
    takes_lock = True
    has_tenant = True
    has_database = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--type",
            choices=TYPES,
            default="all",
            help="What: incremental is the media files that are new and the whole database "
            "(default: %(default)s).",
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="DIR",
            help="The directory of the backups; by default that of the settings, or their "
            "repository of restic.",
        )
        parser.add_argument(
            "--verify",
            choices=VERIFICATIONS,
            help="Look at the new backup: hash reads it again, restore tries it out.",
        )
        only = parser.add_mutually_exclusive_group()
        only.add_argument("--list", action="store_true", help="Show the backups, and make none.")
        only.add_argument("--prune", action="store_true", help="Remove old backups, and make none.")
        parser.add_argument(
            "--keep",
            type=_count,
            metavar="N",
            help="With --prune: the newest N of each kind stay, and all others go.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the work under the lock; looking needs none."""
        if options.get("list"):
            options["no_lock"] = True
        super().handle(*args, **options)

    def lock_keys(self, **options: Any) -> list[str]:
        """Return one for all tenants: their backups are in one directory."""
        return ["backup_data"]

    def perform(self, **options: Any) -> None:
        """Do what was asked for."""
        path = options.get("output") or get_conf().backup_path
        if options.get("keep") and not options.get("prune"):
            raise UsageError("--keep goes with --prune.")
        repository = None if options.get("output") else Repository.configured()
        if repository is not None:
            self._deposit(DepositWork(repository, path.absolute(), self.check_lock), **options)
        elif options.get("list"):
            self._list(path.absolute())
        elif options.get("prune"):
            self._prune(path.absolute(), **options)
        elif options.get("dry_run"):
            self._plan(path.absolute(), **options)
        else:
            self._back_up(path.absolute(), **options)

    def _deposit(self, work: DepositWork, *, wait_lock: float, **options: Any) -> None:
        if options.get("list"):
            done = work.show()
        elif options.get("prune"):
            done = work.prune(newest=options["keep"], dry_run=options["dry_run"])
        elif options.get("dry_run"):
            done = work.plan(_orders(options))
        else:
            how = options.get("verify")
            done = work.back_up(_orders(options), verify_how=how, wait=wait_lock)
        self.counters = done.counters
        self.result(done.document, *done.lines)
        self._judge(done.backup, [done.bad] if done.bad else [], None, list(done.findings))

    def _list(self, path: Path) -> None:
        found = []
        if path.exists():
            directory = BackupDirectory.opened(path, create=False)
            found = entries(directory, key_for_reading(required=False))
        self.counters = {"backups": sum(one.manifest is not None for one in found)}
        document, lines = listed(found, now=timezone.now())
        storage, words = copied(_copies_there(), [one.id for one in found])
        self.result({"directory": path, "backups": document, "storage": storage}, *lines, *words)

    def _prune(
        self, path: Path, *, keep: int | None, dry_run: bool, wait_lock: float, **options: Any
    ) -> None:
        directory = BackupDirectory.opened(path, create=False)
        with directory.at_work(wait_seconds=wait_lock):
            gone, copies = self._tidy(directory, newest=keep, dry_run=dry_run)
        self.counters = {"removed": len(gone.expired)}
        document, lines = tidied(gone, copies, dry_run=dry_run)
        self.result(document, *lines, f"{len(gone.expired)} backups {_verb(dry_run)}.")

    def _plan(self, path: Path, **options: Any) -> None:
        key = key_for_writing()
        document: dict[str, Any] = {"dry_run": True, "directory": path, "parts": []}
        lines = []
        for order in _orders(options):
            document["parts"] += order.parts
            whose = f" of the tenant {order.tenant}" if order.tenant else ""
            parts = ", ".join(order.parts)
            lines.append(f"Would back up {parts}{whose} into {path}, {_sealed(key)}.")
        if path.exists():
            directory = BackupDirectory.opened(path, create=False)
            more, words = tidied(*self._tidy(directory, dry_run=True), dry_run=True)
            document, lines = {**document, **more}, [*lines, *words]
        self.result(document, *lines)

    def _back_up(self, path: Path, *, wait_lock: float, **options: Any) -> None:
        key, how = key_for_writing(), options.get("verify")
        directory = BackupDirectory.opened(path, create=True)
        made, lines, problems = [], [], []
        with directory.at_work(wait_seconds=wait_lock):
            for order in _orders(options):
                manifest = make_backup(
                    directory, order, key=key, now=timezone.now(), check=self.check_lock
                )
                document, words = described(directory, manifest)
                found = []
                if how:
                    found = verify(directory, manifest, how, key=key, now=timezone.now())
                    document["verified"] = {"how": how, "problems": found}
                made.append((manifest, document))
                lines += [*words, *found]
                problems += found
            # One that proves bad, or has no copy, is no reason to let go of those before it.
            sent = failure = gone = None
            if not problems:
                sent, failure = self._send(directory)
            if not problems and not failure:
                gone = self._tidy(directory)
        more, words = tidied(*gone, dry_run=False) if gone else ({}, [])
        if sent:
            more["copied"] = {"storage": get_conf().backup.storage, **vars(sent)}
            if sent.ids:
                words.insert(0, f"Copied to {get_conf().backup.storage}: {', '.join(sent.ids)}.")
        self.counters = {"bytes": sum(one.stored_bytes for one, _ in made)}
        documents = [document for _, document in made]
        first = documents[0] if len(documents) == 1 else {"backups": documents}
        self.result({**first, **more}, *lines, *words)
        findings = [*(sent.problems if sent else ())]
        findings += [one for manifest, _ in made for one in _findings(manifest)]
        self._judge(made[-1][0].id, problems, failure, findings)

    def _send(self, directory: BackupDirectory) -> tuple[Sent | None, str]:
        """Send what has no copy yet; return that, or why it could not be."""
        try:
            copies = Copies.configured()
            return (copies.catch_up(directory, self.check_lock) if copies else None), ""
        except BackupError as error:
            return None, str(error)

    def _tidy(
        self, directory: BackupDirectory, *, newest: int | None = None, dry_run: bool = False
    ) -> tuple[Tidied, list[str]]:
        now, copies = timezone.now(), Copies.configured()
        # The copies first, by what is known of the backups that they are of.
        gone = []
        if copies:
            gone = copies.tidy(directory, now=now, newest_kept=newest, dry_run=dry_run)
        return tidy(directory, now=now, newest=newest, dry_run=dry_run), gone

    def _judge(
        self, backup: str, problems: list[str], failure: str | None, findings: list[str]
    ) -> None:
        if problems:
            raise CommandError(
                f"The backup {backup} is bad: {problems[0]}", returncode=ExitStatus.FAILED
            )
        if failure:
            raise CommandError(
                f"The backup {backup} is there, and has no copy: {failure} The next backup tries "
                "again.",
                returncode=ExitStatus.FAILED,
            )
        if findings:
            raise FindingsError(f"The backup is there, but: {findings[0]}")


def _findings(manifest: Manifest) -> list[str]:
    media = manifest.media.problems if manifest.media else []
    return [*manifest.notes, *media, *(manifest.rows.warnings if manifest.rows else [])]


def _copies_there() -> list[str] | str | None:
    """Return the ids of the copies, why they are not known, or None where none are kept."""
    try:
        copies = Copies.configured()
        return copies.ids() if copies else None
    except BackupError as error:
        return str(error)


def _orders(options: dict[str, Any]) -> list[Order]:
    """Return what is to be backed up: all in one, or one for each tenant that is named."""
    type, alias = options["type"], options["database"]
    if not (tenants := names_of(options.get("tenant") or "")):
        return [Order(type, alias)]
    if type not in ("all", "database"):
        raise UsageError(f"--type={type} cannot be had for one tenant: leave it out.")
    return [Order(type, alias, tenant) for tenant in tenants]


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def _verb(dry_run: bool) -> str:
    return "would be removed" if dry_run else "removed"


def _sealed(key: Any) -> str:
    if key and (recipients := get_conf().backup.recipients):
        return f"encrypted for {len(recipients)} recipients of age"
    return f"encrypted with the key {key.id}" if key else "not encrypted"
