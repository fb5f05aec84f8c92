"""
Bring a csv in and tell what it cost: ``python -m …contenders WHICH FILE``.

``ours`` runs in our environment, ``theirs`` in that of django-import-export.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings

OPTIONS = {
    "theirs": ["import_export"],
    "ours": ["django_system_ops"],
    "tables": ["django_system_ops"],
}


def configure(which: str, database: dict[str, Any]) -> None:
    """Set up a site with the model and nothing else but the contender."""
    settings.configure(
        DATABASES={"default": database},
        INSTALLED_APPS=["benchmarks.programs.import_site", *OPTIONS[which]],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        TIME_ZONE="UTC",
        MANAGEMENT_COMMANDS={
            "data": {
                "types": {
                    "knowledge": {"model": "import_site.Article", "shared": True, "key": ["slug"]}
                }
            },
            "history": {"enabled": False},
        },
    )
    django.setup()


def tables(_file: Path) -> None:
    """Make the tables, empty ones."""
    from django.core.management import call_command

    from benchmarks.programs.import_site.models import Article

    call_command("migrate", run_syncdb=True, verbosity=0)
    Article._base_manager.all().delete()


def ours(file: Path) -> None:
    """Bring it in as the command does by default: strict, every value checked."""
    from django.core.management import call_command

    call_command("import_knowledge", file=str(file), again=True, verbosity=0)


def theirs(file: Path) -> None:
    """
    Bring it in by the fastest settings of the documentation's page on bulk imports.

    Values are converted and not validated, rows are not looked up first, no differences are kept.
    """
    from import_export import resources  # type: ignore[import-untyped]  # only in its environment
    from tablib import Dataset  # type: ignore[import-not-found]  # only in its environment

    from benchmarks.programs.import_site.models import Article

    class Articles(resources.ModelResource):  # type: ignore[misc]  # a library without types
        class Meta:
            model = Article
            use_bulk = True
            batch_size = 1000
            skip_diff = True
            report_skipped = False
            force_init_instance = True
            use_transactions = True
            exclude = ("id",)
            import_id_fields = ("slug",)

    with file.open(encoding="utf-8", newline="") as rows:
        data = Dataset().load(rows, format="csv")
    found = Articles().import_data(data, raise_errors=True)
    if found.has_errors():
        raise SystemExit("rows were wrong")


def main() -> None:
    """Run one of them."""
    which, file, database = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    configure(which, database)
    before = resource.getrusage(resource.RUSAGE_SELF)
    {"ours": ours, "theirs": theirs, "tables": tables}[which](file)
    after = resource.getrusage(resource.RUSAGE_SELF)
    peak = int(
        Path("/proc/self/status").read_text(encoding="ascii").partition("VmHWM:")[2].split()[0]
    )
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"cpu": seconds, "peak": peak * 1024}))


if __name__ == "__main__":
    main()
