"""
Signatures of requests: HMAC-SHA256 over the moment and the body.

The moment is signed along, so that a request that was recorded cannot be sent again much later.
"""

import hashlib
import hmac

__all__ = ["sign", "verify"]

_VERSION = "v1"


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """
    Return the signature of a request.

    Args:
        secret: what both sides know.
        timestamp: seconds since 1970, as it stands in its header.
        body: as it goes over the wire: after compression.
    """
    signed = timestamp.encode() + b"." + body
    return f"{_VERSION}={hmac.new(secret, signed, hashlib.sha256).hexdigest()}"


def verify(secret: bytes, timestamp: str, body: bytes, signature: str) -> bool:
    """Return whether the signature fits; takes as long for a wrong one as for the right one."""
    return hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.encode())
