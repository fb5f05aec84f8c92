"""Reports, made one after the other: measured, written, sent."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.db import Error as DatabaseError

from django_system_ops.exceptions import SystemOpsError
from django_system_ops.services.reports.documents import Document, ReportWish, report_document
from django_system_ops.services.reports.files import Target
from django_system_ops.services.reports.mailing import MailError, send_report
from django_system_ops.services.reports.rendering import rendered
from django_system_ops.services.texts import one_line

__all__ = ["Delivery", "MadeReport", "make_reports"]

logger = logging.getLogger(__name__)

# What needs no traceback.
_EXPECTED = (SystemOpsError, DatabaseError, OSError)


@dataclass(frozen=True)
class Delivery:
    """
    What becomes of the reports.

    Attributes:
        formats: which files.
        target: where they go.
        addresses: who gets them by mail.
        dry_run: whether nothing is written or sent.
        check: called between reports; raises when the run has to stop.
        advance: told of each report that is done.
    """

    formats: Sequence[str]
    target: Target
    addresses: Sequence[str]
    dry_run: bool
    check: Callable[[], None]
    advance: Callable[[int], None]


@dataclass
class MadeReport:
    """
    One report: its files, or why there are none; whether it was sent, or why not.

    Attributes:
        wish: which one.
        has_data: whether any section has a row; None where it could not be made.
        files: where they are; in a dry run, where they would be.
        error: why it could not be made, without a full stop; else empty.
        mailed: whether the mail server took it.
        mail_error: why it did not; else empty.
    """

    wish: ReportWish
    has_data: bool | None = None
    files: list[Path] = field(default_factory=list)
    error: str = ""
    mailed: bool = False
    mail_error: str = ""


def make_reports(wishes: Sequence[ReportWish], delivery: Delivery) -> list[MadeReport]:
    """
    Make each report; one that fails, or whose mail is refused, keeps no other from being made.

    Raises:
        LockLostError: from ``check``; the reports before are there.
    """
    made = []
    for wish in wishes:
        delivery.check()
        one = MadeReport(wish)
        try:
            _make(one, delivery)
        except Exception as error:
            # A table that is locked, a disk that is full: the next one may well be made.
            one.error = _sentence(error)
            logger.error(
                "report=%s tenant=%s was not made: %s",
                wish.name,
                wish.tenant,
                one.error,
                exc_info=not isinstance(error, _EXPECTED),
            )
        made.append(one)
        delivery.advance(1)
    return made


def _make(one: MadeReport, delivery: Delivery) -> None:
    document = report_document(one.wish)
    contents = {form: rendered(document, form) for form in delivery.formats}
    paths = {form: delivery.target.path(document, form) for form in contents}
    if not delivery.dry_run:
        for form, content in contents.items():
            delivery.target.write(paths[form], content)
    one.files = list(paths.values())
    one.has_data = any(section["has_data"] for section in document["sections"])
    if delivery.addresses and not delivery.dry_run:
        # All files are there before anybody is told.
        _send(one, document, contents, delivery.addresses)


def _send(
    one: MadeReport, document: Document, contents: dict[str, bytes], addresses: Sequence[str]
) -> None:
    try:
        send_report(document, contents, addresses, stem=one.files[0].stem)
        one.mailed = True
    except MailError as error:
        one.mail_error = str(error)


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        place = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{place}"
    return one_line(error).rstrip(".")
