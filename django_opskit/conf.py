"""
Typed settings: one pydantic model per app, read anew on each call.

An app declares its settings once::

    class OutboxSettings(AppSettings, setting="OUTBOX"):
        LEASE_SECONDS: int = Field(60, ge=5, description="How long a worker may hold a job.")

and gets from that declaration the reader (:meth:`AppSettings.read`), the system checks
(:func:`settings_check`) and the rows of the reference page (:func:`reference_rows`).

``override_settings`` and plain assignment in a test work at once: what was read is used again only
while the setting is equal to what it was.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ClassVar, Self, cast, get_args, get_origin

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from django_opskit.masking import mask_secrets

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
    hint: str = ""


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
    makes the whole setting optional, the second is its documentation. With ``flat=True`` each
    field is a setting by itself, ``settings.<field>``, and there is no dict.
    """

    setting: ClassVar[str] = ""
    is_flat: ClassVar[bool] = False
    # What the site wrote when it was last read, and what that meant.
    _last_read: ClassVar[tuple[object, SettingsModel] | None]

    def __init_subclass__(cls, *, setting: str = "", flat: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._last_read = None
        cls.is_flat = flat or cls.is_flat
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
        if cls.is_flat:
            names = (name for name in cls.model_fields if hasattr(settings, name))
            return {name: getattr(settings, name) for name in names}
        return getattr(settings, cls.setting, {})

    @classmethod
    def read(cls) -> Self:
        """
        Return the validated settings as they are now.

        Raises:
            ImproperlyConfigured: names every wrong key, its value and the way out.
        """
        raw = cls.raw()
        if cls._last_read is not None and cls._last_read[0] == raw:
            return cast(Self, cls._last_read[1])
        try:
            settings_now = cls.parsed(raw)
        except ValidationError:
            sentences = (f"{problem.message} {problem.hint}" for problem in cls.problems())
            raise ImproperlyConfigured(" ".join(sentences).strip()) from None
        # A copy: a dict that is changed in place has to be seen as another.
        cls._last_read = (deepcopy(raw), settings_now)
        return settings_now

    @classmethod
    def model_for(cls, raw: object) -> type[Self]:  # noqa: ARG003  # for those that override it
        """
        Return the model that ``raw`` is validated by.

        Override it where one key of a setting brings others. It must not raise, whatever ``raw``
        is.
        """
        return cls

    @classmethod
    def parsed(cls, raw: object) -> Self:
        """Return what ``raw`` would mean as the setting; pydantic's ValidationError if nothing."""
        return cls.model_for(raw).model_validate(raw)

    @classmethod
    def problems(cls) -> list[SettingProblem]:
        """Return what is wrong with the setting, one entry per key; empty when all is well."""
        return cls.problems_of(cls.raw())

    @classmethod
    def problems_of(cls, raw: object) -> list[SettingProblem]:
        """Return what would be wrong if ``raw`` were the setting."""
        model = cls.model_for(raw)
        try:
            model.model_validate(raw)
        except ValidationError as error:
            return [_problem(model, raw, detail) for detail in error.errors()]
        return []


def settings_check(
    model: type[AppSettings], app_label: str
) -> Callable[..., Sequence[CheckMessage]]:
    """
    Return a system check that reports the problems of ``model`` under ``app_label``.

    Ids: ``E001`` the setting is not a dict, ``E002`` an unknown key, ``E003`` a wrong value.
    """

    def check(**_kwargs: object) -> list[CheckMessage]:
        return [
            Error(problem.message, hint=problem.hint or None, id=f"{app_label}.{problem.code}")
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
            default="required" if field.is_required() else _default(field),
            description=field.description or "",
        )
        for nested, chosen in _nested_models(field.annotation):
            yield from reference_rows(nested, prefix=f"{path}{chosen}.")


def _default(field: FieldInfo) -> str:
    return _plain(field.get_default(call_default_factory=True))


def _plain(value: object) -> str:
    """Return the ``repr`` of what one would write in the settings: dicts for models."""
    if isinstance(value, BaseModel):
        value = {key: getattr(value, key) for key in value.model_fields_set}
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_plain(item)}" for key, item in value.items()) + "}"
    return repr(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _type_name(annotation: Any) -> str:
    is_plain = isinstance(annotation, type) and not get_args(annotation)
    text = annotation.__name__ if is_plain else str(annotation)
    for nested, _ in _nested_models(annotation):
        text = re.sub(rf"[\w.]*\b{nested.__name__}\b", "dict", text)
    # Without modules, some of which are called otherwise in the next version of Python.
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Z])", "", text)


def _nested_models(annotation: Any) -> Iterator[tuple[type[SettingsModel], str]]:
    """Yield the models inside a type, each with the keys that the site chooses before it."""
    origin = get_origin(annotation)
    if origin is None and isinstance(annotation, type) and issubclass(annotation, SettingsModel):
        yield annotation, ""
    chosen = ".<name>" if origin is dict else "[]" if origin in (list, tuple) else ""
    for argument in get_args(annotation):
        for nested, keys in _nested_models(argument):
            yield nested, chosen + keys


@dataclass
class _Place:
    """Where in a setting something is wrong, and what the declaration says about that place."""

    name: str  # as in Python: OUTBOX['QUEUES']['mail']
    key: int | str
    value: Any
    model: type[SettingsModel]  # whose keys may stand there
    field: FieldInfo | None = None  # the nearest one


def _place(model: type[AppSettings], raw: object, location: Sequence[int | str]) -> _Place:
    place = _Place(name=model.setting, key=model.setting, value=raw, model=model)
    inside: type[SettingsModel] = model
    for part in location:
        field = inside.model_fields.get(str(part))
        try:
            place.value = place.value[part]
        except (LookupError, TypeError):
            # pydantic puts more into a location than keys: members of unions, "[key]".
            if field is None:
                continue
        # A flat setting has no dict around it.
        place.name = f"{place.name}[{part!r}]" if place.name else str(part)
        place.key, place.model = part, inside
        if field is not None:
            place.field = field
            inside, _ = next(_nested_models(field.annotation), (inside, ""))
    return place


def _problem(model: type[AppSettings], raw: object, detail: ErrorDetails) -> SettingProblem:
    """Turn one pydantic error into a sentence with the key, the value and the way out."""
    place, kind = _place(model, raw, detail["loc"]), detail["type"]
    if place.value is raw and kind != "value_error":
        return SettingProblem(
            "E001",
            f"{place.name} must be a dict, got {_shown(place)}.",
            f"Write {place.name} = {{...}}, or leave it out to use the defaults.",
        )
    if kind in ("extra_forbidden", "invalid_key"):
        return SettingProblem("E002", f"{place.name} is not a setting.", _known_keys(place))
    if kind == "value_error":
        reason = str(detail["ctx"]["error"]).rstrip(".")
    else:
        reason = detail["msg"].removeprefix("Input ").rstrip(".")
        reason = reason[:1].lower() + reason[1:]
    if detail["loc"][-1:] == ("[key]",):
        reason = f"its key {reason}"
    elif kind != "missing" and not isinstance(place.value, Mapping):
        reason = f"{reason}, got {_shown(place)}"
    return SettingProblem("E003", f"{place.name}: {reason}.", _advice(place))


def _shown(place: _Place, limit: int = 120) -> str:
    key = str(place.key)
    text = repr(mask_secrets({key: place.value})[key])
    return text if len(text) <= limit else f"{text[:limit]}…"


def _known_keys(place: _Place) -> str:
    known = {name.lower(): name for name in place.model.model_fields}
    if close := get_close_matches(str(place.key).lower(), known, n=1):
        return f"Did you mean {known[close[0]]!r}?"
    return f"Known keys: {', '.join(known.values())}."


def _advice(place: _Place) -> str:
    if place.field is None:
        return ""
    if place.field.is_required() or place.key not in place.model.model_fields:
        return place.field.description or ""
    return f"{place.field.description or ''} Leave it out to use {_default(place.field)}.".strip()
