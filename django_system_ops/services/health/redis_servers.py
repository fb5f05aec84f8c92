"""Redis: the servers that the site is set up with answer PING."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.conf import settings

from django_system_ops.conf.health import HealthSettings
from django_system_ops.engine.findings import Finding, State
from django_system_ops.services.health.probes import Probe
from django_system_ops.services.http_exchange import shown_address

__all__ = ["RedisServer", "probes", "servers"]

_SCHEMES = ("redis://", "rediss://", "unix://")
_CELERY_KEYS = ("broker_url", "result_backend")
# What a cache tells its client beside the address that a PING needs as well.
_LOG_IN_OPTIONS = re.compile(r"username|password|db|ssl_\w+")


@dataclass(frozen=True)
class RedisServer:
    """One address: where it was found, and what its client is told besides."""

    name: str
    url: str = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


def probes(conf: HealthSettings) -> Iterator[Probe]:
    """Yield one for each server, wherever its address stands."""
    found = servers(conf)
    if not found:
        yield Probe.skipped("redis", "no Redis in the settings")
    for server in found:
        yield Probe("redis", f"redis:{server.name}", partial(_ask, server))


def servers(conf: HealthSettings) -> list[RedisServer]:
    """Return the servers that the settings name, each address once."""
    by_url: dict[str, RedisServer] = {}
    for server in (*_own(conf), *_of_caches(), *_of_celery()):
        by_url.setdefault(server.url, server)
    return list(by_url.values())


def _own(conf: HealthSettings) -> Iterator[RedisServer]:
    if url := conf.redis_url.get_secret_value():
        yield RedisServer("settings", url)


def _of_caches() -> Iterator[RedisServer]:
    for alias, cache in settings.CACHES.items():
        raw = cache.get("OPTIONS") or {}
        options = {key.lower(): raw[key] for key in raw if _LOG_IN_OPTIONS.fullmatch(key.lower())}
        yield from _several(f"cache-{alias}", cache.get("LOCATION"), options)


def _of_celery() -> Iterator[RedisServer]:
    nested = getattr(settings, "CELERY", None)
    for key in _CELERY_KEYS:
        value = nested.get(key) if isinstance(nested, Mapping) else None
        flat = getattr(settings, f"CELERY_{key.upper()}", None)
        yield from _several(f"celery-{key.replace('_', '-')}", value or flat)


def _several(
    name: str, location: object, options: Mapping[str, Any] | None = None
) -> Iterator[RedisServer]:
    if isinstance(location, str):
        location = re.split(r"[;,]", location)
    if not isinstance(location, list | tuple):
        return
    urls = [one.strip() for one in location if isinstance(one, str)]
    urls = [one for one in urls if one.startswith(_SCHEMES)]
    for number, url in enumerate(urls, start=1):
        yield RedisServer(f"{name}-{number}" if len(urls) > 1 else name, url, options or {})


def _ask(server: RedisServer, seconds: float) -> Finding:
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        return Finding(State.FAIL, 'its library is missing: pip install "django-opskit[redis]"')
    # Celery spells this option in its own way.
    url = re.sub(
        r"(ssl_cert_reqs=)CERT_(\w+)", lambda found: found[1] + found[2].lower(), server.url
    )
    client = Redis.from_url(
        url,
        **{
            **server.options,
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
            "retry": Retry(NoBackoff(), 0),
        },
    )
    try:
        client.ping()
    finally:
        client.close()
    return Finding(State.OK, "answers PING", (shown_address(server.url),))
