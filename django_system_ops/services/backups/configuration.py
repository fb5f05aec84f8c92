"""The site's configuration as it may be looked up later; secrets are never in it."""

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import PurePath
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from django_opskit.masking import MASK, mask_secrets, mask_text

__all__ = ["configuration"]

# Beyond what masking knows by name: in settings, these hold secrets too.
_SECRET_NAME = re.compile(r"(?:^|_)(?:dsn|keys?|salt|pin|cert|license)(?:$|_)", re.IGNORECASE)
_USER_OF_URL = re.compile(r"(?<=://)[^/\s@]+@")
# A shorter secret may stand in any word.
_SHORTEST_SECRET = 4


def configuration() -> dict[str, Any]:
    """Return settings, packages and migrations, as JSON has them."""
    with warnings.catch_warnings():
        # Django warns of old settings that it has itself; they are only looked at here.
        warnings.simplefilter("ignore")
        raw = {name: getattr(settings, name) for name in sorted(_names())}
    packages = {one.metadata["Name"]: one.version for one in distributions()}
    return {
        "settings": settings_without_secrets(raw),
        "settings_module": os.environ.get("DJANGO_SETTINGS_MODULE", ""),
        "packages": dict(sorted(packages.items())),
        "migrations": _migrations(),
        "apps": sorted(one.name for one in apps.get_app_configs()),
    }


def settings_without_secrets(raw: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return settings as JSON has them, secrets masked: by their names, in URLs, and wherever the
    same words stand again. What JSON cannot have is named by its type.
    """
    plain = _plain(raw)
    masked = _masked(plain)
    secrets = sorted(_hidden(plain, masked), key=len, reverse=True)
    found: dict[str, Any] = _without(masked, secrets)
    return found


def _names() -> set[str]:
    return {name for name in dir(settings) if name.isupper()}


def _migrations() -> list[str]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return sorted(f"{app}.{name}" for app, name in loader.disk_migrations)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, PurePath) or type(value).__name__ == "__proxy__":
        return str(value)
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: MASK if _SECRET_NAME.search(key) and item else _masked(item)
            for key, item in mask_secrets(value).items()
        }
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return _USER_OF_URL.sub(f"{MASK}@", mask_text(value)) if isinstance(value, str) else value


def _hidden(plain: Any, masked: Any) -> Iterator[str]:
    """Yield what was masked as a whole."""
    if masked == MASK and plain != MASK:
        yield from _texts(plain)
    elif isinstance(plain, dict) and isinstance(masked, dict):
        for key, item in plain.items():
            yield from _hidden(item, masked.get(key))
    elif isinstance(plain, list) and isinstance(masked, list):
        for item, hidden in zip(plain, masked, strict=False):
            yield from _hidden(item, hidden)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= _SHORTEST_SECRET:
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _without(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
        return value
    if isinstance(value, dict):
        return {_without(key, secrets): _without(item, secrets) for key, item in value.items()}
    return [_without(item, secrets) for item in value] if isinstance(value, list) else value
