"""Make reports about a period."""

from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import check_for_language

from django_opskit.commands import ExitStatus, UsageError
from django_system_ops.engine.periods import KINDS, Period, last_whole, period_named
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.services.reports.files import target_of
from django_system_ops.services.reports.fitting import report_types
from django_system_ops.services.reports.mailing import addresses_named
from django_system_ops.services.reports.making import Delivery, MadeReport, make_reports
from django_system_ops.services.reports.planning import planned
from django_system_ops.services.reports.rendering import FORMATS, formats_named
from django_system_ops.services.tenants import resolve_tenants

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """``generate_reports``: see its help."""

    help = (
        "Make reports about a period, of the figures that MANAGEMENT_COMMANDS['reports']['types'] "
        "describes: as files, and by mail."
    )
    changes_data = takes_lock = has_tenant = has_database = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--type",
            action="append",
            metavar="NAME",
            help="This report alone: usage, performance, agents, satisfaction or another that the "
            "settings describe; several with commas between. All by default.",
        )
        parser.add_argument(
            "--period",
            default="monthly",
            help="The last whole one (daily, weekly, monthly, quarterly, yearly), or one by its "
            "name: 2026-10-05, 2026-W40, 2026-10, 2026-Q3, 2026, 2026-10-01..2026-10-15 "
            "(default: %(default)s).",
        )
        parser.add_argument(
            "--date", help="With daily to yearly: as if it were this day, such as 2026-11-01."
        )
        parser.add_argument(
            "--compare", action="store_true", help="Put the figures of the period before beside."
        )
        parser.add_argument(
            "--format",
            default="html",
            help=f"{', '.join(FORMATS)}; several with commas between (default: %(default)s).",
        )
        parser.add_argument(
            "--output",
            default="",
            metavar="PATH",
            help="The directory of the files, or one file; by default that of the settings.",
        )
        parser.add_argument(
            "--email",
            default="",
            metavar="ADDRESS",
            help="Send each report to this address; several with commas between.",
        )
        parser.add_argument(
            "--language", help="Of the texts and figures, such as es; by default the site's."
        )

    def lock_keys(self, **options: Any) -> list[str]:
        """Return which locks the run takes: all tenants as one write the same files as none."""
        whose = "" if options.get("tenant") == "all" else options.get("tenant")
        return super().lock_keys(**{**options, "tenant": whose})

    def perform(
        self,
        *,
        type: list[str] | str | None = None,  # the name of the option
        period: str = "monthly",
        date: str | None = None,
        tenant: str | None = None,
        database: str = "default",
        compare: bool = False,
        format: str = "html",  # the name of the option
        output: str = "",
        email: str = "",
        language: str | None = None,
        **options: Any,
    ) -> None:
        """Make them."""
        dry_run = bool(options.get("dry_run"))
        types = report_types(_names(type))
        forms, addresses = formats_named(format), addresses_named(email)
        now = timezone.now()
        chosen = _period(period, date, timezone.localdate(now, timezone.get_default_timezone()))
        plan = planned(
            types,
            are_named=type is not None,
            tenants=resolve_tenants(tenant, using=database),
            period=chosen,
            compare=compare,
            language=_language(language),
            using=database,
            now=now,
        )
        target = target_of(output, forms=forms, reports=len(plan.wishes))
        with self.progress("Making reports", len(plan.wishes)) as advance:
            made = make_reports(
                plan.wishes, Delivery(forms, target, addresses, dry_run, self.check_lock, advance)
            )
        self.counters = {
            "reports": sum(not one.error for one in made),
            "files": sum(len(one.files) for one in made),
            "mails": sum(one.mailed for one in made),
        }
        self.result(
            {
                "dry_run": dry_run,
                "reports": [_document(one, addresses) for one in made],
                "left_out": plan.left_out,
            },
            *_lines(made, addresses, dry_run=dry_run),
            *(f"{name}: left out, since nothing in it is a tenant's" for name in plan.left_out),
        )
        if text := _failures(made, addresses):
            raise CommandError(text, returncode=ExitStatus.FAILED)


def _names(given: list[str] | str | None) -> list[str]:
    texts = [given] if isinstance(given, str) else given or []
    names = [name.strip() for text in texts for name in text.split(",")]
    if not all(names):
        raise UsageError("--type: a name is empty.")
    return list(dict.fromkeys(names))


def _period(text: str, day: str | None, today: date) -> Period:
    if text in KINDS:
        return last_whole(KINDS[text], today if day is None else _day(day))
    if day is not None:
        raise UsageError(
            f"--date {day} goes with {', '.join(KINDS)}, and --period {text} says which days."
        )
    try:
        return period_named(text)
    except ValueError as error:
        raise UsageError(
            f"--period: {error}. Write {', '.join(KINDS)}, or one such as 2026-10-05, 2026-W40, "
            "2026-10, 2026-Q3, 2026 or 2026-10-01..2026-10-15."
        ) from None


def _day(text: str) -> date:
    try:
        found = period_named(text)
    except ValueError:
        found = None
    if found is None or found.kind != "day":
        raise UsageError(f"--date {text!r} is no day; write it as 2026-11-01.")
    return found.first


def _language(text: str | None) -> str:
    if text is None:
        return str(settings.LANGUAGE_CODE)
    if not check_for_language(text):
        known = ", ".join(code for code, _ in settings.LANGUAGES)
        raise UsageError(f"--language {text!r}: there is no such language. Known: {known}.")
    return text


def _document(one: MadeReport, addresses: list[str]) -> dict[str, Any]:
    return {
        "type": one.wish.name,
        "tenant": one.wish.tenant,
        "period": one.wish.period.name,
        "has_data": one.has_data,
        "files": one.files,
        "error": one.error,
        "mailed_to": addresses if one.mailed else [],
        "mail_error": one.mail_error,
    }


def _lines(made: list[MadeReport], addresses: list[str], *, dry_run: bool) -> list[str]:
    lines = []
    for one in made:
        nothing = " (no data)" if one.has_data is False else ""
        lines.append(f"{one.wish.name} {one.wish.period.name}{_whose(one)}{nothing}:")
        verb = "would go to " if dry_run else ""
        lines += [f"  {verb}{path}" for path in one.files]
        if one.error:
            lines.append("  not made")
        elif one.mailed or (dry_run and addresses):
            lines.append(f"  {verb or 'sent to '}{', '.join(addresses)}")
    return lines


def _failures(made: list[MadeReport], addresses: list[str]) -> str:
    """Return what went wrong, each reason once, with the reports that it befell."""
    reasons: dict[str, list[str]] = {}
    for one in made:
        text = f"Not made: {one.error}" if one.error else ""
        if one.mail_error:
            place = one.files[0].parent
            text = (
                f"The mail to {', '.join(addresses)} was not sent: {one.mail_error}. The files are "
                f"there: {place}"
            )
        if text:
            reasons.setdefault(text, []).append(f"{one.wish.name}{_whose(one)}")
    return " ".join(f"{text} ({', '.join(names)})." for text, names in reasons.items())


def _whose(one: MadeReport) -> str:
    return "" if one.wish.tenant is None else f" of {one.wish.tenant}"
