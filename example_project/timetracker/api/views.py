"""The two endpoints: the task list, and the token that opens it."""

import functools
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt

from timetracker.api.access import authenticated, count_request, issue_token
from timetracker.api.conf import get_conf
from timetracker.api.exceptions import ApiError
from timetracker.api.listing import Query, list_state, read_page
from timetracker.sync.engine.cursor import written

__all__ = ["task_list", "token"]

View = Callable[[HttpRequest], HttpResponse]


def _endpoint(*methods: str) -> Callable[[View], View]:
    """Answer every refusal as JSON, another method's too, and let no cache keep an answer."""

    def decorate(view: View) -> View:
        @csrf_exempt  # no cookie opens these
        @functools.wraps(view)
        def answer(request: HttpRequest) -> HttpResponse:
            try:
                if request.method not in methods:
                    allowed = ", ".join(methods)
                    message = f"Use {allowed}."
                    raise ApiError(405, "method_not_allowed", message, {"Allow": allowed})
                response = view(request)
            except ApiError as error:
                content = {"error": error.code, "error_description": str(error)}
                response = JsonResponse(content, status=error.status, headers=error.headers)
            response.headers["Cache-Control"] = "no-store"
            return response

        return answer

    return decorate


@_endpoint("GET", "HEAD")
def task_list(request: HttpRequest) -> HttpResponse:
    """Return a page of tasks, or 304 when the list is as the client knows it."""
    conf = get_conf()
    quota = count_request(authenticated(request, conf), conf, now=time.time())
    query = Query.of(request.GET)
    # Clock and state first: a change in between is then sent twice and never missed.
    server_time, etag = timezone.now(), f'W/"{list_state()}"'
    response: HttpResponse | None = None
    if query.after is None:
        response = get_conditional_response(request, etag=etag)
    if response is None:
        page = read_page(query)
        response = JsonResponse(
            {
                "tasks": page.tasks,
                "next": f"{request.path}?{page.next_query}" if page.next_query else None,
                "server_time": written(server_time),
            }
        )
    if query.after is None:
        response.headers["ETag"] = etag
    for name, value in quota.items():
        response.headers[name] = value
    return response


@_endpoint("POST")
def token(request: HttpRequest) -> HttpResponse:
    """Return an access token (RFC 6749, section 4.4)."""
    conf = get_conf()
    # Counted by address: whoever guesses has no name yet.
    count_request(f"address {request.META['REMOTE_ADDR']}", conf, now=time.time())
    return JsonResponse(issue_token(request, conf), headers={"Pragma": "no-cache"})
