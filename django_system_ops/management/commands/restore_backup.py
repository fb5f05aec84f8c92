"""Restore a backup, or try whether it could be."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connections
from django.utils import timezone

from django_opskit.commands import ExitStatus, UsageError
from django_system_ops.conf import get_conf
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.management.deposit_work import DepositWork
from django_system_ops.sealing import Key
from django_system_ops.services import history
from django_system_ops.services.backups.catalogue import found
from django_system_ops.services.backups.copies import Copies
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.keys import key_for_reading
from django_system_ops.services.backups.manifests import DatabaseFacts, Manifest, read_manifest
from django_system_ops.services.backups.recipients import unseal_key
from django_system_ops.services.backups.restic.deposits import Deposit, Deposits, site_name
from django_system_ops.services.backups.restic.fetching import fetched
from django_system_ops.services.backups.restic.repository import Repository
from django_system_ops.services.backups.restoration import (
    VERIFICATIONS,
    Restored,
    restore,
    verify,
    write_rows,
)
from django_system_ops.services.backups.restoring import Target

__all__ = ["Command"]

_WHAT_TO_ASK = (
    "Say what is to become of the backup: --verify=hash or --verify=restore looks at it, --into "
    "NAME restores it beside the live database, --into-live in its place, --media-to DIR "
    "restores the media files, and --rows-to FILE the rows of a tenant."
)


class Command(SystemOpsCommand):
    """``restore_backup``: see its help."""

    help = (
        "Restore a backup beside the live database, compare it with what was backed up, and only "
        "with --into-live let the two change places; what was live stays under another name."
    )
    changes_data = True
    # The live database may make way, and the lock that is in it: the one of the directory holds.
    takes_lock = False
    path_arguments = frozenset({"into"})

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("backup", help="The id of the backup, or latest.")
        parser.add_argument("--verify", choices=VERIFICATIONS, help="Look at it, and no more.")
        into = parser.add_mutually_exclusive_group()
        into.add_argument(
            "--into", default="", metavar="NAME", help="A database that is not there, or a file."
        )
        into.add_argument(
            "--into-live", action="store_true", help="Let it take the place of the live database."
        )
        parser.add_argument("--media-to", type=Path, metavar="DIR", help="For the media files.")
        parser.add_argument(
            "--rows-to", type=Path, metavar="FILE", help="For the rows of a tenant's backup."
        )
        parser.add_argument(
            "--directory",
            type=Path,
            metavar="DIR",
            help="The directory of the backups; that of the settings by default.",
        )
        parser.add_argument(
            "--from-storage",
            action="store_true",
            help="Fetch it first from the storage that has the copies.",
        )
        parser.add_argument(
            "--database",
            default="",
            metavar="ALIAS",
            help="Which of the site's databases; by default the one that was backed up.",
        )
        parser.add_argument(
            "--disconnect-others",
            action="store_true",
            help="With --into-live on PostgreSQL: throw out who is connected.",
        )
        parser.add_argument(
            "--identity",
            type=Path,
            metavar="FILE",
            help="Of age: opens a backup that was made for its owner.",
        )
        parser.add_argument(
            "--allow-unencrypted",
            action="store_true",
            help="Restore a backup that is not encrypted on a site whose backups are.",
        )
        parser.add_argument(
            "--no-owner",
            action="store_true",
            help="On PostgreSQL: everything belongs to this user, and grants are left out.",
        )
        parser.add_argument(
            "--wait-lock",
            type=float,
            default=0.0,
            metavar="SECONDS",
            help="How long to wait while a backup is made; by default not at all.",
        )

    def perform(self, *, directory: Path | None = None, **options: Any) -> None:
        """Do what was asked for."""
        how, wanted = options.get("verify"), _wanted(options)
        if wanted is None and not how:
            raise UsageError(_WHAT_TO_ASK)
        if wanted is not None and how:
            raise UsageError(
                "--verify restores nothing: leave out --into, --into-live, --media-to."
            )
        if (alias := options.get("database") or "") and alias not in connections:
            raise UsageError(f"--database {alias!r}: there is no such one.")
        path = (directory or get_conf().backup_path).absolute()
        if directory is None and (repository := Repository.configured()) is not None:
            if options.get("from_storage"):
                raise UsageError("--from-storage: the backups are in a repository of restic.")
            work = DepositWork(repository, path, self.check_lock)
            self._from_repository(work, wanted or "", alias, options)
        else:
            self._from_directory(path, wanted, alias, options)

    def _from_directory(
        self, path: Path, wanted: str | None, alias: str, options: Mapping[str, Any]
    ) -> None:
        how = options.get("verify")
        there = BackupDirectory.opened(path, create=bool(options.get("from_storage")))
        with there.at_work(wait_seconds=options.get("wait_lock") or 0.0):
            # The hashes of what is on the disk say enough without a key.
            key = key_for_reading(required=how != "hash")
            meant = {"part": wanted or "", "alias": alias}
            copies = _copies() if options.get("from_storage") else None
            manifest = (
                copies.manifest(options["backup"], key, **meant)
                if copies
                else found(there, options["backup"], key, **meant)
            )
            if not how:
                _require_fitting(manifest, path, alias, options)
            if copies and not options.get("dry_run"):
                with_media = wanted in (None, "media") or bool(options.get("media_to"))
                copies.fetch(manifest, there, self.check_lock, with_media=with_media)
            if manifest.key is not None and how != "hash" and not options.get("dry_run"):
                key = _key_of(there, manifest, options.get("identity"))
                manifest = read_manifest(there.place(manifest.id), key)
            if how:
                self._verify(there, manifest, how, key, alias)
            elif options.get("dry_run"):
                self._plan(manifest, **options)
            else:
                self._restore(there, manifest, key, alias, options)

    def _from_repository(
        self, work: DepositWork, wanted: str, alias: str, options: Mapping[str, Any]
    ) -> None:
        there, how = BackupDirectory.opened(work.path, create=True), options.get("verify")
        with there.at_work(wait_seconds=options.get("wait_lock") or 0.0):
            deposits = Deposits(work.repository)
            entry = deposits.found(options["backup"], part=wanted, alias=alias)
            if how:
                self._tell(entry.id, how, work.verify(there, deposits, entry, how, alias))
                return
            deposit = deposits.deposit(entry)
            _require_own_place(deposit.id, deposit.database, alias, options)
            if options.get("into_live") and not entry.is_ours:
                raise UsageError(
                    f"The backup {entry.id} is of the site {entry.facts.get('site')!r}, and this "
                    f"is {site_name()!r}. Restore it with --into NAME; if it is this site's under "
                    "another name, say so in MANAGEMENT_COMMANDS['backup']['restic']['site']."
                )
            if options.get("dry_run"):
                self._plan(deposit, **options)
                return
            parts = frozenset({wanted, "media"} if options.get("media_to") else {wanted})
            with fetched(deposits, entry, deposit, there, self.check_lock, parts=parts) as here:
                self._restore(here.directory, here.manifest, here.key, alias, options)

    def _verify(
        self, there: BackupDirectory, manifest: Manifest, how: str, key: Key | None, alias: str
    ) -> None:
        self._tell(
            manifest.id,
            how,
            verify(there, manifest, how, key=key, now=timezone.now(), alias=alias),
        )

    def _tell(self, backup: str, how: str, problems: list[str]) -> None:
        whole = "restores" if how == "restore" else "is what was written"
        self.result(
            {"id": backup, "how": how, "ok": not problems, "problems": problems},
            *(problems or [f"Backup {backup} {whole}."]),
        )
        if problems:
            raise CommandError(
                f"The backup {backup} is bad: {problems[0]}", returncode=ExitStatus.FAILED
            )

    def _plan(self, manifest: Manifest | Deposit, **options: Any) -> None:
        made = manifest.created_at.isoformat(timespec="seconds")
        of = f" ({manifest.database.alias})" if manifest.database else ""
        lines = [f"Would restore the backup {manifest.id} of {made}{of}."]
        if options["into_live"]:
            lines.append("The live database would stay under another name.")
        self.result({"dry_run": True, "manifest": manifest.model_dump(mode="json")}, *lines)

    def _restore(
        self,
        there: BackupDirectory,
        manifest: Manifest,
        key: Key | None,
        alias: str,
        options: Mapping[str, Any],
    ) -> None:
        target = Target(
            backup=manifest.id,
            into=options["into"],
            into_live=options["into_live"],
            disconnect_others=options["disconnect_others"],
            with_owners=not options["no_owner"],
        )
        if path := options["rows_to"]:
            rows = write_rows(there, manifest, path.absolute(), key=key)
            self.result({"id": manifest.id, "rows": rows}, f"{rows} rows are in {path}.")
            return
        media_to, now = options["media_to"], timezone.now()
        done = restore(there, manifest, target, key=key, now=now, alias=alias, media_to=media_to)
        if target.into_live and manifest.database is not None:
            history.settle_restored(manifest.id, using=alias or manifest.database.alias)
        self.counters = {"rows": done.rows, "media": done.media}
        self.result({"id": manifest.id, **asdict(done)}, *_lines(manifest, done, options))


def _key_of(there: BackupDirectory, manifest: Manifest, identity: Path | None) -> Key:
    if identity is None:
        raise UsageError(
            f"The backup {manifest.id} was made for recipients of age: add --identity FILE, the "
            "file of one of them."
        )
    assert manifest.key is not None
    return unseal_key(there.place(manifest.id) / manifest.key.name, identity)


def _copies() -> Copies:
    copies = Copies.configured()
    if copies is None:
        raise UsageError(
            "--from-storage: the site keeps no copies. Name their storage in "
            "MANAGEMENT_COMMANDS['backup']['storage']."
        )
    return copies


def _require_fitting(
    manifest: Manifest, path: Path, alias: str, options: Mapping[str, Any]
) -> None:
    """Refuse what anybody could have written, and what belongs in another place."""
    is_open = get_conf().backup.encryption and not manifest.is_encrypted
    if is_open and not options.get("allow_unencrypted"):
        raise UsageError(
            f"The backup {manifest.id} is not encrypted, and this site's are: anybody who can "
            f"write into {path} could have made it. If you know that it is yours, add "
            "--allow-unencrypted."
        )
    _require_own_place(manifest.id, manifest.database, alias, options)


def _require_own_place(
    backup: str, part: DatabaseFacts | None, alias: str, options: Mapping[str, Any]
) -> None:
    """Refuse to put a database in the place of another one."""
    if options.get("into_live") and part and alias not in ("", part.alias):
        # The same database may have another alias here.
        live = Path(str(connections[alias].settings_dict["NAME"])).name
        if live != part.name:
            raise UsageError(
                f"The backup {backup} is of the database {part.alias!r} ({part.name}), and "
                f"--into-live would put it in the place of {alias!r} ({live}). Restore it with "
                "--into NAME."
            )


def _wanted(options: Mapping[str, Any]) -> str | None:
    """Return which part of a backup is to be restored; None if none is."""
    if options.get("into") or options.get("into_live"):
        return "database"
    if options.get("rows_to"):
        return "rows"
    return "media" if options.get("media_to") else None


def _lines(manifest: Manifest, done: Restored, options: Mapping[str, Any]) -> list[str]:
    lines = [f"Backup {manifest.id} of {manifest.created_at.isoformat(timespec='seconds')}:"]
    if done.database:
        where = "in the place of the live database" if options["into_live"] else done.database
        lines.append(f"{done.rows} rows restored and compared, {where}.")
    if done.kept_as:
        lines.append(f"What was live before is {done.kept_as}: drop it when all is well.")
    if options["media_to"]:
        lines.append(f"{done.media} media files restored and compared, in {options['media_to']}.")
    if not manifest.is_encrypted:
        lines.append("This backup is not encrypted: anybody could have written it.")
    return lines
