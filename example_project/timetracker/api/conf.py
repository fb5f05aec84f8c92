"""The settings of the task API: ``TIMETRACKER_API``."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, SecretStr

from django_opskit.conf import AppSettings

__all__ = ["ApiSettings", "get_conf"]

_SECRETS = ("API_KEYS", "OAUTH_CLIENTS")
# Short enough to guess is no secret.
_Secret = Annotated[SecretStr, Field(min_length=16)]
_Name = Annotated[str, Field(pattern=r"^[\x21-\x39\x3b-\x7e]{1,64}$")]


class ApiSettings(AppSettings, setting="TIMETRACKER_API"):
    """Who may read the task list, and how often. Without clients, nobody may."""

    API_KEYS: dict[_Name, _Secret] = Field(
        {}, description="API keys of 16 characters or more, by the name of who holds each."
    )
    OAUTH_CLIENTS: dict[_Name, _Secret] = Field(
        {}, description="OAuth 2 client secrets of 16 characters or more, by the client's id."
    )
    TOKEN_SECONDS: int = Field(
        3600, ge=1, le=86_400, description="How long an access token may be used."
    )
    REQUESTS_PER_MINUTE: int = Field(
        120, ge=1, description="How many requests each client may make in a minute."
    )

    @classmethod
    def raw(cls) -> object:
        """Return the setting with its secrets hidden: the names of these keys are anybody's."""
        written = super().raw()
        if not isinstance(written, Mapping):
            return written
        return {key: _hidden(value) if key in _SECRETS else value for key, value in written.items()}


def get_conf() -> ApiSettings:
    """Return the settings as they are now."""
    return ApiSettings.read()


class _Hidden:
    """A value that should have been a string: it is refused, and shown to no one."""

    def __repr__(self) -> str:
        return "'**********'"


def _hidden(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _hidden(secret) for name, secret in value.items()}
    return SecretStr(value) if isinstance(value, str) else _Hidden()
