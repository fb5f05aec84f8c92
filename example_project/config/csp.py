"""
The site's Content-Security-Policy, on every Django version.

Django 6 brings a middleware and ``SECURE_CSP``; on Django 5.2 :class:`PolicyMiddleware` sends
the same header.
"""

from collections.abc import Callable

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse

__all__ = ["MIDDLEWARE", "POLICY", "PolicyMiddleware"]

# Nothing but our own files: no inline script, no inline style, no other site, no frame.
POLICY: dict[str, list[str]] = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    # The admin's style sheets hold small images as data.
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}


class PolicyMiddleware:
    """Sends ``settings.SECURE_CSP`` on Django 5.2, which does not know that setting yet."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.policy = "; ".join(f"{key} {' '.join(v)}" for key, v in settings.SECURE_CSP.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the policy in the headers."""
        response = self.get_response(request)
        # Django's own error pages for developers have their style inline.
        if not (settings.DEBUG and response.status_code >= 400):
            response.headers.setdefault("Content-Security-Policy", self.policy)
        return response


MIDDLEWARE: str = (
    "django.middleware.csp.ContentSecurityPolicyMiddleware"
    if django.VERSION >= (6, 0)
    else "config.csp.PolicyMiddleware"
)
