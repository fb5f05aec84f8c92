"""Reports by mail: the tables as plain text, the report and its other files attached."""

from collections.abc import Mapping, Sequence

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from django_system_ops.exceptions import SystemOpsError, WrongUsageError
from django_system_ops.services.reports.documents import Document
from django_system_ops.services.reports.rendering import rendered
from django_system_ops.services.texts import one_line

__all__ = ["MailError", "addresses_named", "send_report"]

_TYPES = {
    "html": "text/html",
    "md": "text/markdown",
    "json": "application/json",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class MailError(SystemOpsError):
    """The mail did not go out; the files are there."""


def addresses_named(text: str) -> list[str]:
    """
    Return the addresses that ``--email`` names.

    Raises:
        WrongUsageError: one of them is no address.
    """
    found = list(dict.fromkeys(one.strip() for one in text.split(","))) if text else []
    for address in found:
        try:
            validate_email(address)
        except ValidationError:
            raise WrongUsageError(
                f"--email {text!r}: {address!r} is no address. Write them with commas between."
            ) from None
    return found


def send_report(
    document: Document, files: Mapping[str, bytes], addresses: Sequence[str], *, stem: str
) -> None:
    """
    Send a report to some addresses; the HTML is attached even where no such file was asked for.

    Raises:
        MailError: the mail server did not take it; says what it said.
    """
    whose = [document["tenant"]] if document["tenant"] is not None else []
    parts = (document["title"], document["period"]["name"], *whose)
    # A header has one line.
    subject = ", ".join(" ".join(part.split()) for part in parts)
    body = rendered(document, "md").decode()
    message = EmailMessage(subject, body, to=list(addresses))
    attached = {"html": files.get("html") or rendered(document, "html"), **files}
    for form, content in attached.items():
        message.attach(f"{stem}.{form}", content, _TYPES[form])
    try:
        message.send()
    except Exception as error:
        # Whatever the site's own backend raises: the files are there, and have to be named.
        raise MailError(one_line(error).rstrip(".")) from error
