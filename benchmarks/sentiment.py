"""
How often the lexicons are right, and how fast: sentences that no rule was taken from.

``benchmarks/data/sentiment_{es,en}.csv`` were written before the lexicons, which the same author
wrote: with sentences of strangers they do worse. Rules were tuned on ``sentiment_dev_*.csv`` alone.
A polar sentence is right when its label is the one that it was given, and flipped when it is the
opposite; languages are found out, not told. VADER as it comes is beside it where it is installed.
"""

import csv
import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks._lib.accounting import peak_bytes
from benchmarks._lib.tables import markdown, number
from django_system_ops.engine.sentiment.results import NEUTRAL, UNKNOWN
from django_system_ops.services.sentiment.lexicons import (
    KNOWN_LANGUAGES,
    detector,
    lexicon_backend,
)

DATA = Path(__file__).resolve().parent / "data"
MESSAGES = 40_000
# VADER's own limits of neutral.
_VADER_NEUTRAL = 0.05


class Sentence(NamedTuple):
    """A sentence and what it feels like."""

    label: str
    text: str


@dataclass
class Marks:
    """How often something was right, of so many."""

    polar: int = 0
    right: int = 0
    flipped: int = 0
    neutral: int = 0
    neutral_right: int = 0
    unknown: int = 0


def sentences(name: str) -> list[Sentence]:
    """Return the sentences of a file."""
    with (DATA / f"sentiment_{name}.csv").open(encoding="utf-8", newline="") as file:
        return [Sentence(row["label"], row["text"]) for row in csv.DictReader(file)]


def ours() -> Callable[[Sequence[str]], list[str]]:
    """Return what labels texts by our lexicons, languages included."""
    backend, languages = lexicon_backend(KNOWN_LANGUAGES), detector()

    def label(texts: Sequence[str]) -> list[str]:
        found = [languages.language(text, KNOWN_LANGUAGES) for text in texts]
        return [one.label for one in backend.analyse(texts, found)]

    return label


def vader() -> Callable[[Sequence[str]], list[str]]:
    """Return what labels texts by VADER as it comes."""
    module: Any = import_module("vaderSentiment.vaderSentiment")  # untyped
    analyzer = module.SentimentIntensityAnalyzer()

    def label(texts: Sequence[str]) -> list[str]:
        return [named(analyzer.polarity_scores(text)["compound"]) for text in texts]

    return label


def named(compound: float) -> str:
    """Return the label that VADER's authors give a score."""
    if abs(compound) < _VADER_NEUTRAL:
        return NEUTRAL
    return "positive" if compound > 0 else "negative"


def marks(rows: Sequence[Sentence], label: Callable[[Sequence[str]], list[str]]) -> Marks:
    """Count what is right."""
    result = Marks()
    for row, found in zip(rows, label([one.text for one in rows]), strict=True):
        result.unknown += found == UNKNOWN
        if row.label == NEUTRAL:
            result.neutral += 1
            result.neutral_right += found == NEUTRAL
        else:
            result.polar += 1
            result.right += found == row.label
            result.flipped += found not in (row.label, NEUTRAL, UNKNOWN)
    return result


def speed(rows: Sequence[Sentence], label: Callable[[Sequence[str]], list[str]], count: int) -> str:
    """Return how many messages a second of one processor's time sees."""
    texts = [rows[n % len(rows)].text for n in range(count)]
    started = time.process_time()
    for begin in range(0, count, 1000):
        label(texts[begin : begin + 1000])
    return f"{round(count / (time.process_time() - started), -2):,.0f}/s"


def row(name: str, who: str, result: Marks, fast: str) -> list[str]:
    """Return a row of the table."""
    return [
        name,
        who,
        f"{result.right} of {result.polar} ({result.right / result.polar:.1%})",
        f"{result.flipped} ({result.flipped / result.polar:.1%})",
        f"{result.neutral_right} of {result.neutral}",
        str(result.unknown),
        fast,
    ]


def loading() -> list[str]:
    """Return what a new process takes to import and to load, and its memory."""
    source = (
        "import time; begin = time.process_time()\n"
        "from django_system_ops.services.sentiment.lexicons import lexicon_backend, detector\n"
        "imported = time.process_time()\n"
        "lexicon_backend(('es', 'en')); detector()\n"
        "print(imported - begin, time.process_time() - imported)"
    )
    found = subprocess.run(
        [sys.executable, "-c", source], check=True, capture_output=True, text=True
    )
    imported, loaded = map(float, found.stdout.split())
    return [number(imported, " s"), number(loaded, " s")]


def main() -> int:
    """Measure both languages."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages")
    options = parser.parse_args()
    count = MESSAGES // (10 if options.quick else 1)
    before = peak_bytes([os.getpid()])
    contenders = {"ours": ours()}
    grown = (peak_bytes([os.getpid()]) - before) / 1e6
    try:
        contenders["VADER"] = vader()
    except ImportError:
        print("vaderSentiment is not installed: left out.", file=sys.stderr)
    rows = []
    for name in ("es", "en", "dev_es", "dev_en"):
        found = sentences(name)
        for who, label in contenders.items():
            if who == "ours" or name.endswith("en"):
                rows.append(row(name, who, marks(found, label), speed(found, label, count)))
    head = ["sentences", "", "polar right", "flipped", "neutral right", "unknown", "CPU"]
    print(f"\n### Sentiment of short messages\n\n{markdown(head, rows)}\n")
    print(markdown(["import", "lexicons", "memory"], [[*loading(), number(grown, " MB more")]]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
