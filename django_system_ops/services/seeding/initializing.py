"""What a new site begins with: steps that make what is missing, and leave the rest alone."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from django_system_ops.conf import get_conf
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.seeding.admin_account import AdminAccount, ensure_admin
from django_system_ops.services.seeding.callables import load_callable
from django_system_ops.services.tenants import ALL, resolve_tenants, tenant_model

__all__ = ["InitContext", "InitReport", "StepReport", "initialise"]

_M = TypeVar("_M", bound=models.Model)


@dataclass
class StepReport:
    """What one step came to, each a number of rows by their models."""

    name: str
    created: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)

    def count(self, what: dict[str, int], model: type[models.Model]) -> None:
        """Count one row."""
        what[model._meta.label] = what.get(model._meta.label, 0) + 1


@dataclass
class InitReport:
    """What a run came to, as far as it came."""

    steps: list[StepReport] = field(default_factory=list)
    admin: AdminAccount | None = None

    @property
    def has_any(self) -> bool:
        """Return whether something was come to at all."""
        return self.admin is not None or bool(self.steps)

    def counters(self) -> dict[str, int]:
        """Return the sums."""
        return {
            name: sum(sum(getattr(step, name).values()) for step in self.steps)
            + int(self.admin is not None and self.admin.is_new is is_new)
            for name, is_new in (("created", True), ("kept", False))
        } | {"changed": sum(sum(step.changed.values()) for step in self.steps)}


class InitContext:
    """
    What a step is given.

    Attributes:
        tenants: those that are meant, as rows of the site's model; the step is to leave alone
            what is others'.
        database: the alias to write to.
    """

    def __init__(self, tenants: list[Any], database: str, report: StepReport) -> None:
        self.tenants = tenants
        self.database = database
        self._report = report

    def ensure(
        self,
        model: type[_M],
        key: Mapping[str, Any],
        defaults: Mapping[str, Any] | None = None,
        *,
        fixed: Mapping[str, Any] | None = None,
    ) -> _M:
        """
        Return the row of ``key``, made with ``defaults`` and ``fixed`` if it is not there.

        One that is there keeps what people have made of it, but for ``fixed``. A unique constraint
        over ``key`` is what keeps two runs at once from making it twice.
        """
        defaults, fixed = dict(defaults or {}), dict(fixed or {})
        rows = model._base_manager.using(self.database)
        found = rows.filter(**key).first()
        report = self._report
        if found is None:
            try:
                with transaction.atomic(using=self.database):
                    made = rows.create(**{**key, **defaults, **fixed})
            except IntegrityError:
                found = rows.filter(**key).first()
                if found is None:
                    raise
            else:
                report.count(report.created, model)
                return made
        different = {name: value for name, value in fixed.items() if getattr(found, name) != value}
        for name, value in different.items():
            setattr(found, name, value)
        if different:
            found.save(using=self.database, update_fields=list(different))
        report.count(report.changed if different else report.kept, model)
        return found


def initialise(
    report: InitReport,
    *,
    tenant: str | None,
    skip_admin: bool,
    using: str,
    dry_run: bool = False,
    on_admin: Callable[[AdminAccount], object] = lambda _admin: None,
) -> None:
    """
    Make what is missing: the administrator, the tenants, then what the site's steps make.

    Each step is one transaction, and those before one that fails stay: ``report`` has them by
    then, and ``on_admin`` has been told of the administrator, whose password nobody could learn
    later. A dry run rolls back all.

    Raises:
        WrongUsageError: ``tenant`` names one that is neither there nor to be made.
        ImproperlyConfigured: a step cannot be imported.
    """
    conf = get_conf().init
    place = "MANAGEMENT_COMMANDS['init']['steps']"
    steps = [(path, load_callable(path, place)) for path in conf.steps]
    names = _names(tenant, using=using)
    with suppress(_RollBack), _dry(dry_run, using):
        if not skip_admin:
            report.admin = ensure_admin(using=using, dry_run=dry_run)
            on_admin(report.admin)
        if conf.tenants:
            _run("tenants", lambda context: _make_tenants(context, names), [], using, report)
        meant = _meant(names, using=using)
        for path, step in steps:
            _run(path, step, meant, using, report)
        if dry_run:
            raise _RollBack


class _RollBack(Exception):  # noqa: N818  # nothing is wrong
    pass


def _dry(dry_run: bool, using: str) -> Any:
    return transaction.atomic(using=using) if dry_run else nullcontext()


def _run(name: str, step: Any, meant: list[Any], using: str, report: InitReport) -> None:
    one = StepReport(name)
    with transaction.atomic(using=using):
        step(InitContext(meant, using, one))
    report.steps.append(one)


def _names(tenant: str | None, *, using: str) -> list[str]:
    """Return which tenants are meant; none when all are. Refuse the unknown before the work."""
    if tenant is None or tenant.strip() == ALL:
        return []
    names = [name.strip() for name in tenant.split(",")]
    if ALL in names:
        resolve_tenants(tenant, using=using)  # says that it is either all or names
    planned = get_conf().init.tenants
    if others := [name for name in names if name not in planned]:
        try:
            resolve_tenants(",".join(others), using=using)
        except WrongUsageError as error:
            text = str(error)
            if planned and all(others):
                text += f" To be made: {', '.join(planned)}."
            raise WrongUsageError(text) from None
    return names


def _make_tenants(context: InitContext, names: list[str]) -> None:
    model, conf = tenant_model(), get_conf()
    assert model is not None, "the check of the settings says so"
    for name, fields in conf.init.tenants.items():
        if not names or name in names:
            context.ensure(model, {conf.tenants.name_field: name}, fields)


def _meant(names: list[str], *, using: str) -> list[Any]:
    model = tenant_model()
    if model is None:
        return []
    name_field = get_conf().tenants.name_field
    rows = model._base_manager.using(using).order_by(name_field)
    if names:
        rows = rows.filter(**{f"{name_field}__in": names})
    return [one for one in rows if not names or getattr(one, name_field) in names]
