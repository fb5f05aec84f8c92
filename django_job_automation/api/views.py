"""Three resources: the settings, runs, and how it stands. Each asks one service."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_job_automation.adapters import get_adapter
from django_job_automation.api import schemas
from django_job_automation.api.permissions import MayChangeSettings, MayRead, MayRun, RunThrottle
from django_job_automation.exceptions import (
    OverrideError,
    RunLockedError,
    UnknownSiteError,
    VersionConflictError,
)
from django_job_automation.services import overrides
from django_job_automation.services.dashboard import dashboard
from django_job_automation.services.moments import parse_moment
from django_job_automation.services.report import RunReport
from django_job_automation.services.running import run_automation
from django_job_automation.tasks import run_in_background
from django_opskit.tasks import runs_at_once

__all__ = ["DashboardView", "RunView", "SettingsView"]

_IF_MATCH = OpenApiParameter(
    "If-Match", location=OpenApiParameter.HEADER, description="The version that was read."
)
_PROBLEM = schemas.ProblemSchema


class _View(APIView):
    def handle_exception(self, exc: Exception) -> Response:
        """Say what is wrong when settings that were stored fit those of the site no more."""
        if isinstance(exc, OverrideError):
            return _refusal(500, exc, problems=list(exc.problems))
        return super().handle_exception(exc)


class SettingsView(_View):
    """The settings of the rules, for all sites."""

    permission_classes = [MayChangeSettings]

    @extend_schema(responses=schemas.SettingsSchema)
    def get(self, request: Request) -> Response:
        """Return the settings as they hold."""
        return self._answer(overrides.stored().version)

    @extend_schema(
        request=schemas.SettingsChangeSchema,
        responses={200: schemas.SettingsSchema, 400: _PROBLEM, 412: _PROBLEM},
        parameters=[_IF_MATCH],
    )
    def put(self, request: Request) -> Response:
        """Set these keys; those that are left out are as in the settings module again."""
        return self._change(request, overrides.replace)

    @extend_schema(
        request=schemas.SettingsChangeSchema,
        responses={200: schemas.SettingsSchema, 400: _PROBLEM, 412: _PROBLEM},
        parameters=[_IF_MATCH],
    )
    def patch(self, request: Request) -> Response:
        """Set these keys, and leave the others."""
        return self._change(request, overrides.update)

    def _change(self, request: Request, change: Any) -> Response:
        try:
            stored = change(
                request.data,
                version=_version(request.headers.get("If-Match")),
                changed_by=str(request.user),
                user=request.user,
            )
        except OverrideError as error:
            return _refusal(400, error, problems=list(error.problems))
        except VersionConflictError as error:
            return _refusal(412, error)
        return self._answer(stored.version)

    @staticmethod
    def _answer(version: int) -> Response:
        conf = overrides.effective(get_adapter()).conf
        document = conf.document()
        sections = {name: document[name] for name in conf.sections}
        return Response({**sections, "version": version}, headers={"ETag": f'"{version}"'})


class RunView(_View):
    """Runs of the rules."""

    permission_classes = [MayRun]
    throttle_classes = [RunThrottle]

    @extend_schema(
        request=schemas.RunRequestSchema,
        responses={
            201: schemas.RunResultSchema,
            202: schemas.RunResultSchema,
            400: _PROBLEM,
            409: _PROBLEM,
            500: schemas.RunResultSchema,
        },
    )
    def post(self, request: Request) -> Response:
        """Run all rules: here and now, or by a worker when the site's tasks have one."""
        dry_run, as_of, sites = _run_arguments(request.data)
        started_by = f"API, {request.user}"
        if sites is not None and (unknown := get_adapter().unknown(sites)):
            return _refusal(400, UnknownSiteError(unknown))
        if not dry_run and not runs_at_once():
            result = run_in_background.enqueue(
                started_by, None if as_of is None else as_of.isoformat(), sites
            )
            return Response(_run_document(None, dry_run=False, task=result.id), status=202)
        try:
            report = run_automation(started_by=started_by, as_of=as_of, keys=sites, dry_run=dry_run)
        except RunLockedError as error:
            return _refusal(409, error, run=error.run)
        # As published: what has failed is no success, whatever else was done.
        status = 500 if report.failed else 200 if dry_run else 201
        return Response(_run_document(report, dry_run=dry_run), status=status)


class DashboardView(_View):
    """How it stands."""

    permission_classes = [MayRead]

    @extend_schema(responses=schemas.DashboardSchema)
    def get(self, request: Request) -> Response:
        """Return open jobs, the newest ones, and those of the last seven days."""
        found = dashboard(now=timezone.now())
        last = found.last_run
        return Response(
            {
                "summary": {
                    "total_no_coms": found.open["no_coms"],
                    "total_zero_reads": found.open["zero_reads"],
                    "jobs_created_today": found.created_today,
                    "jobs_created_week": found.created_week,
                    "last_run": None if last is None else last.started_at,
                    "last_run_outcome": None if last is None else last.outcome,
                },
                "recent_jobs": [vars(one) for one in found.recent],
                "daily_stats": [
                    {**one.created, "date": f"{one.day:%d/%m}", "day": one.day}
                    for one in found.days
                ],
            }
        )


def _run_arguments(data: Any) -> tuple[bool, datetime | None, list[str] | None]:
    """Read the body of a run, and refuse what it does not know."""
    if not isinstance(data, Mapping):
        raise ParseError("The body must be a JSON object.")
    known = ("dry_run", "as_of", "sites")
    if unknown := [name for name in data if name not in known]:
        raise ParseError(f"{unknown[0]!r} is no key: there are {', '.join(known)}.")
    dry_run, as_of, sites = (data.get(name) for name in known)
    if dry_run is not None and not isinstance(dry_run, bool):
        raise ParseError(f"'dry_run' is true or false, got {dry_run!r}.")
    if sites is not None and not (
        # PostgreSQL refuses a NUL in a text, wherever it is compared.
        isinstance(sites, list) and all(isinstance(one, str) and "\0" not in one for one in sites)
    ):
        raise ParseError("'sites' is a list of texts.")
    return bool(dry_run), _moment(as_of), sites


def _moment(text: Any) -> datetime | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise ParseError(f"'as_of' is a moment as a text, got {text!r}.")
    try:
        return parse_moment(text, needs_offset=True)
    except ValueError as error:
        raise ParseError(f"'as_of': {error}.") from None


def _version(header: str | None) -> int | None:
    """Return the version of an If-Match; any header that is none matches nothing."""
    if header is None or header.strip() == "*":
        return None
    digits = header.strip().removeprefix("W/").strip('"')
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else -1


def _refusal(status: int, error: Exception, **more: Any) -> Response:
    return Response({"success": False, "error": str(error), **more}, status=status)


def _run_document(
    report: RunReport | None, *, dry_run: bool, task: str | None = None
) -> dict[str, Any]:
    rules = () if report is None else report.rules
    return {
        "success": report is None or not report.failed,
        "created_jobs": None if report is None else report.created,
        "run": None if report is None else report.run,
        "task": task,
        "dry_run": dry_run,
        "rules": [one.document() for one in rules],
    }
