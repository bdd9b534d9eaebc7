"""Results that the file cannot hold: kept in this process, never in the file."""

from __future__ import annotations

import collections
import json
import re
import threading
import warnings
import weakref
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from outlive import Cache, UnstorableWarning
from outlive._drop_in import DropInCache
from support.programs import Scripts, untyped
from support.threads import STUCK, Worker, settle


class Point(NamedTuple):
    """A tuple of a kind of its own."""

    x: int
    y: int


class Size(Enum):
    """A member of something."""

    BIG = "big"


class Name(str):
    """A str of a kind of its own."""

    __slots__ = ()


class Plain:
    """An object of an unknown class."""


class Unprintable:
    """An object whose ``repr`` fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


HERE = Plain.__module__
CASES: dict[str, tuple[Any, str]] = {
    "an object": (Plain(), f"result: {HERE}.Plain"),
    "in a list in a dict": (
        {"items": [1, 2, {Plain()}]},
        f'result["items"][2]: set of {HERE}.Plain',
    ),
    "in a tuple": ((1, (2, Plain())), f"result[1][1]: {HERE}.Plain"),
    "under an odd key": ({(1, 2): Plain()}, f"result[(1, 2)]: {HERE}.Plain"),
    "as a key": ({Plain: 1}, "key"),
    "under a key without repr": ({Unprintable(): 1}, f"{HERE}.Unprintable"),
    "a namedtuple": ({"at": Point(1, 2)}, f'result["at"]: {HERE}.Point'),
    "an enum": ([Size.BIG], f"result[0]: {HERE}.Size"),
    "a str subclass": ([Name("a")], f"result[0]: {HERE}.Name"),
    "a lambda": ([[lambda: None]], "result[0][0]: function"),
    "a default dict of a function": ({"a": collections.defaultdict(lambda: 0)}, "defaultdict"),
    "an exception": (ValueError("x"), "result: ValueError"),
    "a class": (Plain, "result: type"),
    "a module": (json, "result: module"),
    "Ellipsis": (..., "result: ellipsis"),
}


def path_pattern(path: str) -> str:
    """A pattern for ``path`` that leaves open which quotes a text is shown in."""
    return re.escape(path).replace('"', "['\"]")


@pytest.mark.parametrize("case", CASES)
def test_unstorable_results_are_served_as_they_are(drop_in: DropInCache, case: str) -> None:
    """``copy=False`` shares the very object in this process; one warning names the part."""
    result, path = CASES[case]
    calls = []

    @drop_in.memoise(copy=False)
    def troubled(key: str) -> Any:
        calls.append(key)
        return result

    with pytest.warns(UnstorableWarning, match=path_pattern(path)) as told:
        assert troubled("the key") is result
    assert troubled("the key") is result
    assert calls == ["the key"]
    message = str(told[0].message)
    assert len(told) == 1 and "troubled" in message and "the key" in message


def test_hits_on_unstorable_results_are_copies() -> None:
    """A caller that changes a result that the file cannot hold does not change the next one's."""

    @Cache(None).memoise(on_unstorable="ignore")
    def frame(key: str) -> Any:
        return {"rows": collections.UserList([[1]])}

    first = frame("k")
    first["rows"][0].append(2)
    second = frame("k")
    second["rows"].append(3)
    assert frame("k") == {"rows": collections.UserList([[1]])}


def test_values_that_are_set_are_copied(drop_in: DropInCache) -> None:
    """``cache[key] = value`` takes a snapshot of what the file cannot hold, and hands out copies."""
    value = collections.UserList("abc")
    with pytest.warns(UnstorableWarning):
        drop_in["k"] = value
    value.append("d")
    drop_in["k"].append("e")
    assert list(drop_in["k"]) == ["a", "b", "c"]


def test_what_cannot_be_copied_is_shared_and_told() -> None:
    """A result that cannot be copied is one object for all, and the warning says why."""
    f: Callable[[str], Any] = Cache(None).memoise(lambda key: [threading.Lock()])
    with pytest.warns(UnstorableWarning, match=r"cannot be copied .*lock.*copy=False"):
        first = f("k")
    assert f("k") is first


def test_sentinels_stay_themselves(drop_in: DropInCache) -> None:
    """A bare ``object()``, which cannot be changed, is never copied."""
    sentinel = object()
    f = drop_in.memoise(lambda key: sentinel, on_unstorable="ignore")
    assert f("k") is sentinel
    assert f("k") is sentinel


def test_one_warning_for_each_function(
    drop_in: DropInCache, recwarn: pytest.WarningsRecorder
) -> None:
    """A function warns once, however many of its results cannot be stored; another one again."""

    @drop_in.memoise
    def first(number: int) -> object:
        return object()

    @drop_in.memoise
    def second(number: int) -> object:
        return object()

    for number in range(10):
        first(number)
        second(-1 - number)
    names = [str(warning.message) for warning in recwarn]
    assert len(names) == 2 and "first" in names[0] and "second" in names[1]


def test_everything_else_is_saved(script: Scripts) -> None:
    """A result that the file cannot hold affects no other result, neither before nor after it."""
    program = """
    from outlive import memoise

    @memoise
    def f(n):
        print("computed", n)
        return object() if n == 2 else [n]

    for n in (1, 2, 3, 2):
        f(n)
    """
    first = script(program)
    assert (first.out, first.status) == ("computed 1\ncomputed 2\ncomputed 3\n", 0)
    assert first.err.count("UnstorableWarning") == 1
    assert script(program).out == "computed 2\n"
    text = (script.folder / "cache_file.json").read_text()
    assert sorted(json.loads(text).values()) == [[1], [3]]


def test_an_older_stored_result_does_not_come_back(script: Scripts) -> None:
    """A key whose newest result cannot be stored is computed again in the next process."""
    program = """
    import sys
    from outlive import memoise
    f = memoise(lambda key: ["old"] if sys.argv[1] == "1" else object() if sys.argv[1] == "2" else "new")
    print(f.refresh("k") if sys.argv[1] == "2" else f("k"))
    """
    assert script(program, "1").out == "['old']\n"
    assert script(program, "2").out.startswith("<object")
    assert script(program, "3").out == "new\n"


def test_results_of_threads_and_locks_are_shared(drop_in: DropInCache) -> None:
    """Sessions, locks and connections can be memoised for the length of the process."""
    f: Callable[[str], Any] = drop_in.memoise(lambda key: threading.Lock())
    with pytest.warns(UnstorableWarning):
        lock = f("k")
    assert f("k") is lock


def test_hits_on_unstorable_results_can_be_dropped(drop_in: DropInCache) -> None:
    """``cache_clear`` and ``del`` let go of an object that only this process has."""
    f = drop_in.memoise(lambda key: Plain(), copy=False)
    with pytest.warns(UnstorableWarning):
        kept = weakref.ref(f("k"))
    f("k")
    assert kept() is not None
    f.cache_clear()
    assert kept() is None
    kept = weakref.ref(f("k"))
    f("k")
    assert kept() is not None
    del drop_in["k"]
    f("other")
    assert kept() is None


def test_what_python_cannot_iterate_safely_is_refused(drop_in: DropInCache) -> None:
    """A dict that a member's own code changes is kept unchanged or not at all; the call goes on."""
    changing: dict[str, Any] = {}

    class Sly(Decimal):
        """Changes the dict as soon as somebody looks at its class' name."""

        def __repr__(self) -> str:
            changing["more"] = 1
            return "sly"

    changing["a"] = {Sly(1): object()}
    f = drop_in.memoise(lambda key: changing, copy=False)
    with pytest.warns(UnstorableWarning):
        assert f("k") is changing


def test_what_is_not_to_be_kept_may_be_unstorable() -> None:
    """A result that ``cache_if`` refuses is returned without a warning, whatever it is."""
    f = Cache(None).memoise(lambda: object(), cache_if=lambda result: False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert f() is not f()


def test_on_unstorable_may_raise_or_be_silent(drop_in: Any, tmp_path: Path) -> None:
    """``on_unstorable="raise"`` refuses such results, ``"ignore"`` keeps them without a warning."""
    strict = drop_in.memoise(lambda key: object(), on_unstorable="raise")
    for _ in range(2):
        with pytest.raises(TypeError, match="result: object") as caught:
            strict("k")
        assert type(untyped(caught.value).result) is object
    silent = drop_in.memoise(lambda key: Plain(), on_unstorable="ignore", copy=False)
    assert silent("other") is silent("other")


def test_on_unstorable_raises_for_those_who_wait(drop_in: DropInCache) -> None:
    """A thread that waits for a result that may not be kept gets the TypeError, too."""
    begun, release = threading.Event(), threading.Event()

    @drop_in.memoise(on_unstorable="raise")
    def strict(key: str) -> object:
        begun.set()
        assert release.wait(STUCK)
        return object()

    workers = [Worker(strict, "k") for _ in range(3)]
    assert begun.wait(STUCK)
    settle()
    release.set()
    for worker in workers:
        worker.join(STUCK)
    assert {type(worker.error) for worker in workers} == {TypeError}


@pytest.mark.parametrize("make", [iter, reversed, lambda items: (item for item in items)])
def test_what_can_be_used_once_is_not_kept(drop_in: DropInCache, make: Any) -> None:
    """An iterator, a generator or an open file is computed by every call, and a warning says so."""
    f = drop_in.memoise(lambda key: make([1, 1]))
    with pytest.warns(UnstorableWarning, match="used only once") as told:
        assert [list(f("k")), list(f("k"))] == [[1, 1], [1, 1]]
    assert len(told) == 1 and "k" not in drop_in


def test_a_plain_function_may_return_a_coroutine(drop_in: DropInCache) -> None:
    """Each caller gets a coroutine of its own, and a warning says to decorate the async function."""
    import asyncio

    async def answer() -> int:
        return 42

    f = drop_in.memoise(lambda key: answer())
    with pytest.warns(UnstorableWarning, match="decorate the async def"):
        assert [asyncio.run(f("k")), asyncio.run(f("k"))] == [42, 42]


def test_the_path_to_a_deep_part_is_shortened(drop_in: DropInCache) -> None:
    """A message shows both ends of a long path to what cannot be stored."""
    deep: Any = object()
    for _ in range(300):
        deep = [deep]
    with pytest.warns(UnstorableWarning, match=r"\]\.\.\.\[") as told:
        drop_in.memoise(lambda key: deep)("k")
    assert len(str(told[0].message)) < 500
