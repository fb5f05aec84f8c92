"""An existing script directory, taken in: each tracker in it becomes a network with its history."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from django_network_hc.conf import get_conf
from django_network_hc.engine.names import TEMPLATE, is_network_name
from django_network_hc.exceptions import InputError, NetworkHcError
from django_network_hc.models import Network
from django_network_hc.readers import read_tracker
from django_network_hc.services.folders import ScriptFolder, publish, script_folder
from django_network_hc.services.networks import is_fresh, take_in_tracker, validate

__all__ = ["Imported", "import_directory"]

_SUFFIX = "_HC_Issues_Tracker.xlsx"


@dataclass
class Imported:
    """
    What became of one tracker.

    Attributes:
        is_new: whether its network was not known before.
        problems: why the network is not ready.
    """

    name: str
    path: Path
    is_new: bool = False
    cases: int = 0
    nodes: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def import_directory(
    directory: Path | None, *, customer: str, initiated_by: str, dry_run: bool = False
) -> list[Imported]:
    """
    Take in a directory; a network that is known already stays as it is.

    Args:
        directory: where the trackers and ignore files lie; None for the script directory.
        customer: whose networks they are; "" for one customer for each network, of its name.
        initiated_by: who wants it, for the record.
        dry_run: only say what is there.

    Raises:
        InputError: there is no such directory.
        OSError: a file cannot be copied.
    """
    folder = script_folder()
    source = ScriptFolder(Path(os.path.abspath(directory or folder.root)))  # noqa: PTH100
    if not source.root.is_dir():
        raise InputError(str(source.root), "there is no such directory.")
    found = []
    for path in sorted(source.root.glob(f"*{_SUFFIX}")):
        name = path.name.removesuffix(_SUFFIX)
        if name == TEMPLATE or name.startswith(("~$", ".")):
            continue
        found.append(_import(name, path, source, customer, initiated_by, dry_run=dry_run))
    return found


def _import(
    name: str, path: Path, source: ScriptFolder, customer: str, initiated_by: str, *, dry_run: bool
) -> Imported:
    done = Imported(name, path)
    if not is_network_name(name):
        done.problems.append(f"{name!r} is no name of a network.")
        return done
    network = Network.objects.filter(name=name, removed_as=0).first()
    done.is_new = network is None or is_fresh(network)
    if not done.is_new:
        return done
    if dry_run:
        _look(path, source, done)
        return done
    if network is None:
        network = Network.objects.create(customer=customer or name, name=name)
    _copy(source, script_folder(), name)
    try:
        own = script_folder().tracker(name)
        session = take_in_tracker(network, own, own.name, initiated_by=initiated_by)
        done.notes += session.notes
        validation = validate(network, initiated_by=initiated_by)
        done.problems += validation.problems
        done.notes += validation.notes
    except NetworkHcError as error:
        done.problems.append(str(error))
    done.cases, done.nodes = network.cases.count(), network.nodes.count()
    return done


def _look(path: Path, source: ScriptFolder, done: Imported) -> None:
    """Read a tracker and say what is in it, and what stands beside it."""
    try:
        tracker = read_tracker(path, limits=get_conf().tracker_limits)
    except InputError as error:
        done.problems.append(str(error))
        return
    done.cases, done.nodes = len(tracker.cases["MAIN"]), len(tracker.nodes)
    done.notes += tracker.notes
    files = source.required(done.name)
    done.problems += [f"{one.name} is missing." for one in files if not one.is_file()]


def _copy(source: ScriptFolder, target: ScriptFolder, name: str) -> None:
    """Copy the ignore files; one that is there already counts more."""
    target.root.mkdir(parents=True, exist_ok=True)
    for old, new in zip(source.required(name), target.required(name), strict=True):
        if old.is_file() and not new.exists():
            publish(old, new)
