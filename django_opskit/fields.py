"""Model fields that mean the same on every database."""

from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["KeyField"]

_ST = TypeVar("_ST")
_GT = TypeVar("_GT")

if TYPE_CHECKING:
    # Generic like its parent, so that null=True is known to mean None for this field too.
    class _CharField(models.CharField[_ST, _GT]): ...
else:

    class _CharField(models.CharField):
        def __class_getitem__(cls, types: object) -> type:
            return cls


class KeyField(_CharField[_ST, _GT]):
    """
    A CharField whose values are equal only when their bytes are: ``A`` is not ``a``.

    PostgreSQL and SQLite compare so by default. MariaDB and MySQL do not: their usual
    collations ignore case and accents, and even most binary ones ignore trailing spaces, so
    that two different keys would meet in one unique index. There the column gets the
    server's binary collation without padding.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        """Return the column's type and, on MariaDB and MySQL, its binary collation."""
        parameters: dict[str, Any] = dict(super().db_parameters(connection))
        if connection.vendor == "mysql":
            is_mariadb = getattr(connection, "mysql_is_mariadb", False)
            parameters["collation"] = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        return parameters
