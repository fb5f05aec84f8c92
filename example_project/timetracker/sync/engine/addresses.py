"""Which address may be asked, and to which ones our credentials belong."""

from ipaddress import ip_address
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

__all__ = ["is_loopback", "join", "normalised", "origin", "shown", "with_query"]

_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalised(url: str, *, allow_http: bool) -> str:
    """
    Return ``url`` in the one spelling under which we know it.

    Raises:
        ValueError: it is no http(s) address, holds a name or password, or would carry
            credentials in the clear: plain http is for this machine alone, unless
            ``allow_http``.
    """
    # Parsers disagree about a backslash: what one takes for the host, another does not.
    if any(not "!" <= character <= "~" or character == "\\" for character in url):
        raise ValueError("must be ASCII without white space and backslashes; quote the rest")
    parts = urlsplit(url)
    scheme, host = parts.scheme, parts.hostname or ""
    if scheme not in _DEFAULT_PORTS or not host:
        raise ValueError("must start with https:// and a host")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password; set the credentials instead")
    if scheme == "http" and not allow_http and not is_loopback(host):
        raise ValueError("must start with https://; plain http shows the credentials to others")
    port = parts.port  # ValueError when it is no number or too large
    shown_host = f"[{host}]" if ":" in host else host
    place = shown_host if port in {None, _DEFAULT_PORTS[scheme]} else f"{shown_host}:{port}"
    return urlunsplit((scheme, place, parts.path or "/", parts.query, ""))


def origin(url: str) -> str:
    """Return scheme, host and port of a normalised address (RFC 6454, section 4)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def shown(url: str) -> str:
    """Return ``url`` for messages and logs: without its query, which may hold a key."""
    return urlunsplit((*urlsplit(url)[:3], "", ""))


def join(base: str, reference: str) -> str:
    """
    Return where ``reference``, absolute or relative, leads from ``base``, normalised.

    Raises:
        ValueError: it is no http(s) address, or holds a name or password.
    """
    return normalised(urljoin(base, reference), allow_http=True)


def with_query(url: str, parameters: dict[str, str]) -> str:
    """Return ``url`` with ``parameters`` set, replacing those that it had of the same name."""
    parts = urlsplit(url)
    kept = [
        pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in parameters
    ]
    query = urlencode([*kept, *parameters.items()])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def is_loopback(host: str) -> bool:
    """Say whether ``host`` is this machine by its very name: no resolver is asked."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
