"""The drop-in's file records which call made an entry, where another call could have its key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.programs import Scripts

#: Calls of one program after the other, and whether the last is told that it got another's answer.
TOLD = {
    "another second argument": ("def f(uri, page=1): return [uri, page]", "f('/i')", "f('/i', 2)"),
    "the default after another": (
        "def f(uri, page=1): return [uri, page]",
        "f('/i', 2)",
        "f('/i')",
    ),
    "two that are no defaults": (
        "def f(uri, page=1): return [uri, page]",
        "f('/i', 3)",
        "f('/i', 2)",
    ),
    "a required argument": (
        "def f(uri, token): return [uri, token]",
        "f('/i', 'a')",
        "f('/i', 'b')",
    ),
    "by name only": ("def f(*, uri, page=1): return page", "f(uri='/i')", "f(uri='/i', page=2)"),
    "*args": ("def f(*names): return names", "f('/i')", "f('/i', 'x')"),
    "**params": ("def f(**params): return params", "f(q='cats')", "f(q='dogs')"),
    "a wrapper without wraps": (
        "def f(uri, page=1): return page\nf = (lambda g: lambda *a, **k: g(*a, **k))(f)",
        "f('/i')",
        "f('/i', page=2)",
    ),
    "another function": (
        "def f(uri): return 'user'\ng = memoise(lambda uri: 'repo', name='g')",
        "f('/i')",
        "g('/i')",
    ),
    "another async function": (
        "import asyncio\ndef f(uri): return 1\n"
        "@memoise\nasync def g(uri): return 2\ndef h(uri): return asyncio.run(g(uri))",
        "f('/i')",
        "h('/i')",
    ),
}
IN_ONE_RUN = {
    "two closures": (
        "def make(host):\n    @memoise\n    def f(uri): return host + uri\n    return f",
        "make('a')('/i')",
        "make('b')('/i')",
    ),
    "two wrappers without wraps": (
        "def bare(g): return lambda *a: g(*a)\ndef one(u): return 1\ndef two(u): return 2\n"
        "f, g = memoise(bare(one)), memoise(bare(two))",
        "f('/i')",
        "g('/i')",
    ),
}
SILENT = {
    "the default, spelled out": ("def f(uri, page=1): return page", "f('/i')", "f('/i', page=1)"),
    "the same second argument": (
        "def f(uri, page=1): return page",
        "f('/i', 2)",
        "f(page=2, uri='/i')",
    ),
    "no parameters": ("def f(): return 1", "f()", "f()"),
    "an ignored argument": (
        "def f(uri, page=1): return page\nf = memoise(f, ignore=('page',)); memoise = lambda f: f",
        "f('/i', 1)",
        "f('/i', 2)",
    ),
    "two functions, each its own": (
        "def f(uri): return 'user'\ng = memoise(lambda uri: 'repo', name='g')",
        "f('/i'), g('/j')",
        "g('/j'), f('/i')",
    ),
    "all arguments in the key": (
        "def f(uri, page=1): return page\nf = memoise(f, key='all'); memoise = lambda f: f",
        "f('/i', 1)",
        "f('/i', 2)",
    ),
}


def program(definition: str) -> str:
    """A program that makes the calls that it is given."""
    return f"import sys\nfrom outlive import memoise\n{definition}\nf = memoise(f)\neval(sys.argv[1])\n"


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("kind", TOLD)
def test_another_calls_answer_is_told_in_a_later_run(
    tmp_path: Path, kind: str, killed: bool
) -> None:
    """Calls with one first argument that differ in anything else warn in a later run."""
    definition, first, second = TOLD[kind]
    script = Scripts(tmp_path, "program.py")
    ending = "import os; os._exit(0)" if killed else ""
    script.output(program(definition) + ending, first)
    done = script(program(definition), second)
    assert "KeyCollisionWarning" in done.err, kind
    assert done.err.count("Warning: ") == 1


@pytest.mark.parametrize("kind", IN_ONE_RUN)
def test_a_function_that_closes_over_something_else_is_told_of(tmp_path: Path, kind: str) -> None:
    """Functions of one name that close over different things are two, in the run that makes both."""
    definition, first, second = IN_ONE_RUN[kind]
    source = f"from outlive import memoise\n{definition}\n{first}\n{second}\n"
    done = Scripts(tmp_path)(source)
    assert done.err.count("KeyCollisionWarning") == 1
    assert "the result of another function" in done.err


@pytest.mark.parametrize("kind", SILENT)
def test_a_calls_own_answer_is_served_without_a_word(tmp_path: Path, kind: str) -> None:
    """A call that finds its own result of an earlier run is not warned."""
    definition, first, second = SILENT[kind]
    script = Scripts(tmp_path, "program.py")
    for calls in (first, second, first):
        assert script(program(definition), calls).err == "", kind


def test_one_function_of_one_argument_notes_nothing(tmp_path: Path) -> None:
    """The file of a program that memoises one function of one argument holds keys and values only."""
    script = Scripts(tmp_path, "program.py")
    script.output(program("def f(uri, page=1): return uri"), "f('/a'), f('/b', 1)")
    text = (tmp_path / "cache_file.json").read_text()
    assert text == '{\n"/a": "/a",\n"/b": "/b"\n}\n'


def test_makers_are_noted_by_digests(tmp_path: Path) -> None:
    """The record of a call is two digests of eight digits; its arguments are never in the file."""
    script = Scripts(tmp_path, "program.py")
    script.output(
        program("def f(uri, page=1): return uri"), "f('/a', 'a second argument'), f('/b')"
    )
    text = (tmp_path / "cache_file.json").read_text()
    assert "second" not in text
    meta = json.loads(text)["outlive:meta"]
    assert meta["version"] == 3
    ((_, facts),) = meta["entries"].items()
    assert list(facts) == ["maker"]
    assert len(bytes.fromhex(facts["maker"])) == 8


def test_a_file_of_the_original_is_answered_from(tmp_path: Path) -> None:
    """Entries without a record count as made by calls with defaults."""
    (tmp_path / "cache_file.json").write_text('{"/i": 1}')
    script = Scripts(tmp_path, "program.py")
    source = program("def f(uri, page=1): return page")
    assert script(source, "f('/i')").err == ""
    assert "KeyCollisionWarning" in script(source, "f('/i', 2)").err
