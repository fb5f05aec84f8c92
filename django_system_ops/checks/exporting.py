"""Whether exports lie where nobody else finds them, and tell no secrets unasked."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from django_opskit.masking import MASK, mask_secrets
from django_system_ops.conf import get_conf
from django_system_ops.services.data_types import DataType, data_types

__all__ = ["check_exports"]


def check_exports(**_kwargs: object) -> list[CheckMessage]:
    """E060: the web server hands exports out. W060: a field of theirs sounds like a secret."""
    try:
        return [*_public(), *(found for kind in data_types() for found in _telling(kind))]
    except ImproperlyConfigured:
        return []  # E001 to E003 and E050 say so


def _public() -> Iterator[CheckMessage]:
    exports = get_conf().export_path
    for name in ("MEDIA_ROOT", "STATIC_ROOT"):
        public = getattr(settings, name, None)
        if public and exports.is_relative_to(Path(public).absolute()):
            yield Error(
                f"The exports are in {exports}, below {name}, which the web server hands out.",
                hint="Set MANAGEMENT_COMMANDS['export']['directory'] to a place outside of it.",
                id="django_system_ops.E060",
            )


def _telling(kind: DataType) -> Iterator[CheckMessage]:
    for field in kind.fields:
        name = field.name
        sounds_secret = mask_secrets({name: name})[name] == MASK
        if sounds_secret and name not in kind.conf.secret_fields:
            place = f"MANAGEMENT_COMMANDS['data']['types']['{kind.name}']"
            yield Warning(
                f"{place}: the field {name!r} sounds like a secret, and every export has it.",
                hint="Add it to 'secret_fields'; or list the 'fields' without it; or silence this.",
                id="django_system_ops.W060",
            )
