"""Which tables are the site's."""

from collections.abc import Sequence
from difflib import get_close_matches

from django.apps import apps
from django.db import connections

from django_system_ops.exceptions import WrongUsageError

__all__ = ["site_tables"]


def site_tables(using: str, names: Sequence[str] = ()) -> list[str]:
    """
    Return the tables of the installed models in this database, or those of them that are named.

    A name is a table's or a model's, such as ``shop_chat`` or ``shop.Chat``. Tables that are not
    there yet, or that an unqualified name does not reach, are not among them.

    Raises:
        WrongUsageError: one of the names is no table of the site.
    """
    introspection = connections[using].introspection
    known = sorted(introspection.django_table_names(only_existing=True, include_views=False))
    if not names:
        return known
    models = {one._meta.label_lower: one._meta.db_table for one in apps.get_models()}
    found = [models.get(name.lower(), name) for name in names]
    for name, table in zip(names, found, strict=True):
        if table not in known:
            close = get_close_matches(table, known, n=3, cutoff=0.5)
            hint = f" Did you mean {', '.join(close)}?" if close else ""
            raise WrongUsageError(
                f"--table {name!r}: the site has no such table in {using!r}, and no such "
                f"model.{hint}"
            )
    return sorted(set(found))
