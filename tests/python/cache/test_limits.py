"""Limits: maxsize, max_bytes, and which entries are evicted first."""

from __future__ import annotations

import functools
import gc
import json
import random
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from outlive._drop_in import DropInCache
from support.files import results
from support.programs import Scripts, untyped


def doubled(cache: Cache, **options: Any) -> tuple[Any, list[int]]:
    """A memoised function and the arguments that it was really called with."""
    calls: list[int] = []

    @cache.memoise(name="doubled", **options)
    def function(number: int) -> int:
        calls.append(number)
        return 2 * number

    return function, calls


def test_the_least_recently_used_goes_first() -> None:
    """With maxsize, the entry that was used longest ago makes room for a new one."""
    function, calls = doubled(Cache(None), maxsize=2)
    for number in (1, 2, 1, 3):  # 2 goes for 3: 1 was used after it
        function(number)
    calls.clear()
    function(1)
    function(3)
    assert calls == []
    function(2)
    assert calls == [2]
    assert function.cache_info() == (3, 4, 2, 2)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("maxsize", [1, 2, 7, 128])
def test_the_order_of_use_is_that_of_lru_cache(maxsize: int, seed: int) -> None:
    """Whatever the calls, exactly those are computed again as by functools.lru_cache."""
    function, calls = doubled(Cache(None), maxsize=maxsize)
    others: list[int] = []

    @functools.lru_cache(maxsize)
    def other(number: int) -> int:
        others.append(number)
        return 2 * number

    dice = random.Random(seed)
    for number in (min(dice.randrange(2 * maxsize), dice.randrange(300)) for _ in range(5000)):
        for _ in range(dice.randrange(1, 4)):  # the later ones are answered by a table
            assert function(number) == other(number)
    assert calls == others
    info, expected = function.cache_info(), other.cache_info()
    assert (info.hits, info.misses, info.currsize) == expected[:2] + expected[3:]


class Thing:
    """An object that no file can hold."""


@pytest.mark.parametrize("maxsize", [2, 100])
def test_what_went_is_not_kept_alive(maxsize: int) -> None:
    """An evicted result is freed, although hits were served from it."""
    born: list[weakref.ref[Thing]] = []

    @Cache(None).memoise(on_unstorable="ignore", maxsize=maxsize, copy=False)
    def make(number: int) -> Thing:
        thing = Thing()
        born.append(weakref.ref(thing))
        return thing

    for number in range(300):
        assert make(number) is make(number) is make(number)
    gc.collect()
    assert sum(thing() is not None for thing in born) == maxsize


def test_arguments_of_what_went_are_given_up() -> None:
    """A table keeps only a few arguments whose results were evicted."""
    keys = [f"a text of its own {number}" for number in range(1000)]
    before = [sys.getrefcount(key) for key in keys]
    function = Cache(None).memoise(len, name="length", maxsize=2)
    for key in keys:
        assert function(key) == function(key) == len(key)
    del key
    after = [sys.getrefcount(key) for key in keys]
    assert sum(now > then for now, then in zip(after, before, strict=True)) < 200


def test_a_limit_for_a_function_with_hits() -> None:
    """A function whose hits a table answers can be limited later, by its cache."""
    cache = Cache(None)
    function, calls = doubled(cache)
    for number in (1, 2, 3, 1, 2, 3):
        function(number)
    cache.limit(maxsize=2)
    calls.clear()
    assert [function(number) for number in (1, 3)] == [2, 6]
    assert calls == [1]
    assert len(cache) == 2


def test_new_limits_keep_the_order_of_use() -> None:
    """The order of use is known when a limit is set anew, for this function or another."""
    cache = Cache(None)
    function, calls = doubled(cache, maxsize=3)
    for number in (1, 2, 3, 1, 1):
        function(number)
    cache.memoise(len, name="other", maxsize=7)
    calls.clear()
    assert [function(number) for number in (4, 1, 3)] == [8, 2, 6]
    assert calls == [4]  # 2 went for it


def test_another_function_sees_what_took_the_place() -> None:
    """If results expire, a new one is served at once by all functions that share the entry."""
    cache, answers = Cache(None), iter(range(10))

    def function(number: int) -> int:
        return next(answers)

    one, other = (cache.memoise(function, name="shared", ttl="1h") for _ in range(2))
    assert [one(5), other(5), one(5), other(5)] == [0, 0, 0, 0]
    assert one.refresh(5) == 1
    assert [other(5), one(5), other(5)] == [1, 1, 1]
    cache[one.cache_key(5)] = 7
    assert [other(5), one(5)] == [7, 7]
    assert one.forget(5)
    assert [other(5), one(5)] == [2, 2]


def test_nothing_goes_unless_asked_for() -> None:
    """Without a limit every result stays."""
    function, calls = doubled(Cache(None))
    for number in [*range(2000), *range(2000)]:
        function(number)
    assert len(calls) == 2000
    assert function.cache_info().evictions == 0


def test_limits_are_each_functions_own() -> None:
    """The limit of one function evicts no entry of another."""
    cache = Cache(None)
    small, _ = doubled(cache, maxsize=1)
    large = cache.memoise(name="large")(lambda number: number)
    for number in range(5):
        small(number)
        large(number)
    assert len(cache) == 6
    assert small.cache_info().currsize == 1


def test_a_cache_bounds_all_its_functions_together() -> None:
    """maxsize of a cache counts all its entries, put by hand or computed."""
    cache = Cache(None, maxsize=3)
    function, _ = doubled(cache)
    cache["by hand"] = 1
    for number in range(3):
        function(number)
    assert list(cache) == [f"doubled(number={number})" for number in range(3)]
    assert cache._state.core.limits.evictions() == 1


def test_max_bytes_bounds_the_texts() -> None:
    """max_bytes counts the bytes of the results' texts."""
    cache = Cache(None, max_bytes=30)
    for number in range(5):
        cache[f"{number}"] = "x" * 8  # ten bytes of JSON each
    assert list(cache) == ["2", "3", "4"]
    cache["large"] = "x" * 100
    assert "large" not in cache
    assert len(cache) == 3


def test_what_went_is_gone_from_the_file(tmp_path: Path) -> None:
    """An evicted entry does not come back with the next process."""
    path = tmp_path / "cache.json"
    with Cache(path) as cache:
        function, _ = doubled(cache, maxsize=2)
        for number in range(4):
            function(number)
    assert results(path) == {"doubled(number=2)": 4, "doubled(number=3)": 6}


def test_a_smaller_limit_holds_for_what_the_file_has(tmp_path: Path) -> None:
    """A limit set later evicts the oldest entries of the file."""
    path = tmp_path / "cache.json"
    path.write_text(json.dumps({f"doubled(number={n})": 2 * n for n in range(10)}))
    with Cache(path) as cache:
        function, calls = doubled(cache, maxsize=3)
        assert [function(n) for n in (7, 8, 9)] == [14, 16, 18]
        assert calls == []
        assert function.cache_info().currsize == 3


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"maxsize": 0}, ValueError, "at least 1"),
        ({"maxsize": "10"}, TypeError, "whole number"),
        ({"max_bytes": -1}, ValueError, "at least 1"),
        ({"max_size": 10}, TypeError, "did you mean maxsize"),
    ],
)
def test_limits_that_mean_nothing_are_refused(
    given: dict[str, Any], error: type[Exception], words: str
) -> None:
    """A limit that is not a whole number above zero is refused where it is written."""
    with pytest.raises(error, match=words):
        Cache(None, **given)


def test_what_is_used_while_a_result_is_made_was_used_before_it() -> None:
    """A new result is the newest, whatever its own ``cache_if`` does with the cache meanwhile."""
    functions: list[Any] = []

    def wanted(result: int) -> bool:
        return result == 0 or functions[0](0) == 0

    function, calls = doubled(Cache(None), maxsize=1, cache_if=wanted)
    functions.append(function)
    assert [function(0), function(5), function(5)] == [0, 10, 10]
    assert calls == [0, 5]


def test_looking_is_no_use() -> None:
    """``peek``, ``cache_contains`` and ``in`` leave the order of use as it is."""
    cache = Cache(None)
    for look in (
        lambda f: f.peek(1),
        lambda f: f.cache_contains(1),
        lambda f: f.cache_key(1) in cache,
    ):
        cache.clear()
        function: Any = cache.memoise(lambda x: x, maxsize=2, name="f")
        function(1), function(2)
        assert look(function)
        function(3)
        assert [function.cache_contains(x) for x in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize("key", ["first", "all"])
def test_a_limit_in_the_drop_in_is_the_functions_own(drop_in: DropInCache, key: Any) -> None:
    """maxsize of one function evicts no entries of others, even if they share one file."""
    paid = drop_in.memoise(lambda uri: [uri], name="paid")
    small = drop_in.memoise(lambda uri: [uri], name="small", maxsize=2, key=key)
    for number in range(5):
        paid(f"/paid/{number}")
    for number in range(4):
        small(f"/small/{number}")
    assert sum("/paid/" in key for key in drop_in) == 5
    assert sum("/small/" in key for key in drop_in) == 2
    assert untyped(small).cache_info().evictions == 2
    assert untyped(paid).cache_info().evictions == 0


def test_what_goes_for_the_limit_of_the_cache_is_counted() -> None:
    """Entries evicted for a limit of the whole cache count for the function that made them."""
    cache = Cache(None, maxsize=5)
    one = cache.memoise(lambda x: x, name="one")
    two = cache.memoise(lambda x: x, name="two")
    for number in range(20):
        one(number)
    for number in range(3):
        two(number)
    assert untyped(one).cache_info().evictions == 18
    assert untyped(two).cache_info().evictions == 0


def test_the_order_of_use_survives_a_restart(tmp_path: Path) -> None:
    """The order of use survives a restart; use alone rewrites the file."""
    program = """
    import sys
    from outlive import Cache
    f = Cache("lru.json").memoise(lambda x: x, name="f", maxsize=3)
    for x in sys.argv[1:]:
        f(int(x))
    """
    script = Scripts(tmp_path, "program.py")
    path = tmp_path / "lru.json"
    script.output(program, "1", "2", "3", "1")
    assert list(results(path)) == ["f(x=2)", "f(x=3)", "f(x=1)"]
    script.output(program, "2")
    assert list(results(path)) == ["f(x=3)", "f(x=1)", "f(x=2)"]
    written = path.stat().st_mtime_ns
    script.output(program, "2")
    assert path.stat().st_mtime_ns == written
    script.output(program, "4")
    assert list(results(path)) == ["f(x=1)", "f(x=2)", "f(x=4)"]


def test_without_a_limit_use_changes_nothing(tmp_path: Path) -> None:
    """Without limits, hits leave the file as it is."""
    program = """
    import sys
    from outlive import Cache
    f = Cache("c.json").memoise(lambda x: x, name="f")
    for x in sys.argv[1:]:
        f(int(x))
    """
    script = Scripts(tmp_path, "program.py")
    script.output(program, "1", "2")
    content = (tmp_path / "c.json").read_bytes()
    script.output(program, "1", "1")
    assert (tmp_path / "c.json").read_bytes() == content
