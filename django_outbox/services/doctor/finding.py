"""One thing that is wrong."""

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """``code`` names the kind, for programs; ``sentence`` says what is wrong and what to do."""

    code: str
    sentence: str
