"""Runs that are killed at each of their steps, meet another, or find no room."""

import json
import signal
import subprocess
from pathlib import Path

import pytest
from django.db import connection

from django_system_ops.models import TenantMoveRow
from django_system_ops.services.locking import command_lock
from tests.system_ops.shop.models import Book, Footnote, Person, Theme
from tests.system_ops.tenant_moves.conftest import (
    THROUGHS,
    article,
    contents,
    migrate,
    stored_file,
    tenants,
    topic,
)

pytestmark = pytest.mark.django_db(transaction=True)

# Dies before or after one call of a function, whichever process it would be.
DYING = """
import os, signal, sys, django
django.setup()
from importlib import import_module
from django.conf import settings
from django.core.management import call_command
place, when, media, *arguments = sys.argv[1:]
settings.MEDIA_ROOT = media
module, owner, name = place.split(":")
holder = import_module("django_system_ops.services.tenant_moves." + module)
holder = getattr(holder, owner) if owner else holder
original, calls = getattr(holder, name), []
def die(*args, **options):
    calls.append(1)
    is_mine = len(calls) == abs(int(when))
    if is_mine and int(when) > 0:
        os.kill(os.getpid(), signal.SIGKILL)
    found = original(*args, **options)
    if is_mine:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
setattr(holder, name, staticmethod(die) if name == "_save" else die)
call_command("migrate_tenant_data", "--from=old", "--to=new", *arguments)
"""

# Positive: before the so many-th call; negative: after it.
COPY_STEPS = [
    ("journal:Journal:add", 2),
    ("copying:Copier:look_ahead", -1),
    ("copying::insert_rows", -1),
    ("copying::insert_rows", -3),
    ("files:FileCopier:_save", -2),
    ("updating::update_rows", -1),
    ("running::links_across", 1),
]
MOVE_STEPS = [
    ("moving:Mover:look_ahead", -1),
    ("moving::update_rows", -1),
    ("journal:Journal:drop_run", -1),
]


def library(media):
    """Make a tenant's rows of all kinds, in several pages of two."""
    old, _ = tenants("old", "new")
    person = Person.objects.create(name="p")
    before = None
    for name in "abc":
        made = topic(old, name, parent=before)
        for number in range(3):
            file = stored_file(media, f"articles/{name}{number}.txt", name * 10)
            one = article(made, number, text=name, file=file)
            one.readers.add(person)
            Footnote.objects.create(target=one, text=f"{name}{number}")
        Theme.objects.filter(pk=made.pk).update(favourite=one)
        before = made


def described(tenant):
    """Return all that a tenant has, without the keys of rows and the names of files."""
    return [
        (
            one.slug,
            one.parent and one.parent.slug,
            (one.favourite.topic.slug, one.favourite.number),
            [
                (
                    each.number,
                    each.text,
                    Path(each.file.path).read_bytes(),
                    [reader.name for reader in each.readers.all()],
                    [
                        remark.text
                        for remark in Footnote.objects.filter(number=str(each.pk)).order_by("text")
                    ],
                )
                for each in one.book_set.order_by("number")
            ],
        )
        for one in Theme.objects.filter(tenant__name=tenant).order_by("slug")
    ]


@pytest.fixture
def killed(run_python, media):
    """Run it in a process that dies at a step."""

    def run(place, when, *arguments):
        process = run_python(DYING, place, str(when), str(media), "--batch-size=2", *arguments)
        assert process.wait(60) == -signal.SIGKILL, process.stdout.read()

    return run


@pytest.mark.parametrize(("place", "when"), COPY_STEPS)
def test_killed_copy_is_finished_by_the_next_run(killed, media, place, when):
    library(media)
    source = described("old")
    was = contents(Theme, Book)

    killed(place, when)

    # What is there points at files that are there, and never across.
    for one in Book.objects.filter(topic__tenant__name="new"):
        assert one.file.storage.exists(one.file.name)
    assert not Theme.objects.filter(tenant__name="new", parent__tenant__name="old").exists()
    connection.check_constraints()

    found = migrate(wait_lock=30)

    assert (found["status"], found["findings"]) == (0, [])
    assert described("new") == source == described("old")
    for label, rows in contents(Theme, Book).items():
        assert rows[: len(was[label])] == was[label]
    assert Book.objects.count() == 18
    assert [model.objects.count() for model in THROUGHS] == [0, 18]
    assert len(list(media.rglob("*.txt"))) == 18
    assert not TenantMoveRow.objects.filter(new_pk="").exists()


@pytest.mark.parametrize(("place", "when"), MOVE_STEPS)
def test_killed_move_has_never_been_and_the_next_one_does_it(killed, media, place, when):
    library(media)
    source, was = described("old"), contents()

    killed(place, when, "--mode=move")

    assert contents() == was
    assert not TenantMoveRow.objects.exists()

    found = migrate(mode="move", wait_lock=30)

    assert (found["status"], found["findings"]) == (0, [])
    assert (described("new"), described("old")) == (source, [])
    assert contents(Book, Footnote, *THROUGHS) == {
        label: was[label]
        for label in ("shop.Book", "shop.Footnote", *(one._meta.label for one in THROUGHS))
    }


def test_half_a_file_of_a_killed_run_is_written_anew(media, run_python):
    library(media)
    half = DYING.replace(
        "call_command(",
        "from django.core.files.storage import FileSystemStorage as Storage\n"
        "def half(self, name, content, max_length=None):\n"
        "    with open(self.path(name), 'wb') as file:\n"
        "        file.write(b'a')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "Storage.save = half\n"
        "call_command(",
    )
    process = run_python(half, "journal:Journal:forget", "1", str(media))
    assert process.wait(60) == -signal.SIGKILL

    assert len(list(media.rglob("*.txt"))) == 10
    assert migrate(wait_lock=30)["status"] == 0

    assert len(list(media.rglob("*.txt"))) == 18
    for path in media.rglob("*.txt"):
        assert len(path.read_text()) == 10


@pytest.mark.parametrize("mine", ["old", "new"])
def test_run_waits_for_another_that_has_one_of_the_tenants(manage, ops_env, mine):
    old, _ = tenants("old", "new")
    topic(old, "a")
    arguments = ("migrate_tenant_data", "--from=old", "--to=new", "--json")
    with command_lock([f"migrate_tenant_data:{mine}"]):
        found = manage(*arguments, env=ops_env)
        assert manage(*arguments, "--no-lock", env=ops_env).returncode == 0

    assert found.returncode == 75
    assert "migrate_tenant_data is running already" in json.loads(found.stdout)["error"]


def test_runs_of_other_tenants_do_not_meet(manage, ops_env):
    old, _ = tenants("old", "new")
    topic(old, "a")
    with command_lock(["migrate_tenant_data:third"]):
        found = manage("migrate_tenant_data", "--from=old", "--to=new", env=ops_env)

    assert (found.returncode, Theme.objects.count()) == (0, 2)


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_full_disk_stops_the_copy_and_the_next_run_goes_on(media, run_python):
    """A quota on the writer stands for a full disk; SQLite's own file would meet it too."""
    library(media)
    limited = DYING.replace(
        "call_command(",
        "import resource\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))\n"
        "call_command(",
    )
    process = run_python(limited, "journal:Journal:forget", "1", str(media))
    output = process.communicate(timeout=60)[0]

    assert process.returncode == 1
    assert "File too large" in output
    assert not Book.objects.filter(topic__tenant__name="new").exists()
    assert len(list(media.rglob("*.txt"))) == 9

    assert migrate(wait_lock=30)["status"] == 0
    assert described("new") == described("old")


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_nobody_gives_rows_to_a_tenant_whose_data_moves(run_python, media):
    library(media)
    waiting = (
        "import sys, django\ndjango.setup()\n"
        "from tests.system_ops.shop.models import Tenant, Theme\n"
        "old = Tenant.objects.get(name='old')\nprint('here', flush=True)\n"
        "Theme.objects.create(tenant=old, slug='late')\nprint('there', flush=True)\n"
    )
    from django_system_ops.services.tenant_moves import running

    started: list[subprocess.Popen[str]] = []
    original = running.links_across

    def meanwhile(*args, **options):
        process = run_python(waiting)
        started.append(process)
        assert process.stdout.readline() == "here\n"
        yield from original(*args, **options)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)

    running.links_across = meanwhile
    try:
        assert migrate(mode="move")["status"] == 0
    finally:
        running.links_across = original

    assert started[0].wait(30) == 0
    assert [one.slug for one in Theme.objects.filter(tenant__name="old")] == ["late"]
