"""What libraries and a site's own checks say, without the secrets of the settings."""

from collections.abc import Iterator
from dataclasses import replace

from django.conf import settings
from django.db import connections

from django_opskit.masking import MASK, mask_text
from django_system_ops.conf.health import HealthSettings
from django_system_ops.engine.findings import CheckResult
from django_system_ops.services.health.redis_servers import servers
from django_system_ops.services.http_exchange import secrets_of

__all__ = ["Masking"]

# A shorter one would be found inside words that are none.
_SHORTEST = 4


class Masking:
    """Knows the secrets that the settings hold; what looks like one is masked too."""

    def __init__(self, conf: HealthSettings) -> None:
        found = {secret for secret in _secrets(conf) if len(secret) >= _SHORTEST}
        # The longest first: one may hold another.
        self._secrets = sorted(found, key=len, reverse=True)

    def result(self, result: CheckResult) -> CheckResult:
        """Return the same result, fit to be shown."""
        finding = result.finding
        texts = tuple(self.text(one) for one in finding.details)
        finding = replace(finding, sentence=self.text(finding.sentence), details=texts)
        return replace(result, finding=finding)

    def text(self, text: str) -> str:
        """Return one line, fit to be shown."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return mask_text(text)


def _secrets(conf: HealthSettings) -> Iterator[str]:
    yield settings.SECRET_KEY
    for alias in connections:
        yield str(connections[alias].settings_dict.get("PASSWORD") or "")
    for server in servers(conf):
        yield from secrets_of(server.url)
        yield str(server.options.get("password") or "")
    for api in conf.apis.values():
        yield from secrets_of(api.url.get_secret_value())
        for value in api.headers.values():
            text = value.get_secret_value()
            # "Bearer abc": the scheme is none, and may stand alone in a message.
            yield text
            yield text.rpartition(" ")[2]
