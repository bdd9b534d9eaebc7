"""How much is kept: maxsize, max_bytes, and what goes first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache


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
    assert function.cache_info() == (3, 4, 2, 2, 2, 0)


def test_nothing_goes_unless_asked_for() -> None:
    """Without a limit every result stays."""
    function, calls = doubled(Cache(None))
    for number in [*range(2000), *range(2000)]:
        function(number)
    assert len(calls) == 2000
    assert function.cache_info().evictions == 0


def test_limits_are_each_functions_own() -> None:
    """The limit of one function makes no room at the cost of another."""
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
    assert cache.core.evictions() == 1


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
    assert json.loads(path.read_text()) == {"doubled(number=2)": 4, "doubled(number=3)": 6}


def test_a_smaller_limit_holds_for_what_the_file_has(tmp_path: Path) -> None:
    """A limit set later lets the oldest entries of the file go."""
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
        ({"max_size": 10}, TypeError, "you may mean maxsize"),
    ],
)
def test_limits_that_mean_nothing_are_refused(
    given: dict[str, Any], error: type[Exception], words: str
) -> None:
    """A limit that is no whole number above zero is refused where it is written."""
    with pytest.raises(error, match=words):
        Cache(None, **given)
