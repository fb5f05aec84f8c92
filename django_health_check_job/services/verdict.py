"""From what a probe returned or raised to what is published of it."""

import logging
import traceback
from dataclasses import dataclass

from django_health_check_job.engine.outcome import State
from django_health_check_job.probes.base import ProbeResult, ProbeSignal
from django_opskit.masking import mask_text

__all__ = ["Verdict"]

logger = logging.getLogger(__name__)

_LONGEST_MESSAGE = 2000


@dataclass(frozen=True)
class Verdict:
    """A state, and a sentence that may be shown to anybody."""

    state: State
    message: str

    @classmethod
    def of_result(cls, result: ProbeResult | None) -> "Verdict":
        """Return what a probe's return value says."""
        if result is None:
            return cls(State.UP, "OK")
        return cls(result.state, _published(result.message) or result.state.value)

    @classmethod
    def of_error(cls, error: BaseException) -> "Verdict":
        """
        Return what an exception says.

        The text of one that the probe did not raise as its verdict may hold anything, passwords
        included: only its type leaves this function, and the place where it was raised the log.
        """
        if isinstance(error, ProbeSignal):
            return cls(error.state, _published(str(error)) or error.state.value)
        frames = traceback.extract_tb(error.__traceback__, limit=-1)
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
        logger.warning("a check raised %s at %s", type(error).__name__, place)
        return cls(State.DOWN, f"unexpected {type(error).__name__}")


def _published(message: str) -> str:
    """Return a message that every database takes, without what looks like a secret."""
    # As UTF-8 it has to exist: lone surrogates come from undecodable file names.
    text = mask_text(message).replace("\0", "").encode("utf-8", "replace").decode()
    text = text.strip()
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"
