"""The formats of a report, each made from its document and from nothing else."""

import json
from collections.abc import Callable, Mapping

from django.utils.translation import override

from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.reports.documents import Document
from django_system_ops.services.reports.rendering.html import as_html
from django_system_ops.services.reports.rendering.markdown import as_markdown
from django_system_ops.services.reports.rendering.tables import as_csv
from django_system_ops.services.reports.rendering.workbooks import as_xlsx, require_library

__all__ = ["FORMATS", "formats_named", "rendered"]


def _as_json(document: Document) -> bytes:
    # Not sorted: what is read first stands first. ASCII alone would make names unreadable.
    return (json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode()


#: How each format is made.
FORMATS: Mapping[str, Callable[[Document], bytes]] = {
    "html": lambda document: as_html(document).encode(),
    "md": lambda document: as_markdown(document).encode(),
    "json": _as_json,
    "csv": lambda document: as_csv(document).encode(),
    "xlsx": as_xlsx,
}


def rendered(document: Document, name: str) -> bytes:
    """Return a report in one of FORMATS, in the language that its document names."""
    with override(document["language"]):
        return FORMATS[name](document)


def formats_named(text: str) -> list[str]:
    """
    Return the formats that ``--format`` names, each once.

    Raises:
        WrongUsageError: there is none of a name, or its library is missing.
    """
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in FORMATS:
            raise WrongUsageError(
                f"--format {text!r}: there is no format {name!r}, but {', '.join(FORMATS)}."
            )
    if "xlsx" in names:
        require_library()
    return names
