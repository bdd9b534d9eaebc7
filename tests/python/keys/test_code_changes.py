"""Edits of a function: those that matter warn, cosmetic ones are silent."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any
from unittest import mock

import pytest

from outlive import Cache
from outlive._code import body_text
from outlive._code_digest import code_digest
from support.programs import Scripts

START = """
import datetime
import enum
import re
from math import sin as wave
from dataclasses import dataclass
from typing import NamedTuple
MODEL = "small"
PROMPTS = {"a": 1}
SINCE = datetime.date(2024, 1, 1)
PATTERN = re.compile("a")
limit = 5
scale = lambda x: 2 * x
@dataclass
class Score:
    value: int
@dataclass
class Answer:
    text: str
class Config:
    MODEL = "tiny"
@dataclass(frozen=True)
class Settings:
    size: int
SETTINGS = Settings(1)
class Color(enum.Enum):
    RED = 1
class Pair(NamedTuple):
    a: int
def logged(function):
    import functools
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper
def helper(x):
    return x
"""
BODY = '''
def f(x, n=5) -> "list[tuple[Score, ...] | None]":
    """Say it."""
    total = 0
    seen = (SINCE, PATTERN, Config.MODEL, SETTINGS, wave, helper(x=x))
    for i in range(n):
        if i > limit and MODEL:
            total += scale(i) + PROMPTS["a"]
    try:
        total += helper(x)
        total += 1
    except ValueError:
        total = -1
    def inner(y):
        """Say more."""
        return y + 1
    return [inner(v) for v in (total, Answer(str(total)), Color.RED, Pair(1))]
'''

MATTERS = {
    "a constant": ("total = 0", "total = 1"),
    "an operator": ("y + 1", "y - 1"),
    "a comparison": ("i > limit", "i >= limit"),
    "a called name": ("str(total)", "repr(total)"),
    "nested code": ("y + 1", "y + 2"),
    "the order of lines": ("        total += helper(x)\n", ""),
    "what is guarded": (
        "    try:\n        total += helper(x)\n        total += 1\n",
        "    total += helper(x)\n    try:\n        total += 1\n",
    ),
    "what is caught": ("except ValueError", "except TypeError"),
    "a string": ('PROMPTS["a"]', 'PROMPTS["b"]'),
    "the loop": ("range(n)", "range(n + 1)"),
    "a condition": ("and MODEL", "or MODEL"),
    "what is returned": ("return [inner(v)", "return [-inner(v)"),
    "a global constant": ('MODEL = "small"', 'MODEL = "large"'),
    "a global number": ("limit = 5", "limit = 6"),
    "a table of constants": ('PROMPTS = {"a": 1}', 'PROMPTS = {"a": 2}'),
    "a called lambda": ("lambda x: 2 * x", "lambda x: 3 * x"),
    "a field of a dataclass": ("    text: str\n", "    text: str\n    score: float = 0.0\n"),
    "a member of an enum": ("    RED = 1\n", "    RED = 2\n"),
    "a field of a named tuple": ("    a: int\n", "    a: int\n    b: int = 0\n"),
    "a decorator": ("\ndef f(", "\n@logged\ndef f("),
    "a date": ("date(2024, 1, 1)", "date(2024, 1, 2)"),
    "a pattern": ('compile("a")', 'compile("b")'),
    "a constant of a class": ('MODEL = "tiny"', 'MODEL = "huge"'),
    "a frozen instance": ("Settings(1)", "Settings(2)"),
    "a field of a class within the result": ("    value: int\n", "    value: float\n"),
    "an argument's name": ("helper(x=x)", "helper(y=x)"),
    "what a name stands for": ("import sin as wave", "import cos as wave"),
    "a parameter": ("def f(x, n=5)", "def f(x, n=5, m=1)"),
}
COSMETIC = {
    "a comment": ("total = 0", "total = 0  # nothing yet"),
    "a docstring": ('"""Say it."""', '"""Say it better."""'),
    "no docstring": ('    """Say it."""\n', ""),
    "a docstring of nested code": ('"""Say more."""', '"""Say less."""'),
    "no docstring in nested code": ('        """Say more."""\n', ""),
    "an empty line": ("    total = 0\n", "    total = 0\n\n"),
    "many lines before": ("\ndef f(", "\n\n\n\n\n\n# far down\ndef f("),
    "other quotes": ('PROMPTS["a"]', "PROMPTS['a']"),
    "parentheses": ("y + 1", "(y + 1)"),
    "a call over lines": ("helper(x)", "helper(\n            x,\n        )"),
    "spaces": ("range(n)", "range( n )"),
    "a semicolon": ("    total = 0\n", "    total = 0;\n"),
    "another helper's body": ("def helper(x):\n    return x", "def helper(x):\n    return x + 1"),
    "a global that is not read": ("limit = 5", "limit = 5\nother = 7"),
    "a hexadecimal number": ("limit = 5", "limit = 0x5"),
    "the name of a variable": ("seen = ", "known = "),
    "an annotation": ("def f(x, n=5)", "def f(x: int, n: int = 5)"),
    "the name of a file": ("", ""),
    "a comment in a class": ("    text: str\n", "    text: str  # what it says\n"),
    "a method of a class": ("    text: str\n", "    text: str\n    def short(self): return 1\n"),
    "an import that is not read": ("import enum\n", "import enum\nimport os\n"),
    "a joined string": ('"small"', '"sm" "all"'),
}


def digest_of(source: str, file: str = "f.py") -> str | None:
    """Return the digest of the function f in ``source``."""
    program = ModuleType("program")
    with mock.patch.dict(sys.modules, program=program):  # where dataclasses look for it
        exec(compile(source, file, "exec", dont_inherit=True), program.__dict__)
        return code_digest(program.f)


@pytest.mark.parametrize("edit", MATTERS)
def test_an_edit_that_matters_makes_another_digest(edit: str) -> None:
    """A change that affects the result of a call changes the digest of the code."""
    old, new = MATTERS[edit]
    source = START + BODY
    assert old in source
    assert digest_of(source) != digest_of(source.replace(old, new))


@pytest.mark.parametrize("edit", COSMETIC)
def test_a_cosmetic_edit_makes_no_other_digest(edit: str) -> None:
    """Comments, docstrings, layout and helper functions are not part of the digest."""
    old, new = COSMETIC[edit]
    source = START + BODY
    assert old in source
    assert digest_of(source) == digest_of(source.replace(old, new), "elsewhere.py")


def bodies(source: str) -> list[str]:
    """Return the text of every function of ``source``, in order."""
    found, waiting = [], [compile(source, "f.py", "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop()
        found.append(body_text(code))
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
    return found


@pytest.mark.parametrize("module", ["argparse", "_collections_abc", "difflib", "ast", "typing"])
def test_another_layout_makes_no_other_text(module: str) -> None:
    """All functions of a module have one text, as they are written and as ``ast.unparse`` writes them."""
    try:
        source = inspect.getsource(importlib.import_module(module))
    except OSError:
        pytest.skip("this Python comes without the sources of its library")
    assert bodies(source) == bodies(ast.unparse(ast.parse(source)))


PROGRAM = """
    from outlive import Cache
    cache = Cache("c.json")
    @cache.memoise{options}
    def f(x):
        return x + {added}
    print(f(1), f(1))
"""


def test_an_old_result_is_served_and_told(tmp_path: Path) -> None:
    """After an edit the old result is served, and one warning says so."""
    run = Scripts(tmp_path)
    assert run.output(PROGRAM.format(options="", added=1)) == "2 2\n"
    ended = run(PROGRAM.format(options="", added=5))
    assert ended.out == "2 2\n"
    assert ended.err.count("CodeChangedWarning") == 1
    assert "on_code_change=" in ended.err


@pytest.mark.parametrize(("policy", "printed"), [("recompute", "6 6\n"), ("ignore", "2 2\n")])
def test_on_code_change(tmp_path: Path, policy: str, printed: str) -> None:
    """``on_code_change`` may recompute edited functions, or suppress the warning."""
    run = Scripts(tmp_path)
    options = f"(on_code_change={policy!r})"
    run.output(PROGRAM.format(options=options, added=1))
    assert run.output(PROGRAM.format(options=options, added=5)) == printed


@pytest.mark.parametrize("options", ["", "(tags=('page',))"])
def test_two_programs_of_one_name_never_share_results(tmp_path: Path, options: str) -> None:
    """Of two scripts of one name, each computes the other's results again, with a warning."""
    program = """
        from outlive import Cache
        @Cache("../shared.json").memoise{options}
        def fetch(page):
            return {answer!r}
        print(fetch(1))
    """
    said = []
    for project in ("shop", "blog"):
        (tmp_path / project).mkdir()
        ended = Scripts(tmp_path / project, "main.py")(
            program.format(answer=project, options=options)
        )
        said.append((ended.out.strip(), "KeyCollisionWarning" in ended.err))
    assert said == [("shop", False), ("blog", True)]


def test_two_programs_without_a_file_never_share_results(tmp_path: Path) -> None:
    """Programs from the standard input, which have no name of their own, are told apart, too."""
    said = []
    for answer in ("one", "two"):
        program = (
            "from outlive import Cache\n"
            "@Cache('c.json').memoise\n"
            f"def fetch(page): return {answer!r}\n"
            "print(fetch(1))\n"
        )
        command = [sys.executable, "-"]
        ended = subprocess.run(
            command, cwd=tmp_path, input=program, capture_output=True, text=True, check=True
        )
        said.append((ended.stdout.strip(), "KeyCollisionWarning" in ended.stderr))
    assert said == [("one", False), ("two", True)]


def test_an_edited_cell_is_told_in_the_process_itself(tmp_path: Path) -> None:
    """A module that is loaded again with another body serves old results with a warning."""
    cache = Cache(tmp_path / "c.json")
    results = []
    for added in (1, 5):
        names: dict[str, Any] = {"cache": cache, "__name__": "cells"}
        exec(f"@cache.memoise\ndef f(x): return x + {added}", names)
        if added == 5:
            with pytest.warns(UserWarning, match="edited"):
                results.append(names["f"](1))
        else:
            results.append(names["f"](1))
    assert results == [2, 2]
