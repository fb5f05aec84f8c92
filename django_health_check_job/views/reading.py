"""What machines read: liveness, readiness, metrics and JSON, all from stored results."""

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from django_health_check_job.conf import get_conf
from django_health_check_job.engine.outcome import State
from django_health_check_job.models import StateChange
from django_health_check_job.services import openmetrics, reading
from django_opskit.keys import read_key
from django_opskit.openmetrics import CONTENT_TYPE

__all__ = ["changes", "check_list", "history", "live", "metrics", "ready"]

_PERMISSION = "django_health_check_job.view_check"
_MOST_ROWS = 1000

View = Callable[..., HttpResponseBase]


def for_readers(view: View) -> View:
    """Let in accounts that may view checks, and whoever has METRICS_TOKEN."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not _has_token(request) and not request.user.has_perm(_PERMISSION):
            status = 403 if request.user.is_authenticated else 401
            response = JsonResponse({"error": "You may not read this."}, status=status)
            if status == 401:
                response["WWW-Authenticate"] = 'Bearer realm="health"'
            return response
        return view(request, *args, **kwargs)

    return guarded


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Say that this process answers; nothing is asked of anything else."""
    return JsonResponse({"status": "pass"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """
    Say whether this site can do its work: 503 when a critical check is DOWN, or the database away.

    A check of which nothing is known lets it pass, as ``warn``: when a monitor dies, no load
    balancer should take every healthy server away.
    """
    try:
        checks = reading.checks_now(now=timezone.now(), source="")
    except Error:
        return JsonResponse(
            {"status": "fail", "reason": "the database does not answer"}, status=503
        )
    state = reading.overall(checks)
    word = {State.UP: "pass", State.DOWN: "fail"}.get(state, "warn")
    return JsonResponse({"status": word}, status=503 if state is State.DOWN else 200)


@never_cache
@require_safe
@for_readers
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the stored results as OpenMetrics."""
    now = timezone.now()
    text = openmetrics.render(
        reading.checks_now(now=now), monitor_alive=reading.monitor_is_alive(now=now)
    )
    return HttpResponse(text, content_type=CONTENT_TYPE)


@never_cache
@require_safe
@for_readers
def check_list(request: HttpRequest) -> HttpResponse:
    """Return where each check stands now."""
    now = timezone.now()
    checks = reading.checks_now(now=now)
    return JsonResponse(
        {
            "at": now,
            "state": reading.overall(one for one in checks if not one.source).value,
            "monitor_alive": reading.monitor_is_alive(now=now),
            "checks": [_check_document(one) for one in checks],
        }
    )


@never_cache
@require_safe
@for_readers
def history(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the results of one check, the newest first, page by page."""
    check = _find(request, slug)
    limit, before = _page(request)
    rows = reading.latest_results(check.pk, limit=limit, before=before)
    return JsonResponse(
        {
            "check": _check_document(check),
            "results": rows,
            "next_before": rows[-1]["id"] if len(rows) == limit else None,
        }
    )


@never_cache
@require_safe
@for_readers
def changes(request: HttpRequest) -> HttpResponse:
    """Return the changes of state, the newest first, page by page."""
    limit, before = _page(request)
    rows = reading.recent_changes(limit=limit, before=before)
    return JsonResponse(
        {
            "changes": [_change_document(row) for row in rows],
            "next_before": rows[-1].pk if len(rows) == limit else None,
        }
    )


def _has_token(request: HttpRequest) -> bool:
    token = get_conf().METRICS_TOKEN
    if token is None:
        return False
    expected = f"Bearer {token.get_secret_value()}".encode()
    given = request.headers.get("Authorization", "").encode()
    return hmac.compare_digest(given, expected)


def _find(request: HttpRequest, slug: str) -> reading.CheckNow:
    found = reading.checks_now(
        now=timezone.now(), source=request.GET.get("source", ""), slugs=[slug]
    )
    if not found:
        raise Http404(f"There is no check {slug!r}.")
    return found[0]


def _page(request: HttpRequest) -> tuple[int, int | None]:
    limit = read_key(request.GET.get("limit", ""))
    before = read_key(request.GET.get("before", ""))
    return min(max(1, 100 if limit is None else limit), _MOST_ROWS), before


def _check_document(one: reading.CheckNow) -> dict[str, Any]:
    return {
        "source": one.source,
        "name": one.name,
        "slug": one.slug,
        "critical": one.critical,
        "state": one.state.value,
        "since": one.since,
        "message": one.message,
        "duration_seconds": one.duration_seconds,
        "last_at": one.last_at,
        "age_seconds": one.age_seconds,
        "is_stale": one.is_stale,
    }


def _change_document(row: StateChange) -> dict[str, Any]:
    return {
        "id": row.pk,
        "source": row.check_row.source,
        "check": row.check_row.slug,
        "name": row.check_row.name,
        "old": row.old,
        "new": row.new,
        "at": row.at,
        "message": row.message,
        "is_first": row.is_first,
    }
