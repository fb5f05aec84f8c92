"""
Reading a page of the documentation as a script.

Two kinds of blocks are carried out, in the order of the page:

* `console` blocks: lines that begin with `$ ` are commands, the lines below one are what it
  prints. `...` stands for anything, in a line and for whole lines. A command goes on while a
  quotation mark is open.
* `code-block` with a `:caption:`: the text goes into that file. `(INSTALLED_APPS)` behind the
  name adds it to that list, `(end)` to the end of the file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"^```(?:\{code-block\} )?(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_CAPTION = re.compile(r":caption: (?P<file>\S+)(?: \((?P<place>\w+)\))?\n\n")


@dataclass(frozen=True)
class Command:
    """A command, and a pattern of what it prints."""

    text: str
    expected: str

    def is_matched_by(self, output: str) -> bool:
        """Compare what was printed with what the page shows, `...` standing for anything."""
        if not self.expected.strip():
            return True
        pattern = "".join(
            # On a line of its own it stands for any number of lines, none included.
            r"(?:[^\n]*\n)*?" if line == "..." else _line_pattern(line)
            for line in self.expected.strip().splitlines()
        )
        return re.fullmatch(pattern, f"{output.strip()}\n") is not None


@dataclass(frozen=True)
class File:
    """Text for a file; `place` says where in it."""

    name: str
    place: str
    text: str

    def write(self, folder: Path) -> None:
        """Put the text where the page says."""
        path = folder / self.name
        if not self.place:
            path.write_text(self.text, encoding="utf-8")
            return
        old = path.read_text(encoding="utf-8")
        if self.place == "end":
            new = f"{old}\n{self.text}"
        else:
            start = old.index(f"{self.place} = [")
            end = old.index("]", start)
            new = old[:end] + self.text + old[end:]
        path.write_text(new, encoding="utf-8")


def _line_pattern(line: str) -> str:
    return re.escape(line.strip()).replace(re.escape("..."), r"[^\n]*?").join((r"\s*", r"\s*?\n"))


def steps(page: Path) -> Iterator[Command | File]:
    """Yield what the page tells its reader to do."""
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        body = block["body"]
        if caption := _CAPTION.match(body):
            yield File(caption["file"], caption["place"] or "", body[caption.end() :])
        elif block["kind"] == "console":
            yield from _commands(body)


def _commands(body: str) -> Iterator[Command]:
    text, expected = "", ""
    for line in body.splitlines(keepends=True):
        if line.startswith("$ "):
            if text:
                yield Command(text.strip(), expected)
            text, expected = line[2:], ""
        elif text.count('"') % 2:
            text += line
        else:
            expected += line
    yield Command(text.strip(), expected)
