"""All benchmarks one after the other: ``python -m benchmarks [--quick] [--page]``."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
BEGIN, END = "<!-- results: `python -m benchmarks --page` -->\n", "<!-- end of results -->\n"

SCRIPTS = (
    *("drain", "enqueue", "latency", "backlog", "other_databases", "memory", "crash"),
    *("health_checks", "health_memory", "health_pages"),
    "job_automation",
    *("command_runs", "cleanup", "backups", "exports", "imports", "reports", "sentiment"),
    "test_data",
)


def run(script: str, arguments: Sequence[str]) -> str | None:
    """Run a script in a process of its own; return what it printed, or None if it failed."""
    command = [sys.executable, "-m", f"benchmarks.{script}", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            # It has to drop its databases.
            process.terminate()
            raise
    print(output, flush=True)
    return None if process.returncode else output


def write_page(results: str) -> None:
    """Put the results where the page has them."""
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n{results.strip()}\n\n{END}{tail}", encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Run everything; return 1 if a script failed. With --page, the page gets the results."""
    if {"--page", "--quick"} <= set(arguments):
        print("--page takes the whole measurement: leave --quick out.", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    printed: list[str] = []
    failed: list[str] = []
    for script in SCRIPTS:
        output = run(script, [one for one in arguments if one != "--page"])
        if output is None:
            failed.append(script)
        else:
            printed.append(output.strip())
        # The peers are as new as can be by now.
        os.environ["BENCH_KEEP_PEERS"] = "1"
    if failed:
        print(f"Failed: {', '.join(failed)}.", file=sys.stderr)
        return 1
    if "--page" in arguments:
        write_page("\n\n".join(printed))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
