"""How much at a time: less when it gets slow, more again when it is quick."""

from dataclasses import dataclass

__all__ = ["Pace"]


@dataclass
class Pace:
    """
    A size that follows what was measured.

    Attributes:
        most: it never grows beyond this.
        target_seconds: so long may it take.
        least: it never shrinks below this.
        size: what to do next.
    """

    most: int
    target_seconds: float = 0.1
    least: int = 1
    size: int = 0

    def __post_init__(self) -> None:
        self.least = min(self.least, self.most)
        self.size = self.size or self.most

    def took(self, seconds: float) -> None:
        """Follow what the last one took."""
        if seconds > self.target_seconds:
            # A little below: the next one is not to be too slow by the width of a hair.
            fitting = int(self.size * 0.8 * self.target_seconds / seconds)
            # By half at most: one slow moment of the server says little.
            self.size = max(self.least, fitting, self.size // 2)
        elif seconds < self.target_seconds / 2:
            self.size = min(self.most, self.size + self.size // 4 + 1)
