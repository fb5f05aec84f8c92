"""Caches: what is put into each comes out again."""

import secrets
from collections.abc import Iterator
from functools import partial

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache

from django_system_ops.conf.health import HealthSettings
from django_system_ops.engine.findings import Finding, State
from django_system_ops.services.health.probes import CannotAskError, Probe

__all__ = ["probes"]

# Where the key cannot be deleted, it goes by itself.
_KEPT_SECONDS = 30


def probes(_conf: HealthSettings) -> Iterator[Probe]:
    """Yield one for each alias."""
    for alias in settings.CACHES:
        yield Probe("cache", f"cache:{alias}", partial(_ask, alias))


def _ask(alias: str, _seconds: float) -> Finding:
    cache = caches[alias]
    if isinstance(cache, DummyCache):
        raise CannotAskError("it is a dummy, which keeps nothing")
    # Random: two checks at once must not read what the other wrote.
    key, value = f"opskit-health-{secrets.token_hex(8)}", secrets.token_hex(8)
    cache.set(key, value, _KEPT_SECONDS)
    try:
        if cache.get(key) != value:
            return Finding(State.FAIL, "what was put into it did not come out again")
    finally:
        cache.delete(key)
    if cache.get(key) is not None:
        return Finding(State.FAIL, "what was deleted is still in it")
    return Finding(State.OK, "keeps, returns and deletes")
