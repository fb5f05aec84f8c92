"""
The pages of the health monitor over a long history, with Django's own admin in the same run.

50 checks, one result in a thousand failing: a million results on SQLite, ten million on
PostgreSQL. Times are those of a whole request in this process, its template included. The peer is
the published list: a plain ModelAdmin with filters by status, name and message.
"""

import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import path

from benchmarks._lib.databases import fresh_database
from benchmarks._lib.monitoring import configure
from benchmarks._lib.tables import markdown, number, percentile, typical

RESULTS = {"sqlite": 1_000_000, "postgresql": 10_000_000}
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
CHECKS = 50
_ROUND_SECONDS = 10
_HOURS, _DAYS = 90 * 24, 366
_APP = "/admin/django_health_check_job"


def fill(vendor: str, results: int) -> None:
    """Write the history by the database's own means."""
    from django.db import connection

    from django_health_check_job.models import Check, MonitorLease, Rollup, StateChange
    from django_health_check_job.services.lease import NAME

    now = datetime.now(UTC)
    checks = Check.objects.bulk_create(
        Check(
            name=f"check {one:02}",
            slug=f"check-{one:02}",
            state="UP",
            since=now,
            last_state="UP",
            last_at=now,
            last_duration_seconds=0.05,
            last_message="working",
            stale_after_seconds=86_400,
        )
        for one in range(CHECKS)
    )
    keys = [one.pk for one in checks]
    first = keys[0]
    numbers, at = {
        "sqlite": (
            f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
            f"WHERE i + 1 < {results}) SELECT {{}} FROM n",
            "strftime('%Y-%m-%d %H:%M:%f', '{begin:%Y-%m-%d %H:%M:%S}', "
            "(i / {checks} * {step}) || ' seconds')",
        ),
        "postgresql": (
            f"SELECT {{}} FROM generate_series(0, {results - 1}) AS n(i)",
            "timestamptz '{begin:%Y-%m-%d %H:%M:%S}+00' + (i / {checks} * {step}) "
            "* interval '1 second'",
        ),
    }[vendor]
    begin = now - timedelta(seconds=results // CHECKS * _ROUND_SECONDS)
    moment = at.format(begin=begin, checks=CHECKS, step=_ROUND_SECONDS)
    failing = "i % 1000 = 7"
    columns = {
        "name": f"'check ' || (i % {CHECKS})",
        "status": f"CASE WHEN {failing} THEN 0 ELSE 1 END",
        "message": f"CASE WHEN {failing} THEN 'ConnectionRefusedError' ELSE 'working' END",
        "state": f"CASE WHEN {failing} THEN 'DOWN' ELSE 'UP' END",
        "check_id": f"{first} + i % {CHECKS}",
        "duration_seconds": "0.05 + (i % 97) / 1000.0",
        "created_at": moment,
        "updated_at": moment,
        "checked_at": moment,
        "annotation": "''",
    }
    table = "django_health_check_job_heathcheckjob"
    with connection.cursor() as cursor:
        select = numbers.format(", ".join(columns.values()))
        cursor.execute(f"INSERT INTO {table} ({', '.join(columns)}) {select}")
    for span, count, step in (
        (Rollup.Span.HOUR, _HOURS, timedelta(hours=1)),
        (Rollup.Span.DAY, _DAYS, timedelta(days=1)),
    ):
        last = now.replace(minute=0, second=0, microsecond=0)
        if span is Rollup.Span.DAY:
            last = last.replace(hour=0)
        Rollup.objects.bulk_create(
            (
                Rollup(
                    check_row_id=key,
                    span=span,
                    starts_at=last - number_ * step,
                    ups=359,
                    downs=1,
                    total_us=18_000_000,
                    least_us=1_000,
                    most_us=90_000,
                )
                for key in keys
                for number_ in range(count)
            ),
            batch_size=2000,
        )
    StateChange.objects.bulk_create(
        StateChange(
            check_row_id=keys[one % CHECKS],
            old="UP",
            new="DOWN",
            at=now - timedelta(minutes=one),
            announced_at=now,
        )
        for one in range(10_000)
    )
    MonitorLease.objects.create(
        name=NAME,
        holder="bench",
        fence=1,
        acquired_at=now,
        expires_at=now + timedelta(hours=9),
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def published_admin() -> Any:
    """Return an admin site with the published list, as Django builds it."""
    from django.contrib import admin

    from django_health_check_job.models import HeathCheckJob

    site = admin.AdminSite(name="published")

    class Published(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
        list_display = ("id", "name", "status", "message", "created_at", "updated_at")
        list_filter = ("status", "name", "message")
        search_fields = ("name", "message")

    site.register(HeathCheckJob, Published)
    return site


def measure(vendor: str, *, quick: bool) -> None:
    """Fill a database and time every page; print a table."""
    results = RESULTS[vendor] // (100 if quick else 1)
    with tempfile.TemporaryDirectory() as folder, fresh_database(vendor, "pages") as database:
        configure(
            database,
            Path(folder),
            STATIC_URL="/static/",
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            MIDDLEWARE=[
                "django.contrib.sessions.middleware.SessionMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware",
            ],
            TEMPLATES=[
                {
                    "BACKEND": "django.template.backends.django.DjangoTemplates",
                    "APP_DIRS": True,
                    "OPTIONS": {
                        "context_processors": [
                            "django.template.context_processors.request",
                            "django.contrib.auth.context_processors.auth",
                            "django.contrib.messages.context_processors.messages",
                        ]
                    },
                }
            ],
            ALLOWED_HOSTS=["testserver"],
        )
        from django.contrib import admin
        from django.contrib.auth.models import User
        from django.db import connection
        from django.test import Client

        # Addresses can be given as they are, and the admin's exist only now.
        settings.ROOT_URLCONF = (
            path("admin/", admin.site.urls),
            path("published/", published_admin().urls),
        )
        fill(vendor, results)
        client = Client()
        client.force_login(User.objects.create_superuser("bench"))
        middle = results // 2
        pages = [
            ("status page", f"{_APP}/check/status/", 15),
            ("list of results", f"{_APP}/heathcheckjob/", 15),
            ("list, in the middle", f"{_APP}/heathcheckjob/?before={middle}", 15),
            ("list, failing ones", f"{_APP}/heathcheckjob/?status=0", 15),
            ("list, one check", f"{_APP}/heathcheckjob/?name=7", 15),
            ("list, a word in the message", f"{_APP}/heathcheckjob/?message=Refused", 15),
            ("list, a word that is nowhere", f"{_APP}/heathcheckjob/?message=nowhere", 3),
            ("a check, its last results", f"{_APP}/check/7/change/", 15),
            ("a check, a week", f"{_APP}/check/7/change/?chart=week", 15),
            ("a check, a year", f"{_APP}/check/7/change/?chart=year", 15),
            ("*the published list*", "/published/django_health_check_job/heathcheckjob/", 3),
        ]
        rows = []
        for name, address, count in pages:
            times = []
            # The first one compiles templates.
            for _ in range(count + 1):
                started = time.perf_counter()
                response = client.get(address)
                times.append((time.perf_counter() - started) * 1000)
                if response.status_code != 200:
                    raise RuntimeError(f"{address}: {response.status_code}")
            warm = times[1:]
            rows.append([name, number(typical(warm), " ms"), number(percentile(warm, 90), " ms")])
        print(f"\n### Pages over {results:,} results on {NAMES[vendor]}\n")
        print(markdown(["", "median", "p90"], rows))
        connection.close()


def main() -> int:
    """Measure each database in a process of its own."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the rows")
    parser.add_argument("--database", choices=RESULTS, help="this one alone")
    options = parser.parse_args()
    if options.database:
        measure(options.database, quick=options.quick)
        return 0
    failed = 0
    for vendor in RESULTS:
        command = [sys.executable, "-m", "benchmarks.health_pages", "--database", vendor]
        command += ["--quick"] * options.quick
        failed |= subprocess.run(command, check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
