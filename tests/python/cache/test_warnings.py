"""Warnings: their classes, where they point, how often they come, and that they break nothing."""

from __future__ import annotations

import os
import warnings
from typing import Any

import pytest

import outlive
from outlive._drop_in import DropInCache
from support.programs import Scripts


def test_classes() -> None:
    """All warnings are OutliveWarnings, and those are UserWarnings, which are shown by default."""
    for cls in (outlive.KeyCollisionWarning, outlive.UnstorableWarning, outlive.CacheFileWarning):
        assert issubclass(cls, outlive.OutliveWarning)
    assert issubclass(outlive.OutliveWarning, UserWarning)
    assert outlive.UnstorableWarning.__module__.startswith("outlive")


POINTING = {
    "an unstorable result": ("f(object)", "UnstorableWarning"),
    "a hit of another function's": ("f('k'); g('k')", "KeyCollisionWarning"),
    "other arguments": ("g('k', 1); g('k', 2)", "KeyCollisionWarning"),
    "an unkeyable argument": ("f(object())", "UnstorableWarning"),
    "an entry set by hand": ("cache['k'] = object()", "UnstorableWarning"),
    "a call in a comprehension": ("[f(x) for x in [object]]", "UnstorableWarning"),
    "a call by map": ("list(map(f, [object]))", "UnstorableWarning"),
    "a bad value": ("f('bad')", "CacheFileWarning"),
    "a bad value asked for": ("cache.get('bad')", "CacheFileWarning"),
}


@pytest.mark.parametrize("case", POINTING)
def test_warnings_point_at_the_users_line(script: Scripts, case: str) -> None:
    """File and line of a warning are those of the user's call, not outlive's."""
    call, category = POINTING[case]
    (script.folder / "cache_file.json").write_text('{"bad": [1 2], "good": 1}')
    program = f"""
from outlive import memoise, cache
@memoise
def f(x): return object() if x is object else [x]
@memoise
def g(x, y=0): return x
def line():
    {call}
line()
"""
    ended = script(program.replace("x is object else", "x is object else"))
    assert ended.status == 0
    first = ended.err.splitlines()[0]
    assert f"program.py:8: {category}: " in first, ended.err


RUN = {
    "by a pool": "with ThreadPoolExecutor(1) as pool: list(pool.map(f, [1]))",
    "by a thread": "thread = Thread(target=f, args=(1,)); thread.start(); thread.join()",
    "by a map of ours": "list(f.map([1]))",
    "by an event loop": "asyncio.run(g(1))",
    "by a group of tasks": "async def main(): await asyncio.gather(g(1), g(2))\nasyncio.run(main())",
}


@pytest.mark.parametrize("how", RUN)
def test_warnings_point_at_the_function_that_others_call(script: Scripts, how: str) -> None:
    """Where a pool or an event loop calls it, no line of theirs is shown, but its definition."""
    lines = [
        "import asyncio",
        "from concurrent.futures import ThreadPoolExecutor",
        "from threading import Thread",
        "from outlive import Cache",
        "cache = Cache('c.json')",
        "@cache.memoise",
        "def f(x): return object()",
        "@cache.memoise",
        "async def g(x): return object()",
        RUN[how],
    ]
    ended = script("\n".join(lines))
    assert ended.status == 0, ended.err
    number = 8 if "g(1)" in RUN[how] else 6  # of the decorator
    assert f"program.py:{number}: UnstorableWarning: " in ended.err.splitlines()[0], ended.err


def test_damage_found_at_import_points_at_the_import(script: Scripts) -> None:
    """A damaged file is reported at the line that imports the drop-in."""
    (script.folder / "cache_file.json").write_text("damaged")
    ended = script("\n\nfrom outlive import memoise\n")
    assert "program.py:3: CacheFileWarning: " in ended.err.splitlines()[0]


@pytest.mark.skipif(os.name == "nt", reason="a folder with open files cannot be removed there")
def test_trouble_at_exit_points_at_no_line_of_outlives_own(script: Scripts) -> None:
    """A save that fails at exit warns without a line of code, because there is none."""
    program = """
        import os, shutil, outlive
        os.mkdir("folder")
        cache = outlive.Cache("folder/c.json")
        cache["a"] = 1
        shutil.rmtree("folder")
        open("folder", "w").close()
    """
    *_, last = script(program).err.splitlines()
    assert last.startswith("sys:1: CacheFileWarning: "), last


def test_collision_with_another_function(drop_in: DropInCache) -> None:
    """The warning names the function that was answered, and the key; it comes once."""

    @drop_in.memoise
    def first(uri: str) -> str:
        return "first"

    @drop_in.memoise
    def second(uri: str) -> str:
        return "second"

    first("the key")
    with pytest.warns(outlive.KeyCollisionWarning, match=r"second.*the key") as told:
        found = [second("the key"), second("the key"), first("other"), second("other")]
    assert found == ["first"] * 4
    assert len(told) == 1


def test_collision_of_two_lambdas(drop_in: DropInCache) -> None:
    """Nested functions are told apart by what they do, because they may share their names."""
    one, other = drop_in.memoise(lambda uri: 1), drop_in.memoise(lambda uri: 2)
    assert one("u") == 1
    with pytest.warns(outlive.KeyCollisionWarning, match="another function"):
        assert other("u") == 1


def test_a_function_that_is_made_again_is_no_collision(drop_in: DropInCache) -> None:
    """The same source is the same function, however often its module is loaded."""
    source = "def outer(memoise):\n    return memoise(lambda uri: uri)"
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for lines in ("", "\n\n"):
            names: dict[str, Any] = {"__name__": "made_again"}
            exec(compile(lines + source, "made_again.py", "exec"), names)
            found.append(names["outer"](drop_in.memoise)("u"))
    assert found == ["u", "u"]


def test_collision_of_other_arguments(drop_in: DropInCache) -> None:
    """Calls that differ after the first argument warn once for each function, however many hits."""

    @drop_in.memoise
    def field(uri: str, name: str = "number") -> str:
        return name

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [field("u", "number"), field("u"), field("u", name="number")] == ["number"] * 3
    with pytest.warns(outlive.KeyCollisionWarning, match=r"other arguments") as told:
        assert [field("u", "name"), field("u", "login")] == ["number"] * 2
    assert len(told) == 1


def test_same_function_in_the_next_process_is_no_collision(script: Scripts) -> None:
    """Entries that another process computed have no known maker: a plain second run never warns."""
    program = """
    from outlive import memoise
    f = memoise(lambda uri, page=1: [uri, page])
    print(f("u", 2))
    """
    assert script.output(program) == script.output(program) == "['u', 2]\n"


ERRORS = """
import sys, warnings
warnings.simplefilter("error")
from outlive import memoise, cache, save_cache

@memoise
def f(x):
    return object()

@memoise
def g(x, y=0):
    return [x, y]

first = f("k")
print(f("k") is first, g("a", 1), g("a", 2), g(object())[1])
save_cache()
print(cache["a"])
"""


def test_warnings_as_errors_break_no_call(script: Scripts) -> None:
    """With ``-W error`` calls return all the same; the warnings are still seen on stderr."""
    ended = script(ERRORS, PYTHONWARNINGS="error")
    assert (ended.out, ended.status) == ("True ['a', 1] ['a', 1] 0\n['a', 1]\n", 0)
    assert "UnstorableWarning" in ended.err and "KeyCollisionWarning" in ended.err


def test_damaged_file_with_warnings_as_errors(script: Scripts) -> None:
    """With ``-W error`` and a damaged file the import works, and so does everything after it."""
    (script.folder / "cache_file.json").write_text('{"a": 1, "b')
    ended = script("from outlive import memoise, cache; print(dict(cache))", PYTHONWARNINGS="error")
    assert (ended.out, ended.status) == ("{'a': 1}\n", 0)
    assert "CacheFileWarning" in ended.err


def test_nothing_goes_to_stdout(script: Scripts) -> None:
    """outlive never prints on stdout: a program's output is its own."""
    (script.folder / "cache_file.json").write_text("damaged")
    ended = script("from outlive import memoise; f = memoise(lambda x: object()); f(1); f([f])")
    assert (ended.out, ended.status) == ("", 0) and ended.err


def test_warnings_can_be_silenced_and_recorded(drop_in: DropInCache) -> None:
    """The usual filters work on the classes."""
    f = drop_in.memoise(lambda x: object())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", outlive.OutliveWarning)
        f(1)
    assert told == []


def test_a_broken_showwarning_is_not_the_callers_trouble(
    drop_in: DropInCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program whose warnings machinery raises still gets its result."""

    def broken(*arguments: Any, **named: Any) -> None:
        raise OSError("stderr is closed")

    unraisable: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", unraisable.append)
    monkeypatch.setattr(warnings, "warn_explicit", broken)
    f = drop_in.memoise(lambda x: [object()], copy=False)
    assert isinstance(f(1), list) and f(1) is f(1)
    assert len(unraisable) == 1
