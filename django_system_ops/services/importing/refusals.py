"""Why the database refuses a row, without the values that it repeats."""

import re
from typing import Any

from django.db import connections

from django_system_ops.services.importing.orders import Order
from django_system_ops.services.texts import one_line

__all__ = ["refusal_of"]

_QUOTED_ENTRY = re.compile(r"entry '.*' for key", re.DOTALL)


def refusal_of(error: Exception, order: Order) -> str:
    """
    Return what the database says of a row.

    PostgreSQL repeats the whole row in a line of its own, and MariaDB the values of a key; neither
    may end up in a report, since there may be secrets among them.
    """
    cause: Any = error.__cause__ or error
    diagnosis = getattr(cause, "diag", None)
    if diagnosis is not None and diagnosis.message_primary:
        text = str(diagnosis.message_primary)
    elif connections[order.using].vendor == "mysql" and len(cause.args) > 1:
        text = _QUOTED_ENTRY.sub("entry for key", str(cause.args[1]))
    else:
        text = one_line(cause)
    return f"the database refuses it: {text.rstrip('.')}."
