"""Make plants with the faults that real ones have."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from django_opskit.commands import OpsCommand
from plants.faults import PLANTS, readings
from plants.models import Plant, Telemetry

__all__ = ["Command"]


class Command(OpsCommand):
    """``seed_plants``: see its help."""

    help = "Make plants with the faults that real ones have, and two weeks of telemetry up to now."
    changes_data = True

    def handle(self, *args: Any, dry_run: bool = False, **options: Any) -> None:
        """Make what is missing."""
        there = set(Plant.objects.values_list("code", flat=True))
        missing = [fault for fault in PLANTS if fault.code not in there]
        if not dry_run:
            with transaction.atomic():
                self._make(missing, timezone.now())
        self.counters["plants"] = len(missing)
        verb = "would be made" if dry_run else "made"
        self.result({"plants": len(missing), "dry_run": dry_run}, f"{len(missing)} plants {verb}")

    @staticmethod
    def _make(missing: list[Any], now: datetime) -> None:
        for fault in missing:
            plant = Plant.objects.create(
                code=fault.code,
                name=fault.name,
                park="north" if int(fault.code[1:]) % 2 else "south",
                built_at=now - timedelta(days=400),
            )
            Telemetry.objects.bulk_create(
                Telemetry(plant=plant, taken_at=at, kwh=kwh) for at, kwh in readings(fault, now)
            )
        if not missing:
            return
        silent = Plant.objects.get(code="P02")
        # A clock that lost its battery: the row must not make the plant look alive.
        Telemetry.objects.create(plant=silent, taken_at=datetime(2099, 1, 1, tzinfo=UTC), kwh=1)
