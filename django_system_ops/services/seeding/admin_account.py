"""The first administrator: made where there is none, with a password that nobody else knows."""

import os
import secrets
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import IntegrityError, models, transaction

from django_system_ops.conf import get_conf
from django_system_ops.exceptions import SystemOpsError, WrongUsageError

__all__ = ["AdminAccount", "ensure_admin"]

_PREFIX = "DJANGO_SUPERUSER_"


@dataclass(frozen=True)
class AdminAccount:
    """
    The administrator, made or found.

    Attributes:
        password: the new one, where it was thought up here; nobody can ask for it again.
    """

    username: str
    is_new: bool
    password: str = field(default="", repr=False)


def ensure_admin(*, using: str, dry_run: bool = False) -> AdminAccount:
    """
    Make the administrator, unless there is one already, who is left alone.

    Raises:
        WrongUsageError: the name is somebody's who is no administrator, or a field that the
            site's accounts need has no value.
    """
    model: Any = get_user_model()
    accounts = model._default_manager.db_manager(using)
    found = _administrator(model, accounts)
    if found is not None:
        return AdminAccount(found.get_username(), is_new=False)
    username = os.environ.get(_PREFIX + "USERNAME") or get_conf().init.admin_username
    fields = _fields(model, username)
    if accounts.filter(**{model.USERNAME_FIELD: fields[model.USERNAME_FIELD]}).exists():
        raise WrongUsageError(
            f"{username!r} is somebody who is no administrator: name another in "
            f"{_PREFIX}USERNAME, or leave the administrator out with --skip-admin."
        )
    if dry_run:
        return AdminAccount(username, is_new=True)
    given = os.environ.get(_PREFIX + "PASSWORD", "")
    password = given or secrets.token_urlsafe(18)
    try:
        with transaction.atomic(using=using):
            accounts.create_superuser(**fields, password=password)
    except IntegrityError:
        # Somebody was faster: another run, most likely.
        found = _administrator(model, accounts)
        if found is None:
            raise
        return AdminAccount(found.get_username(), is_new=False)
    return AdminAccount(username, is_new=True, password="" if given else password)


def _administrator(model: Any, accounts: Any) -> Any:
    try:
        model._meta.get_field("is_superuser")
    except FieldDoesNotExist:
        raise SystemOpsError(
            f"{model._meta.label} has no is_superuser, so nobody can say who is an administrator: "
            "add --skip-admin, and make one in a step of MANAGEMENT_COMMANDS['init']['steps']."
        ) from None
    return accounts.filter(is_superuser=True).order_by("pk").first()


def _fields(model: Any, username: str) -> dict[str, Any]:
    """Return what the account needs besides the password, as createsuperuser asks for it."""
    email = os.environ.get(_PREFIX + "EMAIL") or get_conf().init.admin_email
    found: dict[str, Any] = {model.USERNAME_FIELD: username}
    email_field = model.get_email_field_name() if hasattr(model, "get_email_field_name") else ""
    if email and email_field and email_field != model.USERNAME_FIELD:
        found[email_field] = email
    for name in model.REQUIRED_FIELDS:
        if name == email_field:
            found.setdefault(name, email)
            continue
        value = os.environ.get(_PREFIX + name.upper())
        if not value:
            raise WrongUsageError(
                f"The administrator needs a value for {name}: set {_PREFIX}{name.upper()}, or "
                "leave the administrator out with --skip-admin."
            )
        field_of: models.Field[Any, Any] = model._meta.get_field(name)
        found[name] = field_of.clean(value, None)
    return found
