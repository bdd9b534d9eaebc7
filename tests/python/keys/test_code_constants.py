"""Constants of a module and of a class are part of the code that reads them; state is not."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from types import ModuleType
from unittest import mock

import pytest

from outlive._code_digest import code_digest
from outlive._registration import Registration
from outlive._state import state_attributes, state_cells, state_globals
from support.programs import Scripts


def digest_of(source: str) -> str | None:
    """Return the digest of what is called ``f`` in ``source``."""
    program = ModuleType("program")
    with mock.patch.dict(sys.modules, program=program):
        exec(compile(textwrap.dedent(source), "f.py", "exec", dont_inherit=True), vars(program))
        return code_digest(program.f)


READS = {
    "a path": ("from pathlib import Path; P = Path({})", "P", "'a'", "'b'"),
    "a time": ("import datetime; T = datetime.datetime(2024, 1, {})", "T", "1", "2"),
    "a getter": ("import operator; get = operator.itemgetter({})", "get(x)", "0", "1"),
    "a table of lambdas": ("T = {{'a': lambda x: x + {}}}", "T['a'](x)", "1", "2"),
    "a list of lambdas": ("T = [lambda x: x + {}]", "T[0](x)", "1", "2"),
    "a table of functions": ("T = {{'a': {}}}", "T['a'](x)", "len", "sum"),
    "an attribute of a constant": (
        "import types; CONFIG = types.SimpleNamespace(model={})",
        "CONFIG.model",
        "'a'",
        "'b'",
    ),
    "a constant of an instance": (
        "class C: pass\nc = C(); c.MODEL = {}",
        "c.MODEL",
        "'a'",
        "'b'",
    ),
    "a module's other name": ("import {} as m", "m.sqrt(x)", "math", "cmath"),
    "a function of the same name": ("from {} import sqrt", "sqrt(x)", "math", "cmath"),
    "a class of the same name": ("from {} import Queue", "Queue()", "queue", "asyncio"),
}


@pytest.mark.parametrize("what", READS)
def test_a_constant_that_is_read_counts(what: str) -> None:
    """Another value of a constant of the module makes another digest."""
    start, read, old, new = READS[what]
    digests = {
        value: digest_of(f"{start.format(value)}\ndef f(x):\n    return {read}\n")
        for value in (old, new, old)
    }
    assert len(set(digests.values())) == 2


METHOD = """
class Base:
    NAME = {base!r}
    url = {url!r}
    host = {host!r}
    calls = ""
    def __init__(self, host):
        self.host = host
    def note(self):
        type(self).calls = self.calls = "x"
class Client(Base):
    def ask(self, x):
        def inner():
            return self.NAME, self.url, self.host, self.calls
        return inner()
f = Client.ask
"""


def test_a_constant_of_the_own_class_counts() -> None:
    """What ``self.NAME`` reads is a constant, and so is a str of the class."""
    values = {"base": "a", "url": "u", "host": "h"}
    first = digest_of(METHOD.format(**values))
    assert digest_of(METHOD.format(**values)) == first
    assert digest_of(METHOD.format(**values | {"base": "b"})) != first
    assert digest_of(METHOD.format(**values | {"url": "v"})) != first


STATE = {
    "an appended list": ("LOG = []", "LOG.append(x)"),
    "a counted dict": ("STATS = {'n': 0}", "STATS['n'] += 1"),
    "a filled dict": ("MEMO = {}", "MEMO[x] = x"),
    "a member of a member": ("STATS = {'a': {'n': 0}}", "STATS['a']['n'] += 1"),
    "a list in a dict": ("SEEN = {'a': []}", "SEEN['a'].append(x)"),
    "a deleted member": ("MEMO = {1: 1}", "del MEMO[x]"),
    "a slice": ("LAST = [0]", "LAST[:] = [x]"),
    "a counter": ("import collections; CALLS = collections.Counter()", "CALLS[x] += 1"),
    "a constant of a class": ("class S: N = 0", "S.N += 1; print(S.N)"),
    "an attribute of an instance": (
        "import types; S = types.SimpleNamespace(n=0)",
        "S.n += 1; print(S.n)",
    ),
    "changed by another function": (
        "SEEN = []\ndef see(x): SEEN.append(x)\nsee(0)",
        "see(x); print(SEEN)",
    ),
    "set by another function": (
        "token = ''\ndef login():\n    global token; token = token + 'x'\nlogin()",
        "login(); print(token)",
    ),
    "changed by a method": (
        "SEEN = []\nclass A:\n    @classmethod\n    def see(cls, x): SEEN.append(x)\nA.see(0)",
        "A.see(x); print(SEEN)",
    ),
    "changed in nested code": ("LOG = []", "(lambda: LOG.append(x))()"),
}


@pytest.mark.parametrize("what", STATE)
def test_what_code_of_the_module_changes_is_no_edit(what: str, tmp_path: Path) -> None:
    """A function that counts its calls is not reported as edited in the next run."""
    start, line = STATE[what]
    program = "\n".join(
        [
            "from outlive import Cache",
            "cache = Cache('c.json')",
            start,
            "@cache.memoise(on_code_change='recompute')",
            "def f(x):",
            "    print('computing', x)",
            f"    {line}",
            "    return x",
            "f(1)",
        ]
    )
    run = Scripts(tmp_path)
    assert run.output(program).startswith("computing 1\n")
    again = run(program)
    assert (again.status, again.out, again.err) == (0, "", "")


def test_lazy_objects_of_the_module_are_left_alone() -> None:
    """No object of the module is asked for anything because another name is a constant."""
    source = """
        class Lazy:
            @property
            def __class__(self): raise RuntimeError("the database is asked")
            def __getattr__(self, name): raise RuntimeError(f"asked for {name}")
        class Odd:
            @property
            def __dict__(self): raise RuntimeError("asked for what it holds")
        user, ODD, MODEL = Lazy(), Odd(), {!r}
        def f(x): return MODEL, ODD.NAME
    """
    assert digest_of(source.replace("{!r}", "1")) != digest_of(source.replace("{!r}", "2"))


def test_reading_is_no_change() -> None:
    """A table that is read, also into a container that is filled, stays a constant."""

    def f(x: int) -> object:
        found = {}
        found[x] = TABLE[x]
        for key, value in TABLE.items():
            found[key] = value if key else TABLE[value]
        found[0] += len(TABLE)
        return found, [TABLE.get(i) for i in range(x)]

    assert state_globals(f.__code__) == set()


def test_cells_and_attributes_that_code_changes() -> None:
    """Members of cells and of attributes are followed as globals are."""
    count, seen, kept = {"n": 0}, [[0]], [0]

    class Counted:
        stats: dict[str, int]
        kept: list[int]

        def __call__(self, x: int) -> object:
            self.stats["n"] += 1
            self.last, self.other = x, self.kept[0]
            return count, seen, kept

    def called(x: int) -> object:
        count["n"] += 1
        seen[0].append(x)
        return kept[0]

    assert state_cells(called.__code__) == {"count", "seen"}
    assert state_attributes(Counted.__call__.__code__) == {"stats", "last", "other"}


TABLE: dict[int, int] = {}


@pytest.mark.parametrize("place", ["X", "(X,)", "[X]", "{'a': X}", "slice(X)"])
def test_numbers_that_python_does_not_write(tmp_path: Path, place: str) -> None:
    """A number of more digits than Python writes is a constant like others; no call fails."""
    source = f"X = 10**5000 + N; LONG = {place}\ndef f(x): return x, LONG"
    one, two = (digest_of(source.replace("N;", f"{n};")) for n in (1, 2))
    assert one is not None and two is not None and one != two


def test_long_literals() -> None:
    """A literal of more digits than Python writes in decimals is a constant like others."""
    one, two = (digest_of(f"def f(x): return x + 0x{'f' * 5000}{n}") for n in (1, 2))
    assert one is not None and two is not None and one != two


def test_a_constant_that_cannot_be_written_fails_no_call() -> None:
    """Where a value that a function reads cannot be looked at, its edits go unnoticed."""
    with mock.patch("outlive._code_digest.constants", side_effect=ValueError("no text")):
        assert Registration.code_note(lambda x: x) == (None, None)
