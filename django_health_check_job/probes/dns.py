"""Does a name resolve?"""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address

from django_health_check_job.probes.base import Down
from django_health_check_job.probes.builtin import BuiltIn
from django_health_check_job.probes.sockets import resolve

__all__ = ["DNS"]


@dataclass
class DNS(BuiltIn):
    """
    DOWN when a name does not resolve, or not to where it should.

    It asks as every program on this machine does: /etc/hosts and caches included.

    Args:
        hostname: the name.
        addresses: IP addresses that must be among those found; others may be found as well,
            since IPv6 ones depend on the machine that asks.
    """

    hostname: str
    addresses: Collection[str] = ()

    def run(self) -> None:
        """Resolve it."""
        found = {ip_address(str(row[4][0]).partition("%")[0]) for row in resolve(self.hostname, 0)}
        if missing := sorted({ip_address(one) for one in self.addresses} - found, key=str):
            raise Down(
                f"resolves to {', '.join(sorted(map(str, found)))}, "
                f"and not to {', '.join(map(str, missing))}"
            )

    def _check_options(self) -> None:
        self._require_text(self.hostname, "hostname must be a name")
        self._require(
            not isinstance(self.addresses, str) and all(map(_is_address, self.addresses)),
            "addresses must be a list of IP addresses",
            self.addresses,
        )

    def _own_name(self) -> str:
        return f"DNS {self.hostname}"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
