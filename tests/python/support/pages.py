"""The pages of the documentation, and the Python blocks in them.

A block is a program of its own, ``shop.py``. The comment ``<!-- goes on -->`` before it says that it
goes on where the block before it ended. ``expression  # -> repr`` shows a value, ``print(...)
# prints: line`` a line of the output; all lines that a block prints must be shown so.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_BLOCK = re.compile(
    r"^(?P<goes_on><!-- goes on -->\n+)?```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
_SHOWN = re.compile(r"^(?P<code>.*?)\s*# -> (?P<value>.*)$")
_PRINTED = re.compile(r"# prints: (.*)$", re.MULTILINE)
_CHECK = """\
def _shows(value, text):
    assert repr(value) == text, f"the page shows {text}, but it is {value!r}"
"""


@dataclass(frozen=True)
class Block:
    """A Python block of a page."""

    page: str
    line: int
    code: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def script(self) -> str:
        """The program, with each value that it shows as a check."""
        return _CHECK + "\n".join(_checked(line) for line in self.code.splitlines())

    @property
    def prints(self) -> list[str]:
        """The lines of output that the page shows."""
        return _PRINTED.findall(self.code)

    @property
    def shows(self) -> int:
        """How many values and lines are shown."""
        return len(self.prints) + sum(bool(_SHOWN.match(line)) for line in self.code.splitlines())

    @property
    def imports(self) -> set[str]:
        """The packages that the program imports."""
        found = set()
        for node in ast.walk(ast.parse(self.code)):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
        return found


def pages() -> list[Path]:
    """README.md and the pages of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The Python blocks of a page, in order."""
    text, before = page.read_text(encoding="utf-8"), ""
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("code"))
        before = before + "\n" + found["code"] if found["goes_on"] else found["code"]
        yield Block(str(page.relative_to(ROOT)), line, before)


def _checked(line: str) -> str:
    """A line with the value that it shows as a check."""
    shown = _SHOWN.match(line)
    if shown is None:
        return line
    code = shown["code"].lstrip()
    ast.parse(code, mode="eval")
    indent = " " * (len(shown["code"]) - len(code))
    return f"{indent}_shows(({code}), {shown['value']!r})"
