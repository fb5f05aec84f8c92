"""Backends as sites write them, good and bad ones."""

from collections.abc import Sequence

from django_system_ops.engine.sentiment.results import Sentiment


class Gloomy:
    """Everything is bad."""

    name = "gloomy"
    version = "1"

    def analyse(self, texts: Sequence[str], languages: Sequence[str]) -> list[Sentiment]:
        """Say so."""
        return [Sentiment("negative", -1.0, language) for language in languages]


class Raising(Gloomy):
    """Breaks down."""

    def analyse(self, texts: Sequence[str], languages: Sequence[str]) -> list[Sentiment]:
        """Break down."""
        raise RuntimeError("no model")


class Short(Gloomy):
    """Forgets one."""

    def analyse(self, texts: Sequence[str], languages: Sequence[str]) -> list[Sentiment]:
        """Forget the first."""
        return super().analyse(texts, languages)[1:]


class Odd(Gloomy):
    """Has a word of its own."""

    def analyse(self, texts: Sequence[str], languages: Sequence[str]) -> list[Sentiment]:
        """Say what nobody knows."""
        return [Sentiment("splendid", 0.5, "") for _ in texts]


class Endless(Gloomy):
    """Scores without bounds."""

    def analyse(self, texts: Sequence[str], languages: Sequence[str]) -> list[Sentiment]:
        """Exaggerate."""
        return [Sentiment("negative", float("nan"), "") for _ in texts]


class Nameless:
    """Lacks everything."""


class LongNamed(Gloomy):
    """Has a name that nobody can keep."""

    name = "x" * 51
