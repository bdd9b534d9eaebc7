"""Memoised functions are freed when nothing holds them, and calls leave nothing behind."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from outlive._drop_in import DropInCache

memory = DropInCache(None)


def own() -> Any:
    """A cache in memory; untyped, because these tests also use it as types forbid."""
    return Cache(None)


@pytest.mark.parametrize("kind", ["memory", "file"])
@pytest.mark.parametrize("key", ["first", "all"])
def test_cycles_through_function_result_and_cache_are_collected(
    tmp_path: Path, kind: str, key: str
) -> None:
    """A cycle of function, unstorable result, table of hits and cache is garbage like any other."""
    references = tie_a_knot(Cache(tmp_path / "f.json") if kind == "file" else Cache(None), key)
    gc.collect()
    gc.collect()
    assert [reference() is None for reference in references] == [True] * 3


def tie_a_knot(cache: Cache, key: Any) -> list[weakref.ref[Any]]:
    """Function, result and cache that refer to one another; weak references to them."""

    class Result:
        """Refers to the function that returned it."""

    @cache.memoise(key=key, on_unstorable="ignore")
    def f(number: int) -> Any:
        result: Any = Result()
        result.function, result.cache = f, cache
        return result

    references: list[weakref.ref[Any]] = [weakref.ref(f), weakref.ref(f(1)), weakref.ref(cache)]
    f(1), f(1), f(1)
    vars(f)["me"] = f
    cache.close()
    return references


def test_function_of_a_class_goes_with_it() -> None:
    """A class with memoised methods is collected once it is unused."""

    class Local:
        @memory.memoise(ignore=("self",), key="all")
        def method(self, x: int) -> list[int]:
            return [x]

    Local().method(1), Local().method(1)
    reference = weakref.ref(Local)
    del Local
    gc.collect()
    assert reference() is None


HITS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "shared result": ("text" * 50, lambda f: f("key")),
    "copied list": ([1, [2, "x" * 100]], lambda f: f("key")),
    "copied dict": ({"a": {"b": [{}]}}, lambda f: f("key")),
    "copied set in a tuple": (({1, 2}, [3]), lambda f: f("key")),
    "by keyword": ("text" * 50, lambda f: f(key="key")),
    "with more arguments": ([1], lambda f: f("key", 2, other=3)),
    "unpacked": ([1], lambda f: f(*("key",), other=3)),
    "unhashable argument": ([1], lambda f: f(["key"])),
    "unstorable": (object(), lambda f: f("key")),
}


@pytest.mark.parametrize("kind", HITS)
def test_hits_leak_nothing(kind: str) -> None:
    """100,000 hits of each kind leave reference counts and memory as they were."""
    result, hit = HITS[kind]
    f = own().memoise(
        lambda key, more=1, *, other=2: result, key="all", name="f", on_unstorable="ignore"
    )
    watched = [f, result, f.__wrapped__, None, hit]
    hit(f), hit(f), hit(f)
    rounds = 100_000 if kind != "unhashable argument" else 10_000
    gc.collect()
    before = [sys.getrefcount(item) for item in watched]
    tracemalloc.start()
    try:
        for _ in range(1000):
            hit(f)
        start = tracemalloc.get_traced_memory()[0]
        for _ in range(1000):
            hit(f)
        grown = tracemalloc.get_traced_memory()[0] - start
    finally:
        tracemalloc.stop()
    for _ in range(rounds):
        hit(f)
    after = [sys.getrefcount(item) for item in watched]
    assert grown < 16_000  # 16 bytes a hit; what is reserved once is less
    assert all(abs(new - old) < 50 for new, old in zip(after, before, strict=True))


def test_misses_and_errors_leak_nothing() -> None:
    """Calls that compute, raise or are deleted again leave reference counts as they were."""
    marker = object()

    def f(key: int) -> Any:
        if key % 3 == 0:
            raise ValueError(marker)
        return marker if key % 3 == 1 else [key]

    cache = own()
    memoised = cache.memoise(f, on_unstorable="ignore")
    before = [sys.getrefcount(item) for item in (marker, f, memoised)]
    for number in range(3000):
        try:
            memoised(number)
            memoised(number)
        except ValueError:
            pass
    memoised.cache_clear()
    after = [sys.getrefcount(item) for item in (marker, f, memoised)]
    assert all(abs(new - old) < 10 for new, old in zip(after, before, strict=True))


def test_arguments_are_released_with_their_entries() -> None:
    """Arguments in the table of hits are dropped by ``cache_clear``."""
    cache = own()
    f = cache.memoise(lambda key: key * 2, name="f")
    key = "".join(["a", "rare", "key"])
    before = sys.getrefcount(key)
    f(key), f(key)
    f.cache_clear()
    assert sys.getrefcount(key) == before
