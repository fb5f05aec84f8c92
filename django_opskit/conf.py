"""
Typed settings: one pydantic model per app, read anew on each call.

An app declares its settings once::

    class OutboxSettings(AppSettings, setting="OUTBOX"):
        LEASE_SECONDS: int = Field(60, ge=5, description="How long a worker may hold a job.")

and gets from that declaration the reader (:meth:`AppSettings.read`), the system checks
(:func:`settings_check`) and the rows of the reference page (:func:`reference_rows`).

Nothing is cached: ``override_settings`` and plain assignment in a test work at once. Reading
costs a few microseconds; a loop reads once per pass, not once per row.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ClassVar, Self, get_args

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticUndefined

__all__ = [
    "AppSettings",
    "ReferenceRow",
    "SettingProblem",
    "SettingsModel",
    "reference_rows",
    "settings_check",
]


class SettingsModel(BaseModel):
    """A dict inside a setting: strict, frozen, unknown keys forbidden."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True)
class SettingProblem:
    """One thing wrong with a setting: ``code`` is the number of its check id."""

    code: str
    message: str
    hint: str | None = None


@dataclass(frozen=True)
class ReferenceRow:
    """One line of the settings reference: the key's path, type, default and its sentence."""

    path: str
    type: str
    default: str
    description: str


class AppSettings(SettingsModel):
    """
    The settings of one app, a dict in ``settings.<setting>``.

    Subclass with ``setting="NAME"``. Every field needs a default and a description: the first
    makes the whole setting optional, the second is its documentation.
    """

    setting: ClassVar[str]

    def __init_subclass__(cls, *, setting: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if setting:
            cls.setting = setting

    # pydantic calls __init_subclass__ before the fields exist and this hook after.
    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__()
        for name, field in cls.model_fields.items():
            if field.is_required() or not field.description:
                raise TypeError(f"{cls.__name__}.{name} needs a default and a description.")

    @classmethod
    def raw(cls) -> object:
        """Return what the site wrote, before validation; ``{}`` when it wrote nothing."""
        return getattr(settings, cls.setting, {})

    @classmethod
    def read(cls) -> Self:
        """
        Return the validated settings as they are now.

        Raises:
            ImproperlyConfigured: names every wrong key, its value and the way out.
        """
        try:
            return cls.model_validate(cls.raw())
        except ValidationError as error:
            problems = [_problem(cls, cls.raw(), detail) for detail in error.errors()]
            text = " ".join(f"{p.message} {p.hint or ''}".strip() for p in problems)
            raise ImproperlyConfigured(text) from None

    @classmethod
    def problems(cls) -> list[SettingProblem]:
        """Return what is wrong with the setting, one entry per key; empty when all is well."""
        try:
            cls.model_validate(cls.raw())
        except ValidationError as error:
            return [_problem(cls, cls.raw(), detail) for detail in error.errors()]
        return []


def settings_check(
    model: type[AppSettings], app_label: str
) -> Callable[..., Sequence[CheckMessage]]:
    """
    Return a system check that reports the problems of ``model`` under ``app_label``.

    Ids: ``E001`` the setting is not a dict, ``E002`` an unknown key, ``E003`` a wrong value.
    """

    def check(**kwargs: object) -> list[CheckMessage]:
        return [
            Error(problem.message, hint=problem.hint, id=f"{app_label}.{problem.code}")
            for problem in model.problems()
        ]

    return check


def reference_rows(model: type[SettingsModel], prefix: str = "") -> Iterator[ReferenceRow]:
    """Yield the documentation of each key of ``model``, nested models after their key."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        yield ReferenceRow(
            path=path,
            type=_type_name(field.annotation),
            default=_default(field.get_default(call_default_factory=True)),
            description=field.description or "",
        )
        for nested, key in _nested_models(field.annotation):
            yield from reference_rows(nested, prefix=f"{path}{key}.")


def _default(value: object) -> str:
    if isinstance(value, BaseModel):
        return "{}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {_default(v)}" for k, v in value.items()) + "}"
    return repr(value)


def _type_name(annotation: Any) -> str:
    if isinstance(annotation, type) and not get_args(annotation):
        return "dict" if issubclass(annotation, BaseModel) else annotation.__name__
    if isinstance(annotation, type) or not (args := get_args(annotation)):
        return str(annotation).replace("typing.", "").rsplit(".", 1)[-1]
    names = [_type_name(a) if not isinstance(a, str) else repr(a) for a in args]
    origin = getattr(annotation, "__origin__", None)
    if isinstance(origin, type):
        return f"{origin.__name__}[{', '.join(names)}]"
    return " | ".join(names)


def _nested_models(annotation: Any) -> Iterator[tuple[type[SettingsModel], str]]:
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, SettingsModel):
            yield annotation, ""
        return
    is_dict = getattr(annotation, "__origin__", None) is dict
    for argument in get_args(annotation):
        for nested, key in _nested_models(argument):
            yield nested, f".<name>{key}" if is_dict else key


def _problem(model: type[AppSettings], raw: object, detail: ErrorDetails) -> SettingProblem:
    """Turn one pydantic error into a sentence with the key, the value and the way out."""
    location = list(detail["loc"])
    if not location and detail["type"] != "value_error":
        return SettingProblem(
            "E001",
            f"{model.setting} must be a dict, got {_shown(raw)}.",
            f"Write {model.setting} = {{...}}, or leave it out to use the defaults.",
        )
    name = model.setting + "".join(f"[{part!r}]" for part in location if part != "[key]")
    if detail["type"] == "value_error" and not location:
        # Two keys that do not go together: the validator's sentence names both.
        return SettingProblem("E003", f"{name}: {detail['ctx']['error']}.")
    if detail["type"] == "extra_forbidden":
        return SettingProblem("E002", f"{name} is not a setting.", _known_keys(model, location))
    reason = detail["msg"].removeprefix("Value error, ").removeprefix("Input ").rstrip(".")
    reason = reason[:1].lower() + reason[1:]
    shown = _shown(_value_at(raw, location))
    return SettingProblem("E003", f"{name}: {reason}, got {shown}.", _advice(model, location))


def _shown(value: object, limit: int = 120) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"


def _value_at(raw: object, location: Sequence[int | str]) -> object:
    for part in location:
        # A location may hold more than keys: "[key]" marks a wrong key, not a place.
        in_mapping = isinstance(raw, Mapping) and part in raw
        in_sequence = isinstance(raw, list | tuple) and isinstance(part, int) and part < len(raw)
        if in_mapping or in_sequence:
            raw = raw[part]  # type: ignore[index]  # narrowed by the two names above
    return raw


def _model_at(model: type[SettingsModel], location: Sequence[int | str]) -> type[SettingsModel]:
    """Return the model whose keys stand at ``location``."""
    for part in location:
        field = model.model_fields.get(str(part))
        if field is None:
            continue
        for nested, _ in _nested_models(field.annotation):
            model = nested
    return model


def _known_keys(model: type[AppSettings], location: Sequence[int | str]) -> str:
    known = list(_model_at(model, location[:-1]).model_fields)
    close = get_close_matches(str(location[-1]).upper(), known, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known keys: {', '.join(known)}."


def _advice(model: type[AppSettings], location: Sequence[int | str]) -> str | None:
    field = _model_at(model, location[:-1]).model_fields.get(str(location[-1]))
    if field is None:
        return None
    default = field.get_default(call_default_factory=True)
    if default is PydanticUndefined:
        return field.description
    return f"{field.description} Leave it out to use {_default(default)}."
