"""What the README shows is run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[3] / "README.md"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(r"^(?P<code>.*?)\s*# -> (?P<value>.*)$")
_CHECK = """\
def _shows(value, text):
    assert repr(value) == text, f"README shows {text}, but it is {value!r}"
"""


def blocks() -> list[str]:
    """The Python blocks, in order."""
    return _BLOCK.findall(README.read_text(encoding="utf-8"))


def checked(line: str) -> str:
    """A line with what it shows (``expression  # -> repr``) as a check."""
    shown = _SHOWN.match(line)
    if shown is None:
        return line
    code = shown["code"].lstrip()
    ast.parse(code, mode="eval")
    indent = " " * (len(shown["code"]) - len(code))
    return f"{indent}_shows(({code}), {shown['value']!r})"


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.split("\n")[0][:40])
def test_what_the_readme_shows_is_true(block: str, tmp_path: Path) -> None:
    """Every Python block of the README runs without a warning and shows what it says."""
    script = _CHECK + "\n".join(checked(line) for line in block.splitlines())
    file = tmp_path / "readme_block.py"
    file.write_text(script, encoding="utf-8")
    command = [sys.executable, "-W", "error", str(file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_readme_shows_something() -> None:
    """The README has blocks, and most of them show values."""
    shown = [line for block in blocks() for line in block.splitlines() if _SHOWN.match(line)]
    assert len(blocks()) >= 8
    assert len(shown) >= 30


def test_every_promise_names_a_test() -> None:
    """Each test that the README's table names is there."""
    named = set(re.findall(r"`(test_\w+)`", README.read_text(encoding="utf-8")))
    faults = (Path(__file__).parents[1] / "faults").glob("test_*.py")
    there = "\n".join(file.read_text(encoding="utf-8") for file in faults)
    assert len(named) >= 20
    assert {name for name in named if f"def {name}(" not in there} == set()
