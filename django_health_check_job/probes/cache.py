"""Does a cache keep what is put into it?"""

from contextlib import closing
from dataclasses import dataclass
from uuid import uuid4

from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.cache.backends.dummy import DummyCache

from django_health_check_job.probes.base import Down, ProbeResult
from django_health_check_job.probes.builtin import BuiltIn

__all__ = ["Cache"]

#: How long a key lives that could not be deleted.
_KEY_SECONDS = 60


@dataclass
class Cache(BuiltIn):
    """
    DOWN when a cache does not give back what was put into it.

    The key is another one in each run, so that monitors do not disturb each other; the client is
    new for each run too, where the cache has one.

    Args:
        alias: its key in CACHES.
    """

    alias: str = DEFAULT_CACHE_ALIAS

    def run(self) -> ProbeResult | None:
        """Write, read and delete one key."""
        step = "cannot be opened"
        try:
            # caches[alias] would be this thread's, with connections that may have died meanwhile.
            with closing(caches.create_connection(self.alias)) as cache:
                if isinstance(cache, DummyCache):
                    return ProbeResult(message="OK: it is set up to keep nothing (DummyCache)")
                key, value = f"django_health_check_job:{uuid4().hex}", uuid4().hex
                step = "cannot be written to"
                cache.set(key, value, timeout=_KEY_SECONDS)
                step = "cannot be read"
                if cache.get(key) != value:
                    # What memcached says when it is away, and any cache that has no room.
                    raise Down("does not keep what is written to it")
                step = "cannot be deleted from"
                if cache.delete(key) is False:
                    raise Down("has lost within this run what it had kept")
        except Down:
            raise
        # Clients raise what they like: redis-py's errors are no OSError, and pymemcache's neither.
        except Exception as error:
            raise Down(f"{step} ({type(error).__name__})") from error
        return None

    def _check_options(self) -> None:
        self._require_alias(self.alias, caches.settings, "CACHES")

    def _own_name(self) -> str:
        return f"Cache {self.alias}"
