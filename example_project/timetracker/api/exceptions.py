"""Why a request to the task API is refused."""

from timetracker.exceptions import TimetrackerError

__all__ = ["ApiError"]


class ApiError(TimetrackerError):
    """
    A refusal, for whoever wrote the client.

    ``code`` is for programs and from RFC 6749 and RFC 6750 where these have one; ``headers``
    go with the answer.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}
