"""How the networks and their sessions are doing, and which files may go."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.db.models import Count, Max, Q
from django.utils import timezone

from django_network_hc.models import HealthCheckSession, Network, SessionFile
from django_network_hc.services.folders import ScriptFolder, script_folder, total_size
from django_network_hc.services.sessions import sessions_at_work

__all__ = [
    "Cleanup",
    "NetworkStats",
    "Overview",
    "Stats",
    "cleanup",
    "failed_sessions",
    "overview",
    "stats",
]

Status = HealthCheckSession.Status
_RECENT = timedelta(days=7)
#: Sessions that say whether health checks work; one that was taken back had worked.
_ENDED = (Status.COMPLETED, Status.UNDONE, Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True)
class Overview:
    """
    How everything is.

    Attributes:
        recent, recent_completed: sessions of the last seven days.
        at_work: sessions that are at work or wait.
        problems: what an operator has to do something about.
        sizes: bytes of each directory.
    """

    root: Path
    networks: int
    ready: int
    recent: int
    recent_completed: int
    at_work: list[HealthCheckSession]
    problems: list[str]
    sizes: dict[str, int]


@dataclass
class NetworkStats:
    """The sessions of a network in a time."""

    network: Network
    total: int = 0
    completed: int = 0
    failed: int = 0
    last_completed_at: datetime | None = None

    @property
    def success_percent(self) -> float | None:
        """Return how many of those that have ended were right; None when none has."""
        ended = self.completed + self.failed
        return None if not ended else 100 * self.completed / ended


@dataclass(frozen=True)
class Stats:
    """The sessions of a time."""

    since: datetime
    total: int
    completed: int
    failed: int
    cancelled: int
    in_progress: int
    networks: list[NetworkStats]


@dataclass
class Cleanup:
    """
    Files that go, or would.

    Attributes:
        kept: files of old sessions that stay, since they are the last of their kind.
    """

    before: datetime
    files: list[tuple[HealthCheckSession, Path]] = field(default_factory=list)
    size: int = 0
    kept: int = 0


def overview(networks: Iterable[Network], *, now: datetime | None = None) -> Overview:
    """Look at everything that has to do with some networks."""
    now = now or timezone.now()
    folder = script_folder()
    live = list(networks)
    # One whose process has died is not at work.
    sessions_at_work(live)
    sessions = HealthCheckSession.objects.filter(network__in=live).select_related("network")
    recent = sessions.filter(created_at__gte=now - _RECENT)
    unpublished = sessions.filter(
        status=Status.COMPLETED,
        is_published=False,
        session_type=HealthCheckSession.Type.REGULAR_PROCESSING,
    )
    # An older one that never came to its place does no harm once a younger one has.
    newest = dict(
        HealthCheckSession.objects.filter(status=Status.COMPLETED, report_on__isnull=False)
        .values_list("network")
        .annotate(Max("report_on"))
    )
    stuck = [one for one in unpublished if one.report_on == newest.get(one.network_id)]
    problems = [f"{folder.root} is missing: run hc_setup."] if not folder.root.is_dir() else []
    problems += [
        f"{one} is not ready: run hc_setup --action validate." for one in live if not one.is_ready
    ]
    problems += [
        f"{one.network}: {one.current_step} Run hc_setup --action validate." for one in stuck
    ]
    return Overview(
        root=folder.root,
        networks=len(live),
        ready=sum(one.is_ready for one in live),
        recent=recent.count(),
        recent_completed=recent.filter(status=Status.COMPLETED).count(),
        at_work=list(sessions.filter(status__in=(Status.PENDING, Status.PROCESSING))[:100]),
        problems=problems,
        sizes={name: _size(folder.inside(name)) for name in folder.DIRECTORIES},
    )


def stats(networks: Iterable[Network], *, days: float, now: datetime | None = None) -> Stats:
    """Count the sessions of some networks in the last days, by how they ended."""
    since = (now or timezone.now()) - timedelta(days=days)
    found = {one.pk: NetworkStats(one) for one in networks}
    rows = (
        HealthCheckSession.objects.filter(network__in=found, created_at__gte=since)
        .values("network", "status")
        .annotate(count=Count("pk"), last=Max("completed_at"))
    )
    totals: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        status, count = row["status"], row["count"]
        totals[status] += count
        one = found[row["network"]]
        one.total += count
        if status in (Status.COMPLETED, Status.UNDONE):
            one.completed += count
            one.last_completed_at = max(
                filter(None, (one.last_completed_at, row["last"])), default=None
            )
        elif status == Status.FAILED:
            one.failed += count
    return Stats(
        since=since,
        total=sum(totals.values()),
        completed=totals[Status.COMPLETED] + totals[Status.UNDONE],
        failed=totals[Status.FAILED],
        cancelled=totals[Status.CANCELLED],
        in_progress=totals[Status.PENDING] + totals[Status.PROCESSING],
        networks=list(found.values()),
    )


def failed_sessions(
    networks: Iterable[Network], *, days: float | None = None, most: int = 10
) -> list[HealthCheckSession]:
    """Return the sessions that have failed or whose process has died, the last one first."""
    chosen = list(networks)
    sessions_at_work(chosen)
    found = HealthCheckSession.objects.filter(
        status=Status.FAILED, network__in=chosen
    ).select_related("network")
    if days is not None:
        found = found.filter(created_at__gte=timezone.now() - timedelta(days=days))
    return list(found.order_by("-pk")[:most])


def cleanup(
    networks: Iterable[Network],
    *,
    days: float,
    dry_run: bool = False,
    now: datetime | None = None,
) -> Cleanup:
    """
    Remove the files of sessions that ended longer than some days ago; their rows stay.

    What is never removed: whatever is not a file of a session (trackers, ignore files, backups),
    and of each network the tracker and the one before it of its last health check, without which
    an edited tracker could not be merged, nor the check be taken back.
    """
    now = now or timezone.now()
    done = Cleanup(before=now - timedelta(days=days))
    folder = script_folder()
    chosen = list(networks)
    lasting = _lasting(chosen)
    old = SessionFile.objects.filter(
        session__network__in=chosen,
        session__status__in=_ENDED,
        session__completed_at__lt=done.before,
        removed_at=None,
    ).select_related("session")
    removed = []
    for file in old.order_by("session", "pk"):
        if file.pk in lasting:
            done.kept += 1
            continue
        path = folder.session(file.session.session_id) / file.path
        done.files.append((file.session, path))
        done.size += total_size([path])
        if not dry_run:
            path.unlink(missing_ok=True)
            removed.append(file.pk)
    for start in range(0, len(removed), 500):
        SessionFile.objects.filter(pk__in=removed[start : start + 500]).update(removed_at=now)
    if not dry_run:
        for session in {session for session, _path in done.files}:
            _prune(folder, session)
    return done


def _lasting(networks: list[Network]) -> set[int]:
    """Return the files without which something could not be done any more."""
    kinds = (SessionFile.Kind.TRACKER_GENERATED, SessionFile.Kind.TRACKER_BEFORE)
    done = HealthCheckSession.objects.filter(
        network__in=networks, status=Status.COMPLETED, report_on__isnull=False
    )
    newest = dict(done.order_by("report_on", "pk").values_list("network", "pk"))
    files = SessionFile.objects.filter(Q(session__in=newest.values()) & Q(kind__in=kinds))
    return set(files.values_list("pk", flat=True))


def _prune(folder: ScriptFolder, session: HealthCheckSession) -> None:
    """Remove the folders of a session that have nothing in them any more."""
    own = folder.session(session.session_id)
    folders = sorted((one for one in own.rglob("*") if one.is_dir()), reverse=True)
    for path in (*folders, own):
        with suppress(OSError):  # not empty: then it stays
            path.rmdir()


def _size(path: Path) -> int:
    return total_size(one for one in path.rglob("*") if one.is_file())
