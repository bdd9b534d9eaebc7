"""A call leaves nothing behind, whichever way it takes through the native half.

On a debug build of CPython (``python3-dbg``) the references of the whole process are counted,
too.
"""

from __future__ import annotations

import contextlib
import datetime
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache

ROUNDS = 300
#: What caches of the interpreter, such as free lists, may take or give back in all rounds.
SLACK = ROUNDS // 3
ARGUMENT = "an argument that nobody else holds " * 2
RESULT = {"a": [1, {"b": ARGUMENT}], "t": ({1, 2}, [3]), "d": datetime.date(2026, 1, 2)}


def answer(key: Any = "", *rest: Any, more: Any = 1, **names: Any) -> Any:
    """A function of every kind of parameter."""
    return RESULT


def fails(key: Any) -> Any:
    """A function that always raises."""
    raise ValueError(key)


class _Keyed:
    def __memo_key__(self) -> str:
        return ARGUMENT

    def ask(self, key: Any) -> Any:
        return [key]


def _hits() -> Callable[[], None]:
    """Hits by position, by name, unpacked, and of an argument that has no hash."""
    f, names = Cache().memoise(answer), {"more": 3, "other": 4}

    def run() -> None:
        f(ARGUMENT), f(key=ARGUMENT), f(*[ARGUMENT, 2], **names), f([ARGUMENT])

    return run


def _misses() -> Callable[[], None]:
    """Calls that are computed, by position and by name, and forgotten again."""
    f = Cache().memoise(answer)

    def run() -> None:
        f(ARGUMENT, 1, 2, more=ARGUMENT, other=ARGUMENT)
        f.forget(ARGUMENT, 1, 2, more=ARGUMENT, other=ARGUMENT)
        f(key=ARGUMENT)
        f.forget(ARGUMENT)

    return run


def _errors() -> Callable[[], None]:
    """Calls that raise, and calls that do not fit the function."""
    f: Callable[..., Any] = Cache().memoise(fails)

    def run() -> None:
        with contextlib.suppress(ValueError):
            f(ARGUMENT)
        with contextlib.suppress(TypeError):
            f(ARGUMENT, ARGUMENT)
        with contextlib.suppress(TypeError):
            f(object())

    return run


def _counted() -> Callable[[], None]:
    """Hits where every call must be seen: a limit, a user's key, an instance's key."""
    limited = Cache().memoise(answer, maxsize=10)
    keyed = Cache().memoise(answer, key=lambda key, **_: (key, 1))
    method = Cache().memoise(_Keyed.ask)
    instance = _Keyed()

    def run() -> None:
        limited(ARGUMENT), keyed(ARGUMENT, more=2), method(instance, ARGUMENT)

    return run


def _timed() -> Callable[[], None]:
    """Hits and misses of a function whose results expire."""
    f = Cache().memoise(answer, ttl="1h")
    short = Cache().memoise(answer, ttl=1e-9, stale_if_error=10)

    def run() -> None:
        f(ARGUMENT), short(ARGUMENT)

    return run


def _nested() -> Callable[[], None]:
    """A call that calls itself with the same arguments."""
    depth = [0]
    cache = Cache()

    def outer(key: str) -> Any:
        depth[0] += 1
        try:
            return f(key) if depth[0] < 3 else [key]
        finally:
            depth[0] -= 1

    f = cache.memoise(outer)

    def run() -> None:
        f(ARGUMENT)
        f.forget(ARGUMENT)

    return run


def _control() -> Callable[[], None]:
    """The methods that a memoised function has beside being called."""
    f = Cache().memoise(answer)

    def run() -> None:
        f.put(RESULT, ARGUMENT), f.peek(ARGUMENT), f.refresh(ARGUMENT), f.cache_key(ARGUMENT)
        f.forget(ARGUMENT)

    return run


def _texts() -> Callable[[], None]:
    """Values that are read from their texts: plain, tagged, with a key that occurs twice."""
    cache = Cache()
    f = cache.memoise(answer, key="first", copy=False)
    mapped = cache.memoise(lambda key: {1: [key], (2,): {key}, 10**30: b"x"}, name="mapped")

    def run() -> None:
        for function in (f, mapped):
            function(ARGUMENT), function(ARGUMENT), function(ARGUMENT)
        cache.clear()

    return run


KINDS = (_hits, _misses, _errors, _counted, _timed, _nested, _control, _texts)


def _held() -> list[int]:
    """Counts that must not grow: blocks of memory, references to the parts, all references."""
    gc.collect()
    parts = (ARGUMENT, RESULT, answer, fails, _Keyed, _Keyed.ask)
    total = getattr(sys, "gettotalrefcount", lambda: 0)()
    return [sys.getallocatedblocks(), total, *map(sys.getrefcount, parts)]


def _grown(run: Callable[[], object], rounds: int, slack: int) -> list[int]:
    """By how much the counts grow in so many rounds.

    A leak grows every time. What the interpreter sets aside for later (without a GIL, some hundred
    blocks for exceptions) grows in the first rounds only, so a growth is looked at again.
    """
    grown: list[int] = []
    before = None
    for _ in range(5):
        for _ in range(rounds):
            run()
        held = _held()
        if before is not None:
            grown = [new - old for new, old in zip(held, before, strict=True)]
            if max(grown) < slack:
                break
        before = held
    return grown


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.lstrip("_"))
def test_calls_leave_nothing_behind(kind: Callable[[], Callable[[], None]]) -> None:
    """Some hundred calls of a kind hold no more memory and references than before."""
    grown = _grown(kind(), ROUNDS, SLACK)
    assert max(grown) < SLACK, grown


def test_values_of_a_file_leave_nothing_behind(tmp_path: Path) -> None:
    """Entries that are read from a file and dropped again hold no memory and no reference."""
    path = tmp_path / "twice.json"
    texts = [
        '{"a": [1], "a": 2}',
        '{"a": 1, "a": [{}]}',
        '[[], {"$tuple": [[1]]}, "x"]',
        '{"$x": []}',
    ]
    path.write_text("{" + ", ".join(f'"{n}": {text}' for n, text in enumerate(texts)) + "}")
    wanted = [{"a": 2}, {"a": [{}]}, [[], ([1],), "x"], {"$x": []}]

    def read() -> None:
        cache = Cache(path)
        for _ in range(2):
            assert [cache[str(n)] for n in range(len(texts))] == wanted
        cache.close()

    grown = _grown(read, 100, 33)
    assert max(grown) < 33, grown
