"""What settings are in force, and where each value came from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from django_opskit.masking import mask_secrets
from django_system_ops.conf import VARIABLES, Origin, get_conf, origin_of
from django_system_ops.services.texts import plain

__all__ = ["EffectiveValue", "effective_settings"]


@dataclass(frozen=True)
class EffectiveValue:
    """
    A key and its value, as JSON has it and with secrets masked.

    Attributes:
        key: such as ``cleanup.batch_size``.
        origin: where the value came from, the command line aside.
        variable: the environment variable that can take its place; "" where there is none.
    """

    key: str
    value: Any
    origin: Origin
    variable: str = ""


def effective_settings() -> Iterator[EffectiveValue]:
    """Yield every key of ``MANAGEMENT_COMMANDS``, as it is now."""
    conf = get_conf()
    for section in type(conf).model_fields:
        value = getattr(conf, section)
        if not isinstance(value, BaseModel):
            yield _effective("", section, value)
            continue
        for key in type(value).model_fields:
            yield _effective(section, key, getattr(value, key))


def _effective(section: str, key: str, value: Any) -> EffectiveValue:
    names = {(one.section, one.key): one.name for one in VARIABLES}
    return EffectiveValue(
        key=f"{section}.{key}" if section else key,
        value=mask_secrets({key: _as_json(value)})[key],
        origin=origin_of(section, key),
        variable=names.get((section, key), ""),
    )


def _as_json(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _as_json(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    return plain(value)
