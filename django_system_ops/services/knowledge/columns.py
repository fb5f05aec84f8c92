"""Values of rows: what changed, how they are kept in a file, and what tells two rows apart."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from types import SimpleNamespace
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.encoding import is_protected_type

from django_system_ops.exceptions import BadRowError, SystemOpsError
from django_system_ops.services.knowledge.registry import Row

__all__ = ["Columns"]


class Columns:
    """The columns of a model, by the names under which rows have them."""

    def __init__(self, model: type[models.Model], version: str) -> None:
        """Take the model, and the name of its field for the version."""
        meta = model._meta
        self._fields: dict[str, models.Field[Any, Any]] = {
            one.attname: one for one in meta.concrete_fields
        }
        assert meta.pk is not None
        self.pk = meta.pk.attname
        self._pk = meta.pk
        self._version = version

    @property
    def names(self) -> Sequence[str]:
        """Return the names of all columns."""
        return tuple(self._fields)

    def field(self, name: str) -> "models.Field[Any, Any]":
        """Return the field of a column."""
        return self._fields[name]

    def require_same_rows(self, before: Sequence[Row], after: Sequence[Row]) -> None:
        """
        Do nothing if a step has left the rows those that they were.

        Raises:
            BadRowError: it has added or removed rows or columns, or changed a key.
        """
        if len(before) != len(after):
            raise BadRowError(
                None, f"the step was given {len(before)} rows, and left {len(after)} in the list"
            )
        for old, new in zip(before, after, strict=True):
            found: Any = new  # the site's code may have put anything there
            names = set(found) if isinstance(found, dict) else {type(found).__name__}
            if odd := names ^ old.keys():
                named = ", ".join(sorted(map(repr, odd)))
                raise BadRowError(old[self.pk], f"the step may not add or remove columns: {named}")
            if new[self.pk] != old[self.pk]:
                raise BadRowError(old[self.pk], "the step changed its key, or its place")

    def changes(self, before: Row, after: Row) -> Row:
        """
        Return the columns that a step has changed, with values as the model wants them.

        The version is not among them: it is not the step's.

        Raises:
            BadRowError: a value does not fit its column, or the column cannot be written.
        """
        found: Row = {}
        for name, field in self._fields.items():
            old, new = before[name], after[name]
            if name == self._version or _is_same(old, new):
                continue
            if getattr(field, "generated", False):
                raise BadRowError(before[self.pk], f"{field.name} is computed by the database")
            found[name] = self._cleaned(field, new, before[self.pk])
        return found

    def kept(self, row: Row, names: Sequence[str]) -> dict[str, Any]:
        """Return values as they are kept in a file."""
        holder = cast(models.Model, SimpleNamespace(**row))
        return {name: _kept(self._fields[name], holder) for name in names}

    def restored(self, kept: Mapping[str, Any]) -> Row:
        """
        Return values that were kept in a file.

        Raises:
            SystemOpsError: the model has one of the columns no more.
        """
        if missing := kept.keys() - self._fields.keys():
            names = ", ".join(sorted(missing))
            raise SystemOpsError(
                f"The rows as they were have values of {names}, and the model has no such field "
                "any more. Take the site's own migration back first."
            )
        return {name: self._restored(name, value) for name, value in kept.items()}

    def key(self, kept: Any) -> Any:
        """Return a primary key that was kept in a file."""
        return self._restored(self.pk, kept)

    def fingerprint(self, row: Row, names: Sequence[str] = ()) -> str:
        """
        Return what a row is told by from what it was before or after: a hash of its values.

        Of the columns ``names``, or of all; "" if one of them is there no more.
        """
        names = names or self.names
        if not row.keys() >= set(names):
            return ""
        kept = self.kept(row, names)
        return hashlib.sha256(_text(kept).encode()).hexdigest()

    def require_restorable(self, row: Row, names: Sequence[str]) -> None:
        """
        Do nothing if values come back from a file as they were.

        Raises:
            BadRowError: a field's ``value_to_string`` and ``to_python`` do not fit each other.
        """
        kept = json.loads(json.dumps(self.kept(row, names), cls=_Encoder))
        for name, value in self.restored(kept).items():
            if value != row[name]:
                field = self._fields[name]
                raise BadRowError(
                    row[self.pk],
                    f"{field.name} could not be restored: {type(field).__name__} does not read "
                    "what it writes",
                )

    def _restored(self, name: str, value: Any) -> Any:
        field = self._fields[name]
        if value is None or isinstance(field, models.JSONField):
            return value
        return _plain(field.to_python(value))

    def _cleaned(self, field: "models.Field[Any, Any]", value: Any, pk: object) -> Any:
        if value is None:
            if not field.null:
                raise BadRowError(pk, f"{field.name} may not be empty")
            return None
        try:
            cleaned = value if isinstance(field, models.JSONField) else field.to_python(value)
            field.run_validators(cleaned)
        except ValidationError as error:
            raise BadRowError(
                pk, f"{field.name}: {' '.join(error.messages).rstrip('.')}"
            ) from error
        return cleaned


def _is_same(old: Any, new: Any) -> bool:
    if type(old) is not type(new) or old != new:
        return False
    if not isinstance(old, dict | list):
        return True
    # Python takes 1, 1.0 and True for one inside them; JSON has three.
    return _text(old) == _text(new)


def _text(value: Any) -> str:
    try:
        return json.dumps(value, cls=_Encoder, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError):
        return repr(value)  # keys of several kinds: the database is to say what it thinks of it


def _kept(field: "models.Field[Any, Any]", holder: models.Model) -> Any:
    value = field.value_from_object(holder)
    is_plain: bool = is_protected_type(value)
    return value if is_plain else field.value_to_string(holder)


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview | bytearray) else value


class _Encoder(DjangoJSONEncoder):
    """Django's encoder, which would cut moments off at the millisecond."""

    def default(self, o: Any) -> Any:
        if isinstance(o, datetime | time):
            return o.isoformat()
        try:
            return super().default(o)
        except TypeError:
            return str(o)  # what a decoder of the site's own made of JSON
