"""The last health check of a network, taken back."""

from dataclasses import dataclass, field
from datetime import date

from django.db import transaction

from django_network_hc.conf import get_conf
from django_network_hc.exceptions import SessionLockedError, UndoError
from django_network_hc.models import HealthCheckSession, Network, SessionFile
from django_network_hc.services.edits import apply_edits, edits_of, is_edited
from django_network_hc.services.folders import checksum, publish, script_folder
from django_network_hc.services.known import known_of
from django_network_hc.services.publishing import keep_tracker
from django_network_hc.services.reports import day_before, last_session
from django_network_hc.services.reversing import take_back
from django_network_hc.services.sessions import refuse_removed, sessions_at_work

__all__ = ["Undone", "undo_last"]


@dataclass(frozen=True)
class Undone:
    """
    What was taken back.

    Attributes:
        opened: how many cases are gone.
        closed: how many are open again.
        back_to: the day of the report that is the last one now.
    """

    session: HealthCheckSession
    opened: int
    closed: int
    back_to: date | None
    notes: list[str] = field(default_factory=list)


def undo_last(network: Network, *, initiated_by: str, dry_run: bool = False) -> Undone:
    """
    Take back what the last health check of a network did.

    Its files stay, and so does its row. What people have written into cases since stays too.

    Raises:
        UndoError: there is none, or people have written into cases that would go.
        SessionLockedError: a session of the network is at work.
        OSError: the tracker cannot be put back; nothing was changed.
    """
    folder, conf = script_folder(), get_conf()
    notes: list[str] = []
    with transaction.atomic():
        refuse_removed(Network.objects.select_for_update().get(pk=network.pk))
        if at_work := sessions_at_work([network]):
            raise SessionLockedError(f"Session {at_work[0]} of {network} is at work.")
        session = last_session(network)
        if session is None:
            raise UndoError(f"{network} has no health check that could be taken back.")
        tracker = folder.tracker(network.name)
        network.refresh_from_db()
        was = checksum(tracker)
        if is_edited(network, was):
            edits = edits_of(
                network, tracker, known_of(network), conf, base_sha256=network.tracker_sha256
            )
            apply_edits(network, edits)
            notes.extend(edits.notes)
        done = Undone(
            session,
            opened=network.cases.filter(opened_by=session).count(),
            closed=network.cases.filter(closed_by=session).count(),
            back_to=day_before(session),
            notes=notes,
        )
        take_back(
            session, seen_on=done.back_to, reason=f"Taken back by {initiated_by or 'somebody'}."
        )
        if dry_run:
            transaction.set_rollback(True)
            return done
        _put_back(session, notes, was)
    session.refresh_from_db()
    return done


def _put_back(session: HealthCheckSession, notes: list[str], was: str) -> None:
    """Put the tracker back that stood there before, last of all that can fail."""
    folder = script_folder()
    network = session.network
    file = session.files.filter(kind=SessionFile.Kind.TRACKER_BEFORE).first()
    path = file and folder.session(session.session_id) / file.path
    target = folder.tracker(network.name)
    if not path or not path.is_file():
        notes.append(f"{target.name} stays as it is: the one before it was cleaned up.")
        return
    keep_tracker(session, target, folder)
    if checksum(target) != was:
        raise UndoError(f"{target.name} was edited at this moment: try again.")
    publish(path, target)
    Network.objects.filter(pk=network.pk).update(tracker_sha256=checksum(path))
