"""How long an address takes to answer."""

from collections.abc import Iterator

from django_system_ops.engine.measuring import Measurement
from django_system_ops.exceptions import SystemOpsError
from django_system_ops.services.http_exchange import get

__all__ = ["Url"]


class Url:
    """Asks for one address; an answer of 400 and above is none."""

    name = "url"

    def __init__(self, url: str, *, limit_ms: float, timeout_seconds: float) -> None:
        self._url = url
        self._limit_ms = limit_ms
        self._timeout_seconds = timeout_seconds

    def begin(self) -> None:
        """Nothing to prepare."""

    def measure(self) -> Iterator[Measurement]:
        """
        Yield its response time.

        Raises:
            SystemOpsError: it does not answer, or with an error.
        """
        answer = get(self._url, headers={}, timeout_seconds=self._timeout_seconds)
        if answer.status >= 400:
            raise SystemOpsError(f"answers {answer.status}")
        yield Measurement("url latency", answer.latency_ms, "ms", self._limit_ms)

    def end(self) -> None:
        """Nothing is held."""
