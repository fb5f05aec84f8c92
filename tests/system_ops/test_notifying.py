"""Who is told of a failure, and of the recovery."""

import io
import json
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import django
import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from django_system_ops.models import CommandRun
from django_system_ops.services import history, notifying
from tests.processes import ROOT, environment

pytestmark = pytest.mark.django_db(transaction=True)


class Receiver(HTTPServer):
    """Keeps what it is sent, and answers as it is told."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.seen = []
        self.status = 200
        self.url = f"http://127.0.0.1:{self.server_port}/services/T0/s3cret"


class Answer(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), json.loads(body)))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver():
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def mailed(configure, settings):
    settings.DEFAULT_FROM_EMAIL = "ops@example.com"
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    configure(
        history={"enabled": True, "commands": ["shop_*"]},
        notify={"commands": ["shop_*"], "email": ["night@example.com"]},
    )


def work(end="good", **options):
    with suppress(CommandError):
        call_command("shop_work", stdout=io.StringIO(), end=end, **options)


def subjects():
    return [message.subject.partition(" on ")[0] for message in mail.outbox]


def test_first_failure_and_recovery_are_told_once_each():
    for end in ("good", "failure", "failure", "findings", "good", "failure"):
        work(end)

    assert subjects() == ["shop_work failed", "shop_work works again", "shop_work failed"]
    assert mail.outbox[0].to == ["night@example.com"]
    assert "The disk is full." in mail.outbox[0].body
    assert "working" in mail.outbox[0].body


def test_failure_that_is_the_first_run_is_told():
    work("failure")

    assert subjects() == ["shop_work failed"]


def test_dry_runs_and_commands_that_nobody_asked_for_are_not_told(configure):
    work("failure", dry_run=True)
    configure(notify={"commands": ["backup_data"]})
    work("failure")

    assert subjects() == []


def test_lost_run_is_told():
    work()
    CommandRun.objects.update(status="RUNNING", process="elsewhere|1|2|3", heartbeat_at=None)
    CommandRun.objects.update(heartbeat_at="2020-01-01T00:00:00Z")

    history.mark_lost(using="default")

    assert subjects() == ["shop_work was lost"]


def test_failure_is_told_while_the_database_is_away(monkeypatch):
    from django.db import OperationalError

    def refuse(*args, **options):
        raise OperationalError("gone")

    monkeypatch.setattr(history, "write", refuse)
    work("failure")

    assert subjects() == ["shop_work failed"]


def test_slack_teams_and_webhook_get_their_own_form(configure, receiver):
    configure(
        notify={
            "email": [],
            "slack": receiver.url,
            "teams": receiver.url,
            "webhook": receiver.url,
            "webhook_headers": {"X-Key": "k3y"},
        }
    )

    notifying.notify("a <b>", "c & d, password=hunter2", facts={"command": "shop_work"})

    slack, teams, webhook = [body for _path, _headers, body in receiver.seen]
    assert slack == {"text": "*a &lt;b&gt;*\nc &amp; d, password=********"}
    card = teams["attachments"][0]["content"]
    assert card["type"] == "AdaptiveCard"
    assert [block["text"] for block in card["body"]] == ["a <b>", "c & d, password=********"]
    assert webhook == {
        "subject": "a <b>",
        "text": "c & d, password=********",
        "command": "shop_work",
    }
    assert receiver.seen[2][1]["X-Key"] == "k3y"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_channel_that_fails_keeps_no_other_from_being_used(configure, receiver, status, caplog):
    receiver.status = status
    configure(notify={"slack": receiver.url})

    notifying.notify("a", "b")

    assert [path for path, _headers, _body in receiver.seen] == ["/services/T0/s3cret"]
    assert f"it answered {status}" in caplog.text
    assert "s3cret" not in caplog.text
    assert len(mail.outbox) == 1


def test_receiver_that_is_away_is_logged(configure, receiver, caplog):
    configure(notify={"webhook": "http://127.0.0.1:1/"})

    notifying.notify("a", "b")

    assert "channel=webhook could not be told of 'a'" in caplog.text


def test_mail_server_that_says_nothing_holds_nobody_up():
    """A server takes the connection, and that is all."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.run(
            [sys.executable, "-c", _TELL, str(silent.getsockname()[1])],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert process.returncode == 0, process.stderr
    assert "the mail server does not answer" in process.stderr


_TELL = """
import sys, django
from django.conf import settings
from django.test import override_settings
django.setup()
backend = "django.core.mail.backends.smtp.EmailBackend"
own = {"notify": {"email": ["ops@example.com"], "timeout_seconds": 0.5}}
if django.VERSION >= (6, 1):
    options = {"host": "127.0.0.1", "port": int(sys.argv[1])}
    mail = {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": options}}}
else:
    mail = {"EMAIL_BACKEND": backend, "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": int(sys.argv[1])}
with override_settings(MANAGEMENT_COMMANDS=own, **mail):
    from django_system_ops.services.notifying import notify
    notify("a", "b")
"""
