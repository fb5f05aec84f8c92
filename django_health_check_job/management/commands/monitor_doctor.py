"""Say what is configured and what is wrong."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from django_health_check_job.conf import get_conf, get_published
from django_health_check_job.probes.discovery import discover
from django_health_check_job.services.diagnosis import diagnose
from django_opskit.commands import FindingsError, OpsCommand
from django_opskit.masking import mask_text

__all__ = ["Command"]


class Command(OpsCommand):
    """``monitor_doctor``: see its help."""

    help = (
        "Say which checks are configured and what is wrong with the monitoring itself, and send "
        "an empty payload to the monitoring server. Exit status 3 when something was found."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--no-sync", action="store_true", help="Send nothing.")

    def handle(self, *args: Any, no_sync: bool = False, **options: Any) -> None:
        """Look, and print what was found."""
        conf, published = get_conf(), get_published()
        discovery = discover(conf, published)
        findings = diagnose(conf, published, discovery, now=timezone.now(), try_sync=not no_sync)
        self.counters["findings"] = len(findings)
        lines = [
            f"{spec.name}: every {spec.interval_seconds:g} s, at most {spec.timeout_seconds:g} s"
            f"{'' if spec.critical else ', not critical'}"
            for spec in discovery.specs
        ]
        lines.append(f"History: {'kept' if published.PERSIST_HEALTH_CHECK_DATA else 'not kept'}")
        sends = published.SYNC_HEALTH_CHECK_DATA
        server = mask_text(published.SYNC_SERVER_URL or "no SYNC_SERVER_URL")
        lines.append(f"Sent to: {server if sends else 'nobody'}")
        lines += [f"{one.code}: {one.sentence} {one.way_out}".strip() for one in findings]
        self.result(
            {
                "checks": [
                    {
                        "name": spec.name,
                        "slug": spec.slug,
                        "interval_seconds": spec.interval_seconds,
                        "timeout_seconds": spec.timeout_seconds,
                        "critical": spec.critical,
                    }
                    for spec in discovery.specs
                ],
                "persists": published.PERSIST_HEALTH_CHECK_DATA,
                "sends": sends,
                "findings": [asdict(one) for one in findings],
            },
            *lines,
        )
        if findings:
            raise FindingsError(f"{len(findings)} finding(s).")
