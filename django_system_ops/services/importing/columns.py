"""The columns of a file: which field each goes into, and what fills the fields without one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils import timezone

from django_system_ops.services.importing.cleaning import Cleaner, Cleaning
from django_system_ops.services.importing.links import Links, links_problem
from django_system_ops.services.importing.orders import Order
from django_system_ops.services.importing.references import Reference

__all__ = ["Cell", "Fill", "Layout", "Layouts"]

_MOST_LAYOUTS = 500

#: Gives the value of a field that the file says nothing about, from the values that are known.
Fill = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Cell:
    """
    A column that goes into a field.

    Attributes:
        clean: turns a value of the file into the field's. In its place a foreign key has
            ``reference``, and a many-to-many field ``links``.
    """

    column: str
    field: "models.Field[Any, Any]"
    clean: Cleaner | None = None
    reference: Reference | None = None
    links: Links | None = None

    @property
    def attname(self) -> str:
        """Return the attribute that the value belongs to."""
        return str(self.field.attname)


#: The column, the attribute, and what makes the one's value the other's; it may be refused.
Step = tuple[str, str, Callable[[Any], Any]]


@dataclass(frozen=True)
class Layout:
    """
    What rows with certain columns fill.

    Attributes:
        cells: the columns that go into columns of the table.
        links: those that go into a table of links.
        references: those that are foreign keys, the one that says whose the row is first.
        steps: how the values of the cells are read.
        inserted: the fields of a new row, in the order of the model; what is not among them the
            database fills itself.
        fills: the values of a new row that no column has, by attribute.
        touched: the values that every change of a row renews.
        missing: fields that a new row has to have, and that neither a column nor a default gives.
        unknown: columns that go nowhere, each with the reason.
        pk_column: the one that goes into the primary key; "" for none.
    """

    cells: tuple[Cell, ...]
    links: tuple[Cell, ...]
    references: tuple[Cell, ...]
    steps: tuple[Step, ...]
    inserted: tuple["models.Field[Any, Any]", ...]
    fills: tuple[tuple[str, Fill], ...]
    touched: tuple[tuple["models.Field[Any, Any]", Fill], ...]
    missing: tuple[str, ...]
    unknown: Mapping[str, str]
    pk_column: str

    @property
    def given(self) -> frozenset[str]:
        """Return the attributes that columns fill."""
        return frozenset(cell.attname for cell in self.cells)


class Layouts:
    """
    The layouts of a file: one, unless its rows differ in what they have.

    Attributes:
        references: all foreign keys that a layout has asked for, with what they remember.
        fixed: attributes whose value the type's filter says, for every row alike.
    """

    def __init__(self, order: Order, cleaning: Cleaning) -> None:
        self._order, self._cleaning = order, cleaning
        self._layouts: dict[tuple[str, ...], Layout] = {}
        self._cells: dict[str, Cell | str] = {}
        self.references: dict[tuple[str, str], Reference] = {}
        meta = order.model._meta
        self._fields = {one.attname: one for one in meta.concrete_fields if not one.generated}
        # The database fills these itself; a file that went out has them nevertheless.
        self._generated = {one.name for one in meta.concrete_fields if one.generated}
        self.fixed = dict(_fixed(order.model, order.kind.conf.filter))
        head, _, rest = order.kind.conf.tenant.partition("__")
        #: The foreign key that the way to the tenant begins with; None for a shared type.
        self.head: models.ForeignKey[Any, Any] | None = None
        if head:
            self.head = meta.get_field(head)  # type: ignore[assignment]  # the type was looked at
        #: Whether that way is but one step.
        self.is_direct = bool(head) and not rest

    def of(self, columns: Sequence[str]) -> Layout:
        """Return the layout of rows with these columns."""
        key = tuple(columns)
        found = self._layouts.get(key)
        if found is None:
            if len(self._layouts) >= _MOST_LAYOUTS:
                self._layouts.clear()
            found = self._layouts[key] = self._layout(key)
        return found

    def reference(self, field: "models.ForeignKey[Any, Any]", lookup: str = "") -> Reference:
        """Return the foreign key, found by ``lookup`` or in any way that it can be."""
        key = (field.name, lookup)
        if key not in self.references:
            self.references[key] = Reference(field, lookup, self._order, self._cleaning)
        return self.references[key]

    def _layout(self, columns: tuple[str, ...]) -> Layout:
        cells: dict[str, Cell] = {}
        unknown: dict[str, str] = {}
        for column in columns:
            target = self._order.mapping.get(column, column)
            if not target or target in self._generated:
                continue
            cell = self._cell(column, target)
            if isinstance(cell, str):
                unknown[column] = cell
            elif cell.attname in cells:
                other = cells[cell.attname].column
                unknown[column] = f"the column {other!r} goes into this field already."
            else:
                cells[cell.attname] = cell
        pk = self._order.model._meta.pk.attname
        if not self._order.key and pk not in cells:
            for cell in [one for one in cells.values() if one.links is not None]:
                unknown[cell.column] = f"its rows can only be linked with a --key, or with {pk!r}."
                del cells[cell.attname]
        return self._filled(cells, unknown)

    def _filled(self, cells: Mapping[str, Cell], unknown: Mapping[str, str]) -> Layout:
        inserted, fills, missing = [], [], []
        for attname, field in self._fields.items():
            how = self._filling(field)
            if attname in cells:
                inserted.append(field)
            elif how is _by_database:
                continue
            elif how is None:
                missing.append(field.name)
            else:
                inserted.append(field)
                fills.append((attname, how))
        return Layout(
            cells=tuple(one for one in cells.values() if one.links is None),
            links=tuple(one for one in cells.values() if one.links is not None),
            references=tuple(
                sorted(
                    (one for one in cells.values() if one.reference is not None),
                    key=lambda one: one.field is not self.head,
                )
            ),
            steps=tuple(_step(one) for one in cells.values() if one.links is None),
            inserted=tuple(inserted),
            fills=tuple(fills),
            touched=tuple(
                (field, _pre_save(field, self._order))
                for attname, field in self._fields.items()
                if getattr(field, "auto_now", False) and attname not in cells
            ),
            missing=tuple(missing),
            unknown=unknown,
            pk_column=next((one.column for one in cells.values() if one.field.primary_key), ""),
        )

    def _cell(self, column: str, target: str) -> Cell | str:
        found = self._cells.get(column)
        if found is None:
            found = self._cells[column] = self._find_cell(column, target)
        return found

    def _find_cell(self, column: str, target: str) -> Cell | str:
        name, _, lookup = target.partition("__")
        try:
            field = self._order.model._meta.get_field(name)
        except FieldDoesNotExist:
            field = None
        if not isinstance(field, models.Field):
            return f"{self._order.model._meta.label} has no field {name!r}."
        if problem := self._field_problem(field, column) or _lookup_problem(field, lookup):
            return problem
        if isinstance(field, models.ForeignKey):
            return Cell(column, field, reference=self.reference(field, lookup))
        if isinstance(field, models.ManyToManyField):
            return Cell(column, field, links=Links(field, self._order, self._cleaning))
        return Cell(column, field, clean=self._cleaning.of(field))

    def _field_problem(self, field: "models.Field[Any, Any]", column: str) -> str:
        if isinstance(field, models.ManyToManyField):
            if problem := links_problem(field, self._order):
                return f"{problem}: leave it out with --mapping {column}= ."
        elif field.attname not in self._fields:
            return f"{field.name!r} is no column: leave it out with --mapping {column}= ."
        if not self._is_open(field):
            return f"{field.name!r} is not among the fields of the type {self._order.kind.name!r}."
        return ""

    def _is_open(self, field: "models.Field[Any, Any]") -> bool:
        conf = self._order.kind.conf
        named = {*conf.fields, *conf.key, *(one.name for one in self._order.key)}
        return not conf.fields or field.name in named or field is self.head

    def _filling(self, field: "models.Field[Any, Any]") -> Fill | None:
        """Return what fills a field that no column has, as ``save()`` would; None for nothing."""
        if field is self.head:
            # Whose a row is no default says: --tenant does, or the row itself.
            is_said = self.is_direct and self._order.tenant_pk is not None
            return _nothing if is_said else None
        if field.attname in self.fixed:
            return _always(self.fixed[field.attname])
        if _fills_itself(field):
            return _pre_save(field, self._order)
        return _default(field)


def _default(field: "models.Field[Any, Any]") -> Fill | None:
    if field.has_db_default():
        return _by_database
    if field.has_default():
        return lambda _values: field.get_default()
    if isinstance(field, models.AutoField):
        return _by_database
    if field.null:
        return _nothing
    return _always("") if field.blank and field.empty_strings_allowed else None


def _always(value: Any) -> Fill:
    return lambda _values: value


def _step(cell: Cell) -> Step:
    read = cell.clean if cell.reference is None else cell.reference.wanted
    assert read is not None, "a cell has one of the two"
    return cell.column, cell.attname, read


def _nothing(_values: Mapping[str, Any]) -> Any:
    return None


def _by_database(_values: Mapping[str, Any]) -> Any:
    raise AssertionError("the database fills it")


def _fixed(model: type[models.Model], lookups: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a filter such as ``{"kind": "faq"}`` says that every row has."""
    fields = {name: one for one in model._meta.concrete_fields for name in (one.name, one.attname)}
    for lookup, value in lookups.items():
        name = lookup.removesuffix("__exact")
        if name in fields and not hasattr(value, "resolve_expression"):
            field = fields[name]
            if isinstance(field, models.ForeignKey):
                yield field.attname, getattr(value, field.target_field.attname, value)
            else:
                yield field.attname, field.to_python(value)


def _fills_itself(field: "models.Field[Any, Any]") -> bool:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return True
    own = type(field).pre_save
    # What these do concerns only files and clocks; anybody else's does something.
    known = {models.Field.pre_save, models.FileField.pre_save, models.DateField.pre_save}
    return own not in {*known, models.DateTimeField.pre_save, models.TimeField.pre_save}


def _pre_save(field: "models.Field[Any, Any]", order: Order) -> Fill:
    """Return what ``save()`` would write: the moment of the run, or what the field makes."""
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        moment: Any = order.now
        if not isinstance(field, models.DateTimeField):
            local = timezone.localtime(order.now)
            moment = local.time() if isinstance(field, models.TimeField) else local.date()
        return lambda _values: moment

    def made(values: Mapping[str, Any]) -> Any:
        given = {name: value for name, value in values.items() if name in attnames}
        return field.pre_save(order.model(**given), True)

    attnames = {one.attname for one in order.model._meta.concrete_fields}
    return made


def _lookup_problem(field: "models.Field[Any, Any]", lookup: str) -> str:
    if not lookup:
        return ""
    if not isinstance(field, models.ForeignKey):
        return f"{field.name!r} is no foreign key."
    model: type[models.Model] = field.remote_field.model
    if lookup not in {one.name for one in model._meta.concrete_fields}:
        return f"{model._meta.label} has no field {lookup!r}."
    return ""
