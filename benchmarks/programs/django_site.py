"""Django, set up as :mod:`benchmarks.site.settings` says; imported before anything of Django's."""

import os

import django
from django.core.management import call_command, execute_from_command_line
from django.db import connection

__all__ = ["command", "execute", "migrate"]

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.site.settings"
django.setup()


def migrate() -> None:
    """Make the tables."""
    call_command("migrate", verbosity=0)


def command(*arguments: str) -> None:
    """Be ``manage.py`` with these arguments."""
    execute_from_command_line(["manage.py", *arguments])


def execute(statement: str, parameters: tuple[str | int, ...] = ()) -> None:
    """Run one statement on Django's connection."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
