"""Rules that a site brings: whether a class is one, and the settings with a key for each."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeVar

from django.utils.module_loading import import_string
from pydantic import Field, create_model

from django_job_automation.rule_settings import RuleSettings, job_type_field
from django_opskit.conf import AppSettings

__all__ = ["imported", "unfit", "with_rules"]

_NAME_LENGTH = 50
_PARTS = ("name", "title", "settings", "find", "clean")

_Model = TypeVar("_Model", bound=AppSettings)


def imported(path: Any) -> Any:
    """Return what stands at a dotted path; ValueError says why nothing does."""
    try:
        return import_string(path)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{path!r} cannot be imported: {error}") from error


def unfit(rule: Any) -> str:
    """Return why something is no rule; "" when it is one."""
    return next(_faults(rule), "")


def _faults(rule: Any) -> Iterator[str]:
    """Yield what is wrong with a rule; what follows may fail on what was yielded."""
    if not isinstance(rule, type):
        yield "is no class"
    for part in _PARTS:
        if not hasattr(rule, part):
            yield f"has no {part!r}: see django_job_automation.rules.Rule"
    name, settings = _attribute(rule, "name"), _attribute(rule, "settings")
    is_name = isinstance(name, str) and name.isidentifier() and name == name.lower()
    if not is_name or name.startswith("_"):
        yield f"has the name {name!r}: it must be an identifier in lower case"
    if len(name) > _NAME_LENGTH:
        yield f"has a name of {len(name)} characters: {_NAME_LENGTH} at most"
    if not (isinstance(settings, type) and issubclass(settings, RuleSettings)):
        yield "has settings that do not derive from RuleSettings"
    for key, field in settings.model_fields.items():
        if field.is_required():
            yield f"has settings without a default for {key!r}"
    try:
        rule()
    except Exception as error:  # noqa: BLE001  # whatever its constructor does
        yield f"cannot be made without arguments: {error}"


def _attribute(rule: Any, name: str) -> Any:
    return getattr(rule, name)


@lru_cache(maxsize=32)
def with_rules(model: type[_Model], *rules: type[Any]) -> type[_Model]:
    """Return the settings with a key for each of these rules."""
    sections: dict[str, Any] = {}
    for rule in rules:
        name = _attribute(rule, "name")
        settings: type[RuleSettings] = _attribute(rule, "settings")
        # Its jobs are of a type that is called like it, unless its own settings say otherwise.
        job_type = job_type_field(settings().job_type_id or name)
        named: Any = create_model(
            f"{rule.__name__}Settings", __base__=settings, job_type_id=(str, job_type)
        )
        about = Field(default_factory=named, description=f"The rule {_attribute(rule, 'title')}.")
        sections[name.upper()] = (named, about)
    return create_model(model.__name__, __base__=model, **sections)
