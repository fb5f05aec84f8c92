"""``MANAGEMENT_COMMANDS["backup"]``."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from django_opskit.conf import SettingsModel
from django_system_ops.conf.lists import a_list

__all__ = ["BackupSettings", "ResticSettings"]

_RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}")


class ResticSettings(SettingsModel):
    """A repository of restic that has the backups, in place of the directory."""

    repository: str = Field(
        "",
        description='Where it is, such as "/srv/restic" or "s3:s3.amazonaws.com/bucket"; by '
        "default there is none.",
    )
    password_file: str | Path = Field(
        "",
        description="The file of its password, which this user alone can read; a relative one is "
        "below the site's BASE_DIR.",
    )
    site: str = Field(
        "",
        max_length=100,
        description="What this site is called in a repository that several share; by default "
        "after its settings and its default database.",
    )

    @model_validator(mode="after")
    def _has_both(self) -> Self:
        if bool(self.repository) != bool(str(self.password_file)):
            raise ValueError("a repository needs a password_file, and that a repository.")
        return self


class BackupSettings(SettingsModel):
    """Where backups go and how long they stay."""

    retention_days: int = Field(30, ge=1, description="How many days a backup is kept.")
    compression: bool = Field(True, description="Whether backups are compressed.")
    encryption: bool = Field(
        True, description="Whether backups are encrypted; without a key there is no backup then."
    )
    directory: str | Path = Field(
        "backups",
        description="The directory of the backups; a relative one is below the site's BASE_DIR.",
    )
    key_file: str | Path = Field(
        "",
        description="The file of the key that ops_keygen made; a relative one is below the "
        "site's BASE_DIR.",
    )
    recipients: Sequence[str] = Field(
        (),
        description='Public keys of age, such as "age1…": backups are encrypted for these, and '
        "this machine cannot read them; key_file is not needed then.",
    )
    storage: str = Field(
        "",
        description="Where copies go besides: an alias of STORAGES, such as one that is a bucket "
        "of S3 which nothing else uses; none by default.",
    )
    restic: ResticSettings = Field(
        ResticSettings(),
        description="A repository of restic that has the backups, in place of the directory.",
    )
    tenant_models: Mapping[str, str] = Field(
        {},
        description="For --tenant: each model whose rows are a tenant's, with the path to the "
        'tenant as in a filter: {"chats.Message": "chat__tenant"}.',
    )
    programs: Mapping[str, str] = Field(
        {},
        description="Where a program is that is not in PATH, or not the right one: "
        '{"pg_dump": "/usr/lib/postgresql/17/bin/pg_dump"}.',
    )

    @field_validator("recipients", mode="before")
    @classmethod
    def _are_recipients(cls, value: object) -> object:
        a_list(value, "age1…")
        for one in value if isinstance(value, list | tuple) else ():
            if not (isinstance(one, str) and _RECIPIENT.fullmatch(one)):
                # Without the value: it may be the other key, which nobody should see.
                raise ValueError(
                    "one of them is no public key of age: write what age-keygen showed, which "
                    "begins with age1."
                )
        return value
