"""
Who hears of a command that failed, and of its recovery: mail, Slack, Teams, a webhook.

Told is the change: the first failure after a success, and the first success after a failure. A
failure while the history cannot be asked is told each time.
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from django.core.mail import send_mail
from django.db import Error as DatabaseError
from django.db import connections
from django.utils.timezone import localtime
from pydantic import SecretStr

from django_opskit.masking import mask_text
from django_system_ops.conf import get_conf
from django_system_ops.conf.runs import NotifySettings, is_named
from django_system_ops.models import CommandRun
from django_system_ops.services.texts import one_line

__all__ = ["is_wanted", "longest_seconds", "notify", "tell_of"]

logger = logging.getLogger(__name__)

Status = CommandRun.Status

_BAD = (Status.FAILED, Status.LOST)
_TOLD = (*_BAD, Status.SUCCEEDED, Status.FINDINGS)
_OUTPUT_LINES = 20
_ANSWERS_OF_MAIL = 3


def is_wanted(name: str) -> bool:
    """Return whether somebody wants to hear of the command."""
    conf = get_conf().notify
    has_channel = bool(conf.email or conf.slack or conf.teams or conf.webhook)
    return has_channel and is_named(name, conf.commands)


def longest_seconds() -> float:
    """Return how long all channels together may take, and a little more."""
    conf = get_conf().notify
    channels = (conf.email, conf.slack, conf.teams, conf.webhook)
    return 5 + _ANSWERS_OF_MAIL * conf.timeout_seconds * sum(map(bool, channels))


def tell_of(run: CommandRun, *, using: str) -> bool:
    """Tell of a run that is over, if it changes what was known; return whether it was told."""
    if run.is_dry_run or run.status not in _TOLD or not is_wanted(run.name):
        return False
    has_failed, had_failed = run.status in _BAD, _had_failed(run, using)
    if has_failed is had_failed or (had_failed is None and not has_failed):
        return False
    word = "failed" if run.status == Status.FAILED else "was lost" if has_failed else "works again"
    notify(f"{run.name} {word} on {run.host}", _text(run), facts=_facts(run))
    return True


def notify(subject: str, text: str, *, facts: Mapping[str, Any] | None = None) -> None:
    """
    Send a message through every channel that the site has set up.

    A channel that fails is logged, and keeps no other from being used. ``facts`` go to the
    webhook besides.
    """
    conf = get_conf().notify
    subject, text = mask_text(" ".join(subject.split())), mask_text(text)
    for name, send in _channels(conf, subject, text, facts or {}).items():
        try:
            send()
        except Exception as error:  # noqa: BLE001  # it must not break what it is about
            reason = mask_text(one_line(error))
            logger.error("channel=%s could not be told of %r: %s", name, subject, reason)


def _channels(
    conf: NotifySettings, subject: str, text: str, facts: Mapping[str, Any]
) -> dict[str, Callable[[], None]]:
    def post(
        url: SecretStr, document: Mapping[str, Any], headers: Mapping[str, SecretStr] | None = None
    ) -> Callable[[], None]:
        plain = {name: value.get_secret_value() for name, value in (headers or {}).items()}
        return lambda: _post(url.get_secret_value(), document, plain, conf.timeout_seconds)

    channels: dict[str, Callable[[], None]] = {}
    if conf.email:
        channels["email"] = lambda: _mail(subject, text, list(conf.email), conf.timeout_seconds)
    if conf.slack:
        channels["slack"] = post(conf.slack, {"text": _for_slack(f"*{subject}*\n{text}")})
    if conf.teams:
        channels["teams"] = post(conf.teams, _adaptive_card(subject, text))
    if conf.webhook:
        document = {"subject": subject, "text": text, **facts}
        channels["webhook"] = post(conf.webhook, document, conf.webhook_headers)
    return channels


def _had_failed(run: CommandRun, using: str) -> bool | None:
    """Return how the run before it ended; None when nobody knows."""
    rows = CommandRun.objects.using(using).filter(name=run.name, is_dry_run=False)
    rows = rows.exclude(run_id=run.run_id).filter(finished_at__lte=run.finished_at)
    ended = rows.order_by("-finished_at", "-id").values_list("finished_at", "id", "status")
    try:
        # One by one, so that each is the end of an index, however many runs there are.
        last = [row for status in _TOLD for row in ended.filter(status=status)[:1]]
    except DatabaseError:
        return None
    newest = max(last, key=lambda row: row[:2], default=None)
    return None if newest is None else newest[2] in _BAD


def _text(run: CommandRun) -> str:
    lines = [run.error] if run.error else []
    if run.started_at is not None:
        lines.append(f"Started {localtime(run.started_at):%Y-%m-%d %H:%M:%S %Z}")
    if run.duration_seconds is not None:
        lines[-1:] = [f"{lines[-1]}, ran for {run.duration_seconds:.1f} s."] if lines else []
    lines.append(f"Started by {run.started_by}, process {run.pid} on {run.host}.")
    if run.status in _BAD and run.output:
        lines += ["", "The end of its output:", *run.output.splitlines()[-_OUTPUT_LINES:]]
    return "\n".join(lines)


def _facts(run: CommandRun) -> dict[str, Any]:
    return {
        "command": run.name,
        "status": run.status,
        "run_id": str(run.run_id),
        "host": run.host,
        "exit_status": run.exit_status,
        "error": run.error,
        "duration_seconds": run.duration_seconds,
        "counters": run.counters,
    }


def _mail(subject: str, text: str, addresses: list[str], timeout_seconds: float) -> None:
    """
    Send a mail; however a site's backend waits, nobody waits for it longer than this.

    Raises:
        TimeoutError: it was not sent in time, and may be yet.
    """
    failures: list[Exception] = []

    def send() -> None:
        try:
            send_mail(subject, text, None, addresses)
        except Exception as error:  # noqa: BLE001  # raised where somebody waits
            failures.append(error)
        finally:
            connections.close_all()  # this thread's

    # SMTP without a timeout waits for ever, and each version of Django sets that elsewhere.
    thread = threading.Thread(target=send, name="ops-mail", daemon=True)
    thread.start()
    # A mail has several answers to wait for.
    thread.join(_ANSWERS_OF_MAIL * timeout_seconds)
    if thread.is_alive():
        raise TimeoutError("the mail server does not answer")
    if failures:
        raise failures[0]


def _for_slack(text: str) -> str:
    """Escape what Slack reads as markup (its manual, "Escaping text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _adaptive_card(subject: str, text: str) -> dict[str, Any]:
    """Return what a workflow of Teams takes: connectors, and their cards, are gone."""
    blocks = [
        {"type": "TextBlock", "text": subject, "weight": "Bolder", "wrap": True},
        {"type": "TextBlock", "text": text.replace("\n", "\n\n"), "wrap": True},
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _post(
    url: str, document: Mapping[str, Any], headers: Mapping[str, str], timeout_seconds: float
) -> None:
    # Here: it is 15 ms that most commands never need.
    from urllib.error import URLError
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class NoRedirects(HTTPRedirectHandler):
        """What an address redirects to has not been chosen by the site."""

        def redirect_request(self, *args: Any, **kwargs: Any) -> None:
            return None

    request = Request(  # noqa: S310  # the setting lets http and https in, nothing else
        url,
        data=json.dumps(document).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "django-opskit", **headers},
    )
    try:
        with build_opener(NoRedirects).open(request, timeout=timeout_seconds) as answer:
            answer.read(1024)
    except URLError as error:
        # Not the address: it is the secret of Slack's and Teams' webhooks.
        raise OSError(f"it answered {getattr(error, 'code', None) or error.reason}") from None
