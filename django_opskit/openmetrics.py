"""
Families of figures in the OpenMetrics text format, version 1.0.0, which Prometheus reads too.

Source: https://github.com/prometheus/OpenMetrics, "Text format".
"""

from collections.abc import Iterable, Iterator, Mapping

__all__ = ["CONTENT_TYPE", "END", "gauges"]

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

#: The last line of an exposition.
END = "# EOF"


def gauges(
    name: str, text: str, samples: Iterable[tuple[Mapping[str, str], str]], *, unit: str = ""
) -> Iterator[str]:
    """
    Yield the lines of one family.

    Args:
        name: ends with ``unit`` where there is one.
        text: what it says, in one line.
        samples: labels and value of each.
        unit: such as ``seconds``.
    """
    yield f"# TYPE {name} gauge"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {text}"
    for labels, value in samples:
        inside = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
        yield f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
