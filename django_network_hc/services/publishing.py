"""
The tracker of a network, put in its place in the script directory.

Whoever has it open in a spreadsheet may save it at any moment. So what stands there is kept before
it is replaced, and what somebody wrote into it meanwhile is taken over into the cases.
"""

import logging
from pathlib import Path

from django.db import transaction

from django_network_hc.conf import get_conf
from django_network_hc.exceptions import InputError
from django_network_hc.models import HealthCheckSession, Network, SessionFile
from django_network_hc.services.edits import apply_edits, edits_of, is_edited
from django_network_hc.services.folders import ScriptFolder, checksum, publish
from django_network_hc.services.known import known_of
from django_network_hc.services.reports import last_session
from django_network_hc.services.sessions import keep_file, sessions_at_work

__all__ = ["keep_tracker", "publish_tracker", "republish"]

logger = logging.getLogger(__name__)

Kind = SessionFile.Kind


def publish_tracker(
    session: HealthCheckSession, tracker: Path, *, expected: str, folder: ScriptFolder
) -> bool:
    """
    Put a tracker in its place; False when that cannot be, and then the session says why.

    Args:
        session: which has made it.
        tracker: where it lies.
        expected: checksum of the tracker that it stands in for; another one was edited meanwhile.
        folder: the script directory.
    """
    network = session.network
    target = folder.tracker(network.name)
    rows = HealthCheckSession.objects.filter(pk=session.pk)
    try:
        if last_session(network) != session:
            # Another one was quicker: its tracker is the younger.
            return False
        network.refresh_from_db(fields=["tracker_sha256"])
        sha256 = checksum(tracker)
        # Asked before it is kept, which makes it a known one.
        stands = checksum(target)
        was_edited = stands != expected and is_edited(network, stands)
        before = keep_tracker(session, target, folder)
        publish(tracker, target)
    except OSError as error:
        logger.exception("session=%s could not publish %s", session, target)
        rows.update(
            current_step=f"{target.name} could not be put in its place: {error.strerror}."[:255]
        )
        return False
    # Of what was put there, and not of what stands there: somebody may have saved it again.
    Network.objects.filter(pk=network.pk).update(tracker_sha256=sha256)
    rows.update(is_published=True, progress_percentage=100, current_step="done")
    if before is not None and was_edited:
        _take_over(session, before, expected)
    return True


def republish(network: Network, *, folder: ScriptFolder) -> bool:
    """Put a tracker in its place that a session could not put there; False when there is none."""
    done = network.sessions.filter(status=HealthCheckSession.Status.COMPLETED)
    session = done.filter(report_on__isnull=False).order_by("-report_on", "-pk")
    last = session.first()
    if last is None or last.is_published or sessions_at_work([network]):
        return False
    file = last.files.filter(kind=Kind.TRACKER_GENERATED).first()
    path = file and folder.session(last.session_id) / file.path
    if not path or not path.is_file():
        return False
    network.refresh_from_db(fields=["tracker_sha256"])
    return publish_tracker(last, path, expected=network.tracker_sha256, folder=folder)


def keep_tracker(session: HealthCheckSession, target: Path, folder: ScriptFolder) -> Path | None:
    """
    Keep a tracker that is to be replaced in the folder of the session that does it.

    The first one that is kept is the one before the session. Where the session stands in for
    another of the same day that is the one before both, and what that one had written comes second;
    and so does what somebody wrote after a first attempt.
    """
    if not target.is_file():
        return None
    own = folder.session(session.session_id) / "before"
    own.mkdir(parents=True, exist_ok=True)
    replaced = HealthCheckSession.objects.filter(pk=session.before.get("replaces")).first()
    if replaced is not None and not session.files.filter(kind=Kind.TRACKER_BEFORE).exists():
        file = replaced.files.filter(kind=Kind.TRACKER_BEFORE).first()
        path = file and folder.session(replaced.session_id) / file.path
        if path and path.is_file():
            publish(path, own / target.name)
            keep_file(session, own / target.name, Kind.TRACKER_BEFORE, folder=folder)
    wanted = checksum(target)
    number = 0
    while True:
        copy = own / (f"{number}" if number else "") / target.name
        if not copy.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            publish(target, copy)
            kind = Kind.HC_TRACKER if number else Kind.TRACKER_BEFORE
            keep_file(session, copy, kind, folder=folder)
            return copy
        if checksum(copy) == wanted:
            return copy
        number += 1


def _take_over(session: HealthCheckSession, edited: Path, base_sha256: str) -> None:
    """Take over what was written into a tracker while the next one was made."""
    try:
        with transaction.atomic():
            edits = edits_of(
                session.network,
                edited,
                known_of(session.network),
                get_conf(),
                base_sha256=base_sha256,
            )
            apply_edits(session.network, edits, reason="Written while a report was processed")
    except InputError as error:
        note = f"{error} It was replaced, and is kept as {edited.name} of this session."
    else:
        note = (
            f"{len(edits.changed) + len(edits.added)} cases were edited in the tracker while this "
            "session worked: their cases have it, and the next tracker will."
        )
        session.notes = [*session.notes, *edits.notes]
    session.notes = [*session.notes, note]
    HealthCheckSession.objects.filter(pk=session.pk).update(notes=session.notes)
