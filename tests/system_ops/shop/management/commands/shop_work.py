"""A command that ends as it is told."""

import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from django_opskit.commands import FindingsError
from django_system_ops.management.base import SystemOpsCommand
from tests.system_ops.shop.models import Tenant


class Command(SystemOpsCommand):
    help = "Do some work, and end as told."
    changes_data = True
    takes_lock = True
    has_tenant = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--end", choices=["good", "findings", "failure", "bug"], default="good")
        parser.add_argument("--api-token", default="")
        parser.add_argument("--hold", type=float, default=0.0)
        parser.add_argument("--inside", action="store_true", help="Within a transaction.")
        parser.add_argument("--lines", type=int, default=1)
        parser.add_argument("--call", action="store_true", help="Call another command.")
        parser.add_argument("--no-mail", dest="mail", action="store_false")
        parser.add_argument("--names", nargs="+")
        parser.add_argument("words", nargs="*")

    def perform(self, *, end: str, hold: float, inside: bool, lines: int, **options: Any) -> None:
        self.counters["made"] = 1
        if options.get("call"):
            call_command("shop_work", stdout=self.stdout, no_lock=True)
        for number in range(lines):
            self.say(f"line {number} token={options['api_token']}")
        if inside:
            with transaction.atomic():
                Tenant.objects.create(name="inside")
                self._finish(end, hold)
        else:
            self._finish(end, hold)

    def _finish(self, end: str, hold: float) -> None:
        self.say("working")
        time.sleep(hold)
        match end:
            case "findings":
                raise FindingsError("Two rows are odd.")
            case "failure":
                raise CommandError("The disk is full.")
            case "bug":
                raise ZeroDivisionError("by nothing, password=hunter2")
