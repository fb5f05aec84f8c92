"""The directories of a site whose disks matter."""

from pathlib import Path

from django.conf import settings

__all__ = ["nearest_existing", "site_directories"]


def site_directories() -> dict[str, Path]:
    """Return them by the names of their settings."""
    media = getattr(settings, "MEDIA_ROOT", "")
    base = Path(getattr(settings, "BASE_DIR", None) or Path.cwd())
    return {"BASE_DIR": base, **({"MEDIA_ROOT": Path(media)} if media else {})}


def nearest_existing(path: Path) -> Path:
    """Return the path, or what is there above it: the first upload will make the rest."""
    path = path.absolute()
    return next(one for one in (path, *path.parents) if one.exists())
