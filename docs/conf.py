"""Sphinx: Markdown pages in four rooms (tutorial, how-to, reference, explanation)."""

from configparser import ConfigParser
from pathlib import Path

_metadata = ConfigParser()
_metadata.read(Path(__file__).parent.parent / "setup.cfg")

project = "django-opskit"
author = "django-opskit contributors"
release = _metadata["metadata"]["version"]

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
