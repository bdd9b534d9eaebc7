"""Several ``Cache`` objects on one file: they share its entries, and no options."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, CacheMiss
from support.files import results
from support.programs import untyped


def function_of(cache: Cache, name: str = "f") -> tuple[Any, list[int]]:
    """A function that is memoised in ``cache``, and the arguments that it was really called with."""
    calls: list[int] = []

    @cache.memoise(name=name)
    def function(x: int) -> list[int]:
        calls.append(x)
        return [x]

    return function, calls


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a cache's file will be."""
    return tmp_path / "c.json"


@pytest.mark.parametrize("mode", ["readonly", "offline", "off", "refresh"])
@pytest.mark.parametrize("viewer_first", [True, False])
def test_a_mode_is_the_objects_own(path: Path, mode: Any, viewer_first: bool) -> None:
    """An object with a mode leaves that of another one on the file as it is, whichever came first."""
    if viewer_first:
        viewer, cache = Cache(path, mode=mode), Cache(path)
    else:
        cache, viewer = Cache(path), Cache(path, mode=mode)
    function, calls = function_of(cache)
    function(1)
    len(viewer)
    for _ in range(3):
        function(1), function(2)
    assert calls == [1, 2]
    cache.close()
    assert list(results(path)) == ["f(x=1)", "f(x=2)"]


def test_each_object_obeys_its_own_mode(path: Path) -> None:
    """Of functions on one file, each computes, serves or raises as the mode of its object says."""
    first, _ = function_of(Cache(path))
    first(1)
    for mode, computed in (("off", [1, 1]), ("refresh", [1, 1]), ("readonly", [])):
        other, calls = function_of(Cache(path, mode=mode))  # type: ignore[arg-type]
        other(1), other(1)
        assert calls == computed, mode
    other, calls = function_of(Cache(path, mode="offline"))
    assert other(1) == [1]
    with pytest.raises(CacheMiss):
        other(2)
    assert calls == []


def test_set_mode_and_blocks_are_the_objects_own(path: Path) -> None:
    """``set_mode`` and ``with cache.mode(...)`` change the object that they are called on, at once."""
    one, two = Cache(path), Cache(path)
    (f, f_calls), (g, g_calls) = function_of(one), function_of(two)
    for _ in range(3):
        f(1), g(1)  # from here on tables answer
    one.set_mode("off")
    f(1), g(1)
    assert (f_calls, g_calls) == ([1, 1], [])
    one.set_mode("on")
    with two.mode("refresh"):
        f(1), g(1)
    assert (f_calls, g_calls) == ([1, 1], [1])


def test_what_readonly_computed_is_stored_for_who_may_write(path: Path) -> None:
    """A result that one object kept in this process only is in the file once another returns it."""
    reader, calls = function_of(Cache(path, mode="readonly"))
    cache = Cache(path)
    function, more = function_of(cache)
    assert (reader(1), reader(2), function(1)) == ([1], [2], [1])
    assert (calls, more) == ([1, 2], [])
    cache.close()
    assert results(path) == {"f(x=1)": [1]}


def test_the_last_object_that_may_write_saves_the_file(path: Path) -> None:
    """An object that is dropped leaves a whole file, although another one keeps reading it."""
    cache: Cache | None = Cache(path)
    viewer = Cache(path, mode="readonly")
    function, _ = function_of(untyped(cache))
    function(1)
    del function, cache
    gc.collect()
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert dict(viewer) == {"f(x=1)": [1]}


def test_a_readonly_object_does_not_open_the_others_file_for_reading_only(path: Path) -> None:
    """If a read-only object read the file first, another object still writes it."""
    path.write_text('{"f(x=0)": [0]}')
    viewer = Cache(path, mode="readonly")
    assert len(viewer) == 1
    with Cache(path) as cache:
        function_of(cache)[0](1)
    assert results(path) == {"f(x=0)": [0], "f(x=1)": [1]}
    viewer.set_mode("on")
    function_of(viewer)[0](2)
    viewer.close()
    assert len(results(path)) == 3


@pytest.mark.parametrize("limits", [{"maxsize": 3}, {"max_bytes": 9}])
def test_a_limit_acts_when_its_object_stores(path: Path, limits: dict[str, Any]) -> None:
    """Opening, reading, and storing by an object without the limit evict nothing."""
    cache = Cache(path)
    function, _ = function_of(cache)
    for x in range(5):
        function(x)
    small = Cache(path, **limits)
    limited, calls = function_of(small)
    assert len(small) == 5
    assert limited(0) == [0]
    function(5)
    assert len(cache) == len(small) == 6
    limited(6)
    assert list(cache) == ["f(x=0)", "f(x=5)", "f(x=6)"]
    small["by hand"] = [1]
    assert list(cache) == ["f(x=5)", "f(x=6)", "by hand"]
    function(7)
    assert len(cache) == 4
    assert calls == [6]


def test_a_limit_of_one_object_alone_waits_for_a_store_too(path: Path) -> None:
    """A file that is opened with a small limit keeps its entries until something is stored."""
    path.write_text(json.dumps({f"f(x={x})": [x] for x in range(10)}))
    with Cache(path, maxsize=2) as cache:
        assert len(cache) == 10
        function_of(cache)[0](3)
    assert len(results(path)) == 10
    with Cache(path, maxsize=2) as cache:
        function_of(cache)[0](10)
    assert len(results(path)) == 2


def test_a_limit_of_a_readonly_object_leaves_the_file(path: Path) -> None:
    """An entry that a read-only object evicts stays in the file, and comes back."""
    path.write_text('{"a": 1, "b": 2, "c": 3}')
    cache, small = Cache(path), Cache(path, mode="readonly", maxsize=2)
    small["d"] = 4
    assert len(small) == 2
    cache["e"] = 5
    cache.close()
    assert set(results(path)) == {"a", "b", "c", "e"}


def test_two_different_limits_are_refused(path: Path) -> None:
    """No limit contradicts none; a different limit of another object is a ValueError."""
    cache, five = Cache(path), Cache(path, maxsize=5)
    Cache(path, maxsize=5, max_bytes=100)
    with pytest.raises(
        ValueError, match=r"maxsize=6: .*c\.json is already in use here with maxsize=5"
    ):
        Cache(path, maxsize=6)
    with pytest.raises(ValueError, match="maxsize=5"):
        cache.limit(maxsize=6)
    five.limit(maxsize=None)
    cache.limit(maxsize=6)
    with pytest.raises(ValueError, match="maxsize=6"):
        five.limit(maxsize=5)
    assert Cache(path)._state.core.limits.get() == (None, None)
