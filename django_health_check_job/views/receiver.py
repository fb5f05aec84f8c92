"""The receiver of other sites' results."""

from django.db import Error
from django.http import HttpRequest, JsonResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from django_health_check_job.conf import get_conf
from django_health_check_job.services.receiving import ReceiveError, receive

__all__ = ["receive_metrics"]

_RETRY_SECONDS = 30


@csrf_exempt
@never_cache
@require_POST
def receive_metrics(request: HttpRequest) -> JsonResponse:
    """Store one payload: 201 when it was new, 200 when it was here before."""
    try:
        received = receive(_body(request), request.headers, now=timezone.now())
    except ReceiveError as error:
        response = JsonResponse({"error": str(error)}, status=error.status)
        if error.status == 401:
            response["WWW-Authenticate"] = 'Bearer realm="health check results"'
        return response
    except Error:
        # The sender keeps what it has, and comes back.
        response = JsonResponse({"error": "The database does not answer."}, status=503)
        response["Retry-After"] = str(_RETRY_SECONDS)
        return response
    return JsonResponse(
        {"accepted": received.accepted, "duplicate": received.is_duplicate},
        status=200 if received.is_duplicate else 201,
    )


def _body(request: HttpRequest) -> bytes:
    """Return the body, at most a byte more of it than is taken."""
    most = get_conf().RECEIVER.MAX_BODY_BYTES
    try:
        # Not request.body: Django's own bound on it is another setting's.
        return bytes(request.read(most + 1))
    except (UnreadablePostError, RawPostDataException) as error:
        raise ReceiveError(400, "The body could not be read.") from error
