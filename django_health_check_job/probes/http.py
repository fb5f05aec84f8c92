"""Does a page answer as it should?"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from re import fullmatch
from urllib.parse import SplitResult, urljoin, urlsplit

from django_health_check_job.exceptions import CheckSetupError
from django_health_check_job.probes.base import Down
from django_health_check_job.probes.builtin import BuiltIn
from django_health_check_job.probes.http_exchange import Answer, credentials, exchange, port_of
from django_health_check_job.probes.sockets import Deadline, address_of, tls_context

__all__ = ["HTTP"]

_REDIRECTS = {301, 302, 303, 307, 308}
_USER_AGENT = "django-health-check-job"


@dataclass
class HTTP(BuiltIn):
    """
    DOWN when a page does not answer with an expected status, and with an expected text.

    Redirects are followed unless their status is an expected one. Your headers, and the user and
    password of the URL, go to its own scheme, host and port alone. Proxies are not asked.

    Args:
        url: http:// or https://; what stands before "@" is sent as Basic authentication. Its
            query never appears in the check's name or message.
        expect: the status, or statuses, or their range, that mean UP.
        contains: a text that the first ``max_body_bytes`` of the body must contain.
        method: GET, HEAD, or another one without a body.
        headers: what to send besides.
        verify: whether the certificate has to be valid.
        ca_file: PEM file of the authorities to trust instead of the system's.
        max_redirects: how many redirects to follow.
        max_body_bytes: how much of the body to read.
    """

    url: str = field(repr=False)
    expect: int | Collection[int] = range(200, 300)
    contains: str | None = None
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    verify: bool = True
    ca_file: str | None = None
    max_redirects: int = 5
    max_body_bytes: int = 1_000_000

    def run(self) -> None:
        """Ask for the page, and judge the answer."""
        answer = self._follow(self.deadline)
        if answer.status not in self._statuses:
            raise Down(f"answered {_status(answer.status)}, and not {self._expected()}")
        if self.contains is not None and self.contains not in _text(answer):
            raise Down(f"answered {_status(answer.status)} without the expected text")

    def _follow(self, deadline: Deadline) -> Answer:
        url, method = self._parts, self.method.upper()
        context = tls_context(verify=self.verify, ca_file=self.ca_file)
        for _ in range(self.max_redirects + 1):
            answer = exchange(
                url,
                method=method,
                headers=self._headers_for(url),
                context=context,
                deadline=deadline,
                max_body_bytes=self.max_body_bytes,
            )
            is_final = answer.status in self._statuses or not answer.location
            if is_final or answer.status not in _REDIRECTS:
                return answer
            url = _redirected(url, answer.location)
            if method != "HEAD" and answer.status in {301, 302, 303}:
                method = "GET"
        raise Down(f"more than {self.max_redirects} redirects, the last one to {_shown(url)}")

    def _headers_for(self, url: SplitResult) -> dict[str, str]:
        common = {"User-Agent": _USER_AGENT, "Accept": "*/*", "Connection": "close"}
        if _origin(url) != _origin(self._parts):
            return common
        # Your spelling of a name wins over ours.
        own = {name.title(): value for name, value in self.headers.items()}
        return common | credentials(self._parts) | own

    @property
    def _statuses(self) -> Collection[int]:
        return (self.expect,) if isinstance(self.expect, int) else self.expect

    def _expected(self) -> str:
        if isinstance(self.expect, range) and self.expect.step == 1 and len(self.expect) > 1:
            return f"{self.expect[0]} to {self.expect[-1]}"
        return " or ".join(map(str, sorted(self._statuses)))

    def _check_options(self) -> None:
        self._parts = _parsed(self.url)
        self._require(
            _are_statuses(self.expect),
            "expect must be a status, or several, from 100 to 599",
            self.expect,
        )
        self._require(
            fullmatch(r"[A-Za-z]{1,20}", self.method) is not None,
            "method must be a word",
            self.method,
        )
        for name, value in self.headers.items():
            # The value may be a secret, and is not shown.
            self._require(
                fullmatch(r"[\w-]+", name) is not None
                and fullmatch(r"[\t\x20-\x7e\xa0-\xff]*", value) is not None,
                "a header is a name and a text in one line",
                name,
            )
        self._require(
            self.max_redirects >= 0, "max_redirects must be 0 or more", self.max_redirects
        )
        self._require(
            self.max_body_bytes >= 1, "max_body_bytes must be 1 or more", self.max_body_bytes
        )
        self._require_ca_file(self.ca_file)

    def _own_name(self) -> str:
        return f"HTTP {_shown(self._parts).partition('://')[2]}"


def _are_statuses(expect: object) -> bool:
    if isinstance(expect, str | bytes | bool):
        return False
    several = [expect] if isinstance(expect, int) else expect
    if not isinstance(several, Collection) or not several:
        return False
    return all(isinstance(one, int) and 100 <= one <= 599 for one in several)


def _parsed(url: str) -> SplitResult:
    # The URL is not shown: what makes it wrong may be a sign in its password.
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and port_of(parts) > 0
    except (AttributeError, TypeError, ValueError) as error:
        raise CheckSetupError("HTTP: url cannot be read as a URL") from error
    if not is_right:
        raise CheckSetupError("HTTP: url must begin with http:// or https:// and name a host")
    return parts


def _redirected(url: SplitResult, location: str) -> SplitResult:
    base = url._replace(netloc=url.netloc.rpartition("@")[2])
    try:
        return _parsed(urljoin(base.geturl(), location))
    except (CheckSetupError, ValueError) as error:
        raise Down("redirects to something that is no http:// or https:// address") from error


def _origin(url: SplitResult) -> tuple[str, str | None, int]:
    return url.scheme, url.hostname, port_of(url)


def _shown(url: SplitResult) -> str:
    """Return a URL without user, password, query and fragment."""
    default_port = 443 if url.scheme == "https" else 80
    address = address_of(str(url.hostname), port_of(url), default_port)
    return f"{url.scheme}://{address}{url.path.rstrip('/')}"


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _text(answer: Answer) -> str:
    try:
        return answer.body.decode(answer.charset, "replace")
    except (LookupError, ValueError):  # a charset that only the server knows
        return answer.body.decode("utf-8", "replace")
