"""The model of ``MANAGEMENT_COMMANDS``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from pydantic import Field, create_model, field_validator

from django_opskit.conf import AppSettings, SettingProblem
from django_system_ops.conf.backup import BackupSettings
from django_system_ops.conf.cleanup import CleanupSettings
from django_system_ops.conf.data import DataSettings
from django_system_ops.conf.environment import VARIABLES, overlaid
from django_system_ops.conf.exporting import ExportSettings
from django_system_ops.conf.health import HealthSettings
from django_system_ops.conf.importing import ImportSettings
from django_system_ops.conf.knowledge import KnowledgeBaseSettings
from django_system_ops.conf.optimize import OptimizeSettings
from django_system_ops.conf.performance import PerformanceSettings
from django_system_ops.conf.reports import ReportSettings
from django_system_ops.conf.runs import (
    HistorySettings,
    LockSettings,
    NotifySettings,
    TenantSettings,
)
from django_system_ops.conf.schedule import ScheduledCommand
from django_system_ops.conf.seeding import DemoSettings, InitSettings, TestDataSettings
from django_system_ops.conf.sentiment import SentimentSettings
from django_system_ops.conf.tenant_moves import TenantMoveSettings
from django_system_ops.conf.validate import ValidateSettings

__all__ = ["ManagementCommandsSettings", "get_conf"]


class _Settings(AppSettings, setting="MANAGEMENT_COMMANDS"):
    backup: BackupSettings = Field(
        BackupSettings(), description="Backups: where they go, how long they stay."
    )
    cleanup: CleanupSettings = Field(
        CleanupSettings(), description="What is old, and how fast it is removed."
    )
    data: DataSettings = Field(
        DataSettings(), description="The site's data, by the names that commands know it by."
    )
    export: ExportSettings = Field(ExportSettings(), description="How rows go out into files.")
    knowledge_base: KnowledgeBaseSettings = Field(
        KnowledgeBaseSettings(),
        description="Which rows migrate_knowledge_base takes from version to version, and how.",
    )
    init: InitSettings = Field(InitSettings(), description="What a new site begins with.")
    demo: DemoSettings = Field(DemoSettings(), description="What a site is shown with.")
    test_data: TestDataSettings = Field(
        TestDataSettings(), description="What a site is tested with: as many rows as you like."
    )
    optimize: OptimizeSettings = Field(
        OptimizeSettings(), description="What optimize_database looks at."
    )
    validation: ValidateSettings = Field(
        ValidateSettings(), description="What validate_system looks at."
    )
    health: HealthSettings = Field(
        HealthSettings(), description="The services that health_check asks."
    )
    performance: PerformanceSettings = Field(
        PerformanceSettings(), description="What monitor_performance measures."
    )
    sentiment: SentimentSettings = Field(
        SentimentSettings(), description="Which messages analyze_sentiment scores, and by what."
    )
    reports: ReportSettings = Field(
        ReportSettings(), description="What generate_reports counts, and where the files go."
    )
    history: HistorySettings = Field(
        HistorySettings(), description="Which runs of commands are recorded, and for how long."
    )
    locks: LockSettings = Field(
        LockSettings(), description="How two runs of one command are kept from meeting."
    )
    notify: NotifySettings = Field(
        NotifySettings(), description="Who hears of failed commands, and of their recovery."
    )
    schedule: Mapping[str, ScheduledCommand] = Field(
        {}, description="What runs by itself, by names that the site chooses; see ops_schedule."
    )
    schedule_time_zone: str = Field(
        "",
        description="The time zone of the schedule's times; that of the site by default. For cron "
        "it has to be the machine's.",
    )
    admin_allow: Mapping[str, str] | Sequence[str] = Field(
        (),
        description="Commands that may be started in the admin: a list, or a dict with the "
        "permission that each needs; none by default.",
    )
    tenants: TenantSettings = Field(
        TenantSettings(), description="Whose data it is, for the option --tenant."
    )
    tenant_moves: TenantMoveSettings = Field(
        TenantMoveSettings(), description="What goes along when data goes to another tenant."
    )
    state_directory: str | Path = Field(
        "ops_state",
        description="The directory of what commands need beside the database: heartbeats, runs "
        "that wait to be recorded, rows as they were before a fix; a relative one is below the "
        "site's BASE_DIR.",
    )

    @field_validator("schedule_time_zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        if value and value not in available_timezones():
            raise ValueError(f"{value!r} is no time zone: write it as 'Europe/Madrid'.")
        return value

    @property
    def schedule_zone(self) -> ZoneInfo:
        """Return the time zone of the schedule's times."""
        return ZoneInfo(self.schedule_time_zone or settings.TIME_ZONE)

    @classmethod
    def raw(cls) -> object:
        """Return what the site wrote, with what the environment says in its place."""
        return overlaid(super().raw())

    @classmethod
    def problems_of(cls, raw: object) -> list[SettingProblem]:
        """Return what is wrong; a value of the environment under the name of its variable."""
        found = super().problems_of(raw)
        for variable in VARIABLES:
            if variable.text is not None:
                found = [
                    SettingProblem(
                        one.code, one.message.replace(variable.path, variable.name), one.hint
                    )
                    for one in found
                ]
        return found

    def below_base(self, directory: str | Path) -> Path:
        """Return a directory as an absolute path: a relative one is below BASE_DIR."""
        return Path(getattr(settings, "BASE_DIR", None) or Path.cwd(), directory).absolute()

    @property
    def state_path(self) -> Path:
        """Return ``state_directory`` as an absolute path."""
        return self.below_base(self.state_directory)

    @property
    def backup_path(self) -> Path:
        """Return ``backup.directory`` as an absolute path."""
        return self.below_base(self.backup.directory)

    @property
    def export_path(self) -> Path:
        """Return ``export.directory`` as an absolute path."""
        return self.below_base(self.export.directory)


if TYPE_CHECKING:
    ManagementCommandsSettings = _Settings
else:
    # "import" is a word of the language: no class body can have it.
    ManagementCommandsSettings = create_model(
        "ManagementCommandsSettings",
        __base__=_Settings,
        __module__=__name__,
        __doc__="``MANAGEMENT_COMMANDS`` in the site's settings.",
        **{
            "import": (
                ImportSettings,
                Field(ImportSettings(), description="How rows come in from files."),
            )
        },
    )


def get_conf() -> ManagementCommandsSettings:
    """
    Return the settings as they are now, with the environment's before the site's.

    Raises:
        ImproperlyConfigured: names every wrong key, its value and the way out.
    """
    return ManagementCommandsSettings.read()
