"""The script directory and the files of each network."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from django_network_hc.management.base import NetworkCommand, table
from django_network_hc.models import Network
from django_network_hc.services.folders import script_folder
from django_network_hc.services.networks import (
    Reset,
    Validation,
    find_networks,
    reset,
    validate,
)
from django_network_hc.services.setup import begin_network, prepare
from django_opskit.commands import ExitStatus, FindingsError, UsageError
from django_opskit.identity import user_name

__all__ = ["Command"]

_ACTIONS = ("setup", "list", "validate", "reset")


class Command(NetworkCommand):
    """``hc_setup``: see its help."""

    help = (
        "Prepare the script directory (setup), show the networks (list), look whether they have "
        "their files and set their status (validate), or take their files away into a backup "
        "(reset). Exit status 3 when a network is not ready."
    )
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--action", choices=_ACTIONS, default="setup", help="What to do; setup by default."
        )
        self.add_network(parser)
        parser.add_argument(
            "--force", action="store_true", help="With reset: do not ask, as cron must not be."
        )

    def handle(
        self,
        *args: Any,
        action: str = "setup",
        network: str | None = None,
        force: bool = False,
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        """Do it."""
        with self.speaking():
            if action == "setup":
                self._setup(network, dry_run=dry_run)
            elif action == "list":
                self._list(find_networks(network))
            elif action == "validate":
                self._validate(find_networks(network), dry_run=dry_run)
            else:
                self._reset(find_networks(network), force=force, dry_run=dry_run)

    def _setup(self, name: str | None, *, dry_run: bool) -> None:
        networks = [] if name is None else find_networks(name)
        done = prepare(dry_run=dry_run)
        own = [path for one in networks for path in begin_network(one, dry_run=dry_run)]
        created = [*done.created, *own]
        self.counters = {"created": len(created), "missing": len(done.missing)}
        verb = "Would create" if dry_run else "Created"
        self.result(
            {
                "script_dir": done.folder.root,
                "created": created,
                "found": done.found,
                "missing": done.missing,
                "dry_run": dry_run,
            },
            f"Script directory: {done.folder.root}",
            *(f"Found: {_below(path, done.folder.root)}" for path in done.found[1:]),
            *(f"{verb}: {_below(path, done.folder.root)}" for path in created),
            *(f"Missing: {one}" for one in done.missing),
        )
        if done.missing:
            raise CommandError(" ".join(done.missing), returncode=ExitStatus.FAILED)
        self.say("Setup would be complete." if dry_run else "Setup is complete.")

    def _list(self, networks: list[Network]) -> None:
        folder = script_folder()
        missing = {
            one.pk: [path.name for path in folder.required(one.name) if not path.is_file()]
            for one in networks
        }
        rows = [
            (
                one.customer,
                one.name,
                one.network_type,
                one.setup_status,
                ", ".join(missing[one.pk]) or "none",
            )
            for one in networks
        ]
        names = ("customer", "network", "type", "status", "missing files")
        templates = {path.name: path.is_file() for path in folder.templates}
        self.counters = {"networks": len(networks)}
        self.result(
            {
                "script_dir": folder.root,
                "networks": [
                    {
                        "customer": one.customer,
                        "network": one.name,
                        "type": one.network_type,
                        "status": one.setup_status,
                        "missing": missing[one.pk],
                    }
                    for one in networks
                ],
                "templates": templates,
            },
            *(table(names, rows) if rows else ["No network yet: add one in the admin."]),
            f"Networks: {len(networks)}",
            f"Script directory: {folder.root}",
            *(
                f"Template {name}: {'found' if is_there else 'missing'}"
                for name, is_there in templates.items()
            ),
        )

    def _validate(self, networks: list[Network], *, dry_run: bool) -> None:
        found = [
            validate(one, initiated_by=f"hc_setup, {user_name()}", dry_run=dry_run)
            for one in networks
        ]
        self.counters = {
            "ready": sum(not one.problems for one in found),
            "not_ready": sum(bool(one.problems) for one in found),
        }
        self.result(
            {"networks": [_document(one) for one in found], "dry_run": dry_run},
            *(line for one in found for line in _lines(one, dry_run=dry_run)),
        )
        bad = [str(one.network) for one in found if one.problems]
        if bad:
            raise FindingsError(f"Not ready: {', '.join(bad)}.")

    def _reset(self, networks: list[Network], *, force: bool, dry_run: bool) -> None:
        planned = reset(networks, dry_run=True)
        files = [path for one in planned for path in one.files]
        lines = [f"{one.network}: {path.name}" for one in planned for path in one.files]
        if not dry_run and not force and files:
            self._ask(planned)
        done = planned if dry_run else reset(networks)
        self.counters = {"networks": len(done), "files": len(files)}
        verb = "Would delete" if dry_run else "Deleted"
        self.result(
            {"networks": [asdict(one) | {"network": str(one.network)} for one in done]}
            | {"dry_run": dry_run},
            *(f"{verb} {line}" for line in lines),
            *(f"Kept in {one.backup}" for one in done if one.files and not dry_run),
            f"{len(done)} networks {'would be' if dry_run else 'are'} NEW; their cases stay.",
        )

    def _ask(self, planned: list[Reset]) -> None:
        if self.json_output:
            raise UsageError("reset with --json asks nobody: add --force, or look with --dry-run.")
        for one in planned:
            for path in one.files:
                self.stdout.write(f"{one.network}: {path.name} will be deleted.")
        self.stdout.write("A copy of each is kept below backups/.")
        try:
            answer = input("Go on? [y/N] ")
        except EOFError:
            raise UsageError("Nobody is there to answer: add --force.") from None
        if answer.strip().casefold() not in ("y", "yes"):
            raise CommandError("Nothing was deleted.", returncode=ExitStatus.FAILED)


def _below(path: Path, root: Path) -> str:
    return path.name if path == root else path.relative_to(root).as_posix()


def _document(one: Validation) -> dict[str, Any]:
    return {
        "customer": one.network.customer,
        "network": one.network.name,
        "status": one.status,
        "was": one.was,
        "files": {path.name: size for path, size in one.files.items()},
        "problems": one.problems,
        "notes": one.notes,
    }


def _lines(one: Validation, *, dry_run: bool) -> list[str]:
    lines = [str(one.network)]
    for path, size in one.files.items():
        lines.append(
            f"  missing  {path.name}" if size is None else f"  {size / 1e6:6.2f} MB  {path.name}"
        )
    lines += [f"  {problem}" for problem in one.problems if "is missing" not in problem]
    lines += [f"  note: {note}" for note in one.notes]
    if one.status != one.was:
        lines.append(f"  {'would be' if dry_run else 'is'} {one.status} now, was {one.was}")
    else:
        lines.append(f"  {one.status}")
    return lines
