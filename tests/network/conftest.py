"""What the tests of network health checks share."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Path:
    """Give each test a script directory of its own."""
    folder = tmp_path / "Script"
    settings.NETWORK_HC = {"SCRIPT_DIR": folder}
    return folder
