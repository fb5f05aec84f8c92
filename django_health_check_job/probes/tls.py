"""How long is a certificate still valid?"""

import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from django_health_check_job.probes.base import Down, ProbeResult
from django_health_check_job.probes.builtin import BuiltIn, graded
from django_health_check_job.probes.sockets import address_of, connect, tls_context, wrap_tls

__all__ = ["TLSExpiry"]

_DAY_SECONDS = 86_400


@dataclass
class TLSExpiry(BuiltIn):
    """
    WARN, then DOWN, as the end of a server's certificate comes near.

    A certificate that clients refuse (expired, for another name, of an authority that nobody
    knows) is DOWN as well, with the reason.

    Args:
        host: a name or an address, which the certificate has to be for.
        port: where TLS is spoken from the first byte; STARTTLS is not.
        warn_days: WARN when only so many days are left.
        down_days: DOWN when only so many days are left.
        ca_file: PEM file of the authorities to trust instead of the system's; for a self-signed
            certificate that file holds the certificate itself.
    """

    host: str
    port: int = 443
    warn_days: float = 21
    down_days: float = 3
    ca_file: str | None = None

    def run(self) -> ProbeResult:
        """Shake hands as any client does, and read the certificate's last day."""
        context = tls_context(verify=True, ca_file=self.ca_file)
        deadline = self.deadline
        with (
            connect(self.host, self.port, deadline) as connection,
            wrap_tls(connection, self.host, context, deadline) as secured,
        ):
            certificate = secured.getpeercert()
        if not certificate or not isinstance(ends := certificate.get("notAfter"), str):
            raise Down("the server shows no certificate")
        ends_at = ssl.cert_time_to_seconds(ends)
        days = (ends_at - time.time()) / _DAY_SECONDS
        state = graded(-days, warn_at=-self.warn_days, down_at=-self.down_days)
        last_day = datetime.fromtimestamp(ends_at, UTC)
        return ProbeResult(state, f"valid for {days:.0f} more days, until {last_day:%Y-%m-%d}")

    def _check_options(self) -> None:
        self._require_host_and_port(self.host, self.port)
        self._require(
            0 <= self.down_days <= self.warn_days,
            "down_days and warn_days must be 0 or more, and down_days the smaller one",
            (self.down_days, self.warn_days),
        )
        self._require_ca_file(self.ca_file)

    def _own_name(self) -> str:
        return f"TLS {address_of(self.host, self.port, default_port=443)}"
