"""Which checks there are, in the order in which they run."""

from collections.abc import Sequence
from typing import Protocol

from django.utils.module_loading import import_string

from django_system_ops.conf import get_conf
from django_system_ops.exceptions import SystemOpsError, WrongUsageError
from django_system_ops.services.validating.choices import Choices
from django_system_ops.services.validating.constraints import Constraints
from django_system_ops.services.validating.content_types import ContentTypes
from django_system_ops.services.validating.files import Files
from django_system_ops.services.validating.findings import CheckReport
from django_system_ops.services.validating.foreign_keys import ForeignKeys
from django_system_ops.services.validating.generic_keys import GenericKeys
from django_system_ops.services.validating.migrations import Migrations
from django_system_ops.services.validating.schema import Schema
from django_system_ops.services.validating.scope import Scope
from django_system_ops.services.validating.system_checks import SystemChecks

__all__ = ["Check", "all_checks", "chosen_checks", "load_check"]


class Check(Protocol):
    """
    One thing that validate_system looks at.

    A site's own is a class without arguments, named in ``validation.extra_checks``. ``run``
    counts what it looks at in an :class:`Inspection`, so that nobody takes silence for proof.
    """

    @property
    def name(self) -> str:
        """What ``--check`` calls it."""

    @property
    def help(self) -> str:
        """What it makes sure of, in a sentence."""

    @property
    def is_default(self) -> bool:
        """Whether it runs when none is named."""

    def run(self, scope: Scope) -> CheckReport:
        """Look, change nothing, and say what was looked at."""


# What explains most comes first: a column that is missing is why a query fails.
_CHECKS: Sequence[type[Check]] = (
    SystemChecks,
    Migrations,
    Schema,
    ForeignKeys,
    GenericKeys,
    Constraints,
    Choices,
    Files,
    ContentTypes,
)


def all_checks() -> dict[str, Check]:
    """
    Return every check by its name.

    Raises:
        SystemOpsError: one of the site's own cannot be had, or its name is taken.
    """
    found: dict[str, Check] = {}
    own = [load_check(path) for path in get_conf().validation.extra_checks]
    for one in [*(kind() for kind in _CHECKS), *own]:
        if one.name in found:
            raise SystemOpsError(
                f"MANAGEMENT_COMMANDS['validation']['extra_checks']: there are two checks called "
                f"{one.name!r}. Give yours another name."
            )
        found[one.name] = one
    return found


def load_check(path: str) -> Check:
    """
    Return the check that a dotted path means.

    Raises:
        SystemOpsError: there is none, or it is no check.
    """
    place = f"MANAGEMENT_COMMANDS['validation']['extra_checks']: {path!r}"
    try:
        found = import_string(path)()
    except Exception as error:  # the site's own code: whatever it raises is its story
        raise SystemOpsError(f"{place} cannot be had: {error}") from error
    lacking = [one for one in ("name", "help", "is_default", "run") if not hasattr(found, one)]
    if lacking:
        raise SystemOpsError(f"{place} is no check: it lacks {', '.join(lacking)}.")
    check: Check = found
    return check


def chosen_checks(names: Sequence[str]) -> list[Check]:
    """
    Return the checks of these names, or those that run by default, in their order.

    Raises:
        WrongUsageError: there is none of a name; it lists those that are.
    """
    known = all_checks()
    if unknown := [name for name in names if name not in known]:
        raise WrongUsageError(
            f"--check {unknown[0]!r}: there is no such one, but {', '.join(known)}."
        )
    if names:
        return [one for name, one in known.items() if name in names]
    return [one for one in known.values() if one.is_default]
