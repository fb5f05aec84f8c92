"""Does a port take connections?"""

from dataclasses import dataclass

from django_health_check_job.probes.builtin import BuiltIn
from django_health_check_job.probes.sockets import address_of, connect

__all__ = ["TCP"]


@dataclass
class TCP(BuiltIn):
    """
    DOWN when nobody takes a TCP connection.

    Args:
        host: a name or an address.
        port: from 1 to 65535.
    """

    host: str
    port: int

    def run(self) -> None:
        """Connect, and hang up."""
        connect(self.host, self.port, self.deadline).close()

    def _check_options(self) -> None:
        self._require_host_and_port(self.host, self.port)

    def _own_name(self) -> str:
        return f"TCP {address_of(self.host, self.port)}"
