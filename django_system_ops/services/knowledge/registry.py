"""The site's steps from version to version, as the settings name them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models
from django.utils.module_loading import import_string

from django_system_ops.conf import get_conf
from django_system_ops.engine.version_graph import VersionGraph, version_key
from django_system_ops.exceptions import SystemOpsError, WrongUsageError
from django_system_ops.services.data_types import DataType, data_type

__all__ = ["Problem", "Registry", "Row", "Step", "load_registry", "problems"]

#: A row as steps get it: the values of its columns by the names of the fields, with ``_id``
#: behind those of foreign keys.
Row = dict[str, Any]

_PLACE = "MANAGEMENT_COMMANDS['knowledge_base']"


class Step(Protocol):
    """
    One step of the site's own: from one version to the next.

    ``forward`` gets the rows of a batch in the order of their keys, changes them in place and
    returns nothing. The same rows have to become the same again: a batch that was interrupted is
    done once more.

    Two more methods may be there. ``backward(rows)`` is the way back, in the same manner.
    ``validate(rows)`` yields ``(row, reason)`` for each row of the version ``to_version`` that is
    not as it should be, and changes nothing.
    """

    from_version: str
    to_version: str

    def forward(self, rows: list[Row]) -> None:
        """Bring rows of ``from_version`` to ``to_version``."""


@dataclass(frozen=True)
class LoadedStep:
    """A step of the registry, with what it has."""

    path: str
    from_version: str
    to_version: str
    forward: Callable[[list[Row]], object]
    backward: Callable[[list[Row]], object] | None
    validate: Callable[[list[Row]], Iterable[tuple[Row, str]] | None] | None

    def __str__(self) -> str:
        return f"{self.from_version} -> {self.to_version} ({self.path})"


@dataclass(frozen=True)
class Problem:
    """Something wrong with the settings: the number of a check, and a sentence."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Registry:
    """The kind of data that has versions, its field for them, and the steps between them."""

    kind: DataType
    field: "models.Field[Any, Any]"
    steps: Sequence[LoadedStep]
    graph: VersionGraph

    def step(self, before: str, after: str) -> LoadedStep | None:
        """Return the step between two versions; None if there is none any more."""
        for one in self.steps:
            if (one.from_version, one.to_version) == (before, after):
                return one
        return None

    def validators(self, version: str) -> list[LoadedStep]:
        """Return the steps that say what rows of a version have to be like."""
        return [one for one in self.steps if one.to_version == version and one.validate]

    def named(self, text: str) -> str:
        """
        Return the known version that ``--version`` means.

        Raises:
            WrongUsageError: there is none; it lists those that are.
        """
        try:
            found = self.graph.spelled(text)
        except ValueError as error:
            raise WrongUsageError(f"--version: {error}.") from None
        if found is None:
            known = ", ".join(self.graph.versions)
            raise WrongUsageError(f"--version {text!r}: no step knows it. Known: {known}.")
        return found

    def passes_to(self, target: str, present: Iterable[str]) -> list[LoadedStep]:
        """Return the steps that take the versions ``present`` to ``target``, the first first."""
        paths = [path for one in present if (path := self.graph.path(one, target))]
        # From a version one way leads to the target: all rows of a step go on by the same one.
        edges = {edge for path in paths for edge in pairwise(path)}
        found = [one for one in self.steps if (one.from_version, one.to_version) in edges]
        return sorted(found, key=lambda one: version_key(one.from_version))


def load_registry() -> Registry:
    """
    Return what the settings say.

    Raises:
        ImproperlyConfigured: they are wrong; the first thing that is.
        SystemOpsError: there are no steps.
    """
    conf = get_conf().knowledge_base
    if not conf.steps:
        raise SystemOpsError(
            f"There are no versions to migrate between: name the steps in {_PLACE}['steps']."
        )
    for problem in problems():
        raise ImproperlyConfigured(f"{problem.message} {problem.hint}".strip())
    kind = data_type(conf.type)
    steps = [_load(path) for path in conf.steps]
    return Registry(
        kind,
        kind.model._meta.get_field(conf.version_field),  # type: ignore[arg-type]  # E091
        steps,
        VersionGraph((one.from_version, one.to_version) for one in steps),
    )


def problems() -> Iterator[Problem]:
    """
    Yield what is wrong with ``MANAGEMENT_COMMANDS["knowledge_base"]``; nothing without steps.

    Raises:
        ImproperlyConfigured: another part of the settings is wrong.
    """
    conf = get_conf().knowledge_base
    if not conf.steps:
        return
    steps: list[LoadedStep] = []
    for path in conf.steps:
        try:
            steps.append(_load(path))
        except SystemOpsError as error:
            yield Problem("E092", str(error), _STEP_HINT)
    yield from _model_problems(conf.type, conf.version_field, steps)
    yield from _graph_problems(steps)


_STEP_HINT = (
    "Name classes that need no arguments and have from_version, to_version and forward(rows)."
)


def _load(path: str) -> LoadedStep:
    place = f"{_PLACE}['steps']: {path!r}"
    try:
        found = import_string(path)
        step = found() if isinstance(found, type) else found
    except Exception as error:  # the site's own code: whatever it raises is its story
        raise SystemOpsError(f"{place} cannot be had: {error}") from error
    lacking = [one for one in ("from_version", "to_version", "forward") if not hasattr(step, one)]
    if lacking:
        raise SystemOpsError(f"{place} is no step: it lacks {', '.join(lacking)}.")
    for name in ("from_version", "to_version"):
        if not isinstance(getattr(step, name), str):
            raise SystemOpsError(f"{place}: {name} is no text: {getattr(step, name)!r}.")
    for name in ("forward", "backward", "validate"):
        if getattr(step, name, None) is not None and not callable(getattr(step, name)):
            raise SystemOpsError(f"{place}: {name} cannot be called.")
    return LoadedStep(
        path,
        step.from_version,
        step.to_version,
        step.forward,
        getattr(step, "backward", None),
        getattr(step, "validate", None),
    )


def _model_problems(name: str, field: str, steps: Sequence[LoadedStep]) -> Iterator[Problem]:
    try:
        model = data_type(name).model
    except WrongUsageError as error:
        yield Problem(
            "E090",
            f"{_PLACE}['type']: {error}",
            "Name the rows in MANAGEMENT_COMMANDS['data']['types'].",
        )
        return
    except ImproperlyConfigured:
        return  # said by E050
    if len(getattr(model._meta, "pk_fields", ())) > 1:
        yield Problem("E090", f"{_PLACE}['type']: {model._meta.label} has a key of several fields.")
    place = f"{_PLACE}['version_field']: {model._meta.label}"
    try:
        found = model._meta.get_field(field)
    except FieldDoesNotExist:
        yield Problem("E091", f"{place} has no field {field!r}.", "Add it, with a migration.")
        return
    yield from _field_problems(place, found, steps)


def _field_problems(place: str, found: Any, steps: Sequence[LoadedStep]) -> Iterator[Problem]:
    if not isinstance(found, models.CharField | models.TextField | models.IntegerField):
        yield Problem(
            "E091",
            f"{place}.{found.name} is neither text nor a whole number.",
            "Use a CharField: 1.10 and 1.9 are no decimals.",
        )
        return
    if found.primary_key:
        yield Problem("E091", f"{place}.{found.name} is its key.")
    for version in dict.fromkeys(v for one in steps for v in (one.from_version, one.to_version)):
        if found.max_length is not None and len(version) > found.max_length:
            yield Problem(
                "E091", f"{place}.{found.name} has no room for {version!r}.", "Make it longer."
            )
        if isinstance(found, models.IntegerField) and not version.isdecimal():
            yield Problem(
                "E091",
                f"{place}.{found.name} is a whole number, and {version!r} is none.",
                "Use a CharField.",
            )


def _graph_problems(steps: Sequence[LoadedStep]) -> Iterator[Problem]:
    edges: dict[tuple[str, str], str] = {}
    for one in steps:
        edge = (one.from_version, one.to_version)
        if edge in edges:
            yield Problem(
                "E094",
                f"{_PLACE}['steps']: {edges[edge]!r} and {one.path!r} both lead from {edge[0]} to "
                f"{edge[1]}.",
                "Take one out.",
            )
        edges.setdefault(edge, one.path)
    try:
        graph = VersionGraph(edges)
    except ValueError as error:
        yield Problem("E093", f"{_PLACE}['steps']: {error}.")
        return
    if ambiguity := graph.ambiguity():
        yield Problem("E094", f"{_PLACE}['steps']: {ambiguity}.")
