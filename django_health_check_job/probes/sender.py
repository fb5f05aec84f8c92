"""Does another site still send its results?"""

from dataclasses import dataclass

from django.db import router
from django.db.utils import DatabaseError, InterfaceError
from django.utils import timezone

from django_health_check_job.probes.base import Down, Unknown
from django_health_check_job.probes.builtin import BuiltIn, is_number
from django_health_check_job.probes.database import usable_connection

__all__ = ["SenderSilence"]


@dataclass
class SenderSilence(BuiltIn):
    """
    DOWN when a site that sends its results here has fallen silent; UNKNOWN before its first.

    Args:
        app_id: what that site is called, its SYNC_APP_ID.
        max_age_seconds: how old its last payload may be.
    """

    app_id: str
    max_age_seconds: float

    def run(self) -> None:
        """Look when it was last heard of."""
        # Discovery imports this module; models cannot be imported before the apps are ready.
        from django_health_check_job.models import Sender

        try:
            using = usable_connection(router.db_for_read(Sender)).alias
            seen = Sender.objects.using(using).filter(pk=self.app_id)
            last_seen_at = seen.values_list("last_seen_at", flat=True).first()
        except (DatabaseError, InterfaceError) as error:
            raise Unknown(f"the database cannot be asked ({type(error).__name__})") from error
        if last_seen_at is None:
            raise Unknown(f"nothing was ever received from {self.app_id!r}")
        age = (timezone.now() - last_seen_at).total_seconds()
        if age > self.max_age_seconds:
            raise Down(
                f"has sent nothing for {age:.0f} s (its limit is {self.max_age_seconds:g} s)"
            )

    def _check_options(self) -> None:
        self._require_text(self.app_id, "app_id must be the SYNC_APP_ID of a site")
        self._require(
            is_number(self.max_age_seconds) and self.max_age_seconds > 0,
            "max_age_seconds must be above 0",
            self.max_age_seconds,
        )

    def _own_name(self) -> str:
        return f"Sender {self.app_id}"
