"""What the site's operators have: backups, cleanup, a schedule, commands in the admin."""

import os
from pathlib import Path
from typing import Any

from assistants.figures import REPORTS, SENTIMENT
from config.assistants_operations import (
    CLEANUP_TYPES,
    DATA_TYPES,
    DEMO,
    INIT,
    KNOWLEDGE_BASE,
    TENANTS,
    TEST_DATA,
)

__all__ = ["management_commands"]


def management_commands(base: Path) -> dict[str, Any]:
    """
    Return ``MANAGEMENT_COMMANDS``.

    Backups, their key and what commands keep beside the database lie below ``base``, where the web
    server finds nothing of it; ``DJANGO_OPERATIONS_DIR`` names another place. Without the key,
    which ``ops_keygen --output`` makes there, there are no backups, and none is scheduled.
    """
    place = Path(os.environ.get("DJANGO_OPERATIONS_DIR") or base)
    key, temporary, exports = place / "backup.key", place / "tmp", place / "exports"
    types: dict[str, Any] = {
        **CLEANUP_TYPES,
        "logs": {
            "model": "timetracker.HistoricalTimeEntry",
            "date_field": "history_date",
            "shared": True,
            "days": 730,
        },
        "sessions": {
            "model": "sessions.Session",
            "date_field": "expire_date",
            "shared": True,
            "days": 1,
        },
    }
    for name, folder, days in (("temporary_files", temporary, 7), ("exports", exports, 30)):
        if folder.is_dir():
            types[name] = {"directory": folder, "days": days}
    backup: dict[str, Any] = {"directory": place / "backups"}
    schedule = {"weekly-cleanup": {"command": "cleanup_old_data", "cron": "0 3 * * 0"}}
    if key.is_file():
        backup["key_file"] = key
        schedule["nightly-backup"] = {"command": "backup_data", "cron": "0 2 * * *"}
    return {
        "tenants": TENANTS,
        "data": {"types": DATA_TYPES},
        "init": INIT,
        "demo": DEMO,
        "test_data": TEST_DATA,
        "knowledge_base": KNOWLEDGE_BASE,
        "sentiment": SENTIMENT,
        "reports": {"directory": place / "reports", "types": REPORTS},
        "export": {"directory": exports},
        "backup": backup,
        "state_directory": place / "ops_state",
        "cleanup": {"types": types},
        "schedule": schedule,
        "admin_allow": [
            "backup_data",
            "cleanup_old_data",
            "optimize_database",
            "validate_system",
            "ops_health_check",
            "analyze_sentiment",
            "generate_reports",
            "export_data",
            "setup_demo_data",
        ],
    }
