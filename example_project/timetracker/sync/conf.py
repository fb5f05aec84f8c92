"""The settings of the synchronisation: ``TIMETRACKER_SYNC`` and the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from django_opskit.conf import AppSettings
from timetracker.sync.engine.addresses import normalised

__all__ = ["SyncSettings", "get_conf"]

_ENVIRONMENT = ("SOURCE", "API_KEY", "TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET")
# What may stand in a header field's value (RFC 9110, section 5.5) and in Basic credentials.
_VISIBLE = r"^[\x20-\x7e]*$"


class SyncSettings(AppSettings, setting="TIMETRACKER_SYNC"):
    """
    Where tasks come from, who we are there, and how patient we are.

    ``SOURCE``, ``API_KEY``, ``TOKEN_URL``, ``CLIENT_ID`` and ``CLIENT_SECRET`` may also stand
    in the environment, as ``TIMETRACKER_SYNC_<KEY>``; there they win.
    """

    ALLOW_HTTP: bool = Field(
        False,
        description="Let credentials travel in the clear to hosts other than this machine.",
    )
    SOURCE: str = Field("", description="The address of the task list, or empty for none.")
    TOKEN_URL: str = Field(
        "", description="The OAuth 2 token endpoint; the client secret goes to this address only."
    )
    CLIENT_ID: str = Field("", description="Our name at the OAuth 2 token endpoint.")
    CLIENT_SECRET: SecretStr = Field(
        SecretStr(""),
        repr=False,
        validate_default=True,
        description="Our secret at the OAuth 2 token endpoint.",
    )
    SCOPE: str = Field(
        "", pattern=_VISIBLE, description="The OAuth 2 scope to ask for, or empty for none."
    )
    API_KEY: SecretStr = Field(
        SecretStr(""), repr=False, description="The API key, in place of the OAuth 2 keys."
    )
    API_KEY_HEADER: str = Field(
        "X-API-Key",
        pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
        description="The request header that carries the API key.",
    )
    CA_FILE: str = Field(
        "", description="A file of certificates to trust in place of the usual authorities."
    )
    PAGE_SIZE: int = Field(500, ge=1, le=10_000, description="Tasks asked for per page.")
    CONNECT_TIMEOUT_SECONDS: float = Field(
        5.0, gt=0, le=600, description="How long a connection may take to open."
    )
    READ_TIMEOUT_SECONDS: float = Field(
        30.0, gt=0, le=600, description="How long an answer may pause."
    )
    TOTAL_TIMEOUT_SECONDS: float = Field(
        120.0, gt=0, le=600, description="How long one answer may take from request to last byte."
    )
    FETCH_TIMEOUT_SECONDS: float = Field(
        1800.0, gt=0, description="How long reading the whole list may take, waits included."
    )
    MAX_RESPONSE_BYTES: int = Field(
        10_000_000, ge=1_000, description="How long one answer may be, unpacked."
    )
    MAX_PAGES: int = Field(1_000, ge=1, description="How many pages a list may have.")
    MAX_ATTEMPTS: int = Field(
        5, ge=1, le=20, description="How often a request is made before it counts as failed."
    )
    BACKOFF_SECONDS: float = Field(
        1.0, gt=0, le=600, description="The pause before the second attempt; then it doubles."
    )
    BACKOFF_CAP_SECONDS: float = Field(30.0, gt=0, le=600, description="The longest such pause.")
    WAIT_CAP_SECONDS: float = Field(
        120.0, ge=0, le=3600, description="The longest wait that the source may ask us for."
    )
    MAX_REQUESTS_PER_SECOND: float = Field(
        5.0, gt=0, description="How many requests start in a second at most."
    )
    OVERLAP_SECONDS: int = Field(
        60,
        ge=0,
        le=86_400,
        description="How far before the last run changes are asked for again, because the source "
        "may have committed late what it had stamped early.",
    )
    MAX_DEACTIVATE_PERCENT: int = Field(
        50,
        ge=0,
        le=100,
        description="The share of a source's active tasks that one run may deactivate.",
    )

    @classmethod
    def raw(cls) -> object:
        """Return the setting with the environment's values in it."""
        written = super().raw()
        if not isinstance(written, Mapping):
            return written
        merged = dict(written)
        for key in _ENVIRONMENT:
            if value := os.environ.get(f"{cls.setting}_{key}"):
                merged[key] = value
        return merged

    @field_validator("SOURCE", "TOKEN_URL")
    @classmethod
    def _is_safe_address(cls, value: str, info: ValidationInfo) -> str:
        return value and normalised(value, allow_http=info.data.get("ALLOW_HTTP", False))

    @field_validator("CLIENT_SECRET")
    @classmethod
    def _belongs_together(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        others = [info.data.get(key) for key in ("TOKEN_URL", "CLIENT_ID")]
        if len({bool(part) for part in (*others, value.get_secret_value())}) > 1:
            raise ValueError("goes with TOKEN_URL and CLIENT_ID: set all three or none")
        return value

    @field_validator("API_KEY")
    @classmethod
    def _is_the_only_way_in(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        key = value.get_secret_value()
        if key and info.data.get("CLIENT_ID"):
            raise ValueError("set either API_KEY or CLIENT_ID")
        if not key.isascii() or not key.isprintable() or key != key.strip():
            raise ValueError("must be printable ASCII, without white space around it")
        return value

    @field_validator("CA_FILE")
    @classmethod
    def _is_a_file(cls, value: str) -> str:
        if value and not Path(value).is_file():
            raise ValueError("no such file")
        return value

    @property
    def has_credentials(self) -> bool:
        """Say whether there is anything to prove who we are."""
        return bool(self.CLIENT_ID or self.API_KEY.get_secret_value())

    @property
    def lease_seconds(self) -> float:
        """How long a run may be silent before another may take its place, in seconds."""
        # It speaks before each request and each wait, and is heard of every half a minute then.
        return (
            self.TOTAL_TIMEOUT_SECONDS + max(self.WAIT_CAP_SECONDS, self.BACKOFF_CAP_SECONDS) + 60
        )


def get_conf() -> SyncSettings:
    """Return the settings as they are now; see :meth:`AppSettings.read` for what is raised."""
    return SyncSettings.read()
