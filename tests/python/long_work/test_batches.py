"""Batches: a function of many items gets the missing ones, each of which is kept by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, CacheMiss, Memoised
from outlive._drop_in import DropInCache
from support.programs import untyped


class Body:
    """A function of many items that records what it was asked for."""

    def __init__(self) -> None:
        """Nothing was asked for."""
        self.asked: list[list[Any]] = []

    def __call__(self, ids: list[Any], model: str = "a") -> list[Any]:
        """Wrap each item in a list."""
        self.asked.append(list(ids))
        return [[item, model] for item in ids]


def memoised(cache: Cache, body: Any, **options: Any) -> Any:
    """Memoise a body under one name."""
    return cache.memoise(body, name="f", each="ids", **options)


def test_only_what_is_missing_reaches_the_function(tmp_path: Path) -> None:
    """The function gets the missing items in one call; order and shape are those of the list."""
    body = Body()
    with Cache(tmp_path / "c.json") as cache:
        f = memoised(cache, body)
        assert f([1, 2, 3]) == [[1, "a"], [2, "a"], [3, "a"]]
        assert f([4, 3, 2, 5, 1]) == [[4, "a"], [3, "a"], [2, "a"], [5, "a"], [1, "a"]]
        assert f([]) == []
        assert body.asked == [[1, 2, 3], [4, 5]]
        assert f.cache_info() == (3, 5, None, 5)
    later = memoised(Cache(tmp_path / "c.json"), body)
    assert later((5, 6)) == [[5, "a"], [6, "a"]]
    assert body.asked[2:] == [[6]]


def test_other_arguments_are_part_of_the_key() -> None:
    """An item is kept for the other arguments of its call; items may be given by name."""
    body = Body()
    f = memoised(Cache(None), body)
    assert f([1], "b") == f(ids=[1], model="b") == f(ids=(n for n in [1]), model="b") == [[1, "b"]]
    assert f([1]) == [[1, "a"]]
    assert body.asked == [[1], [1]]
    assert f.cache_key(1) == 'f(ids=1, model="a")'


def test_items_are_controlled_one_by_one() -> None:
    """Each control takes one item in the place of the list; `refresh` takes a list."""
    body = Body()
    f = memoised(Cache(None), body)
    f([1, 2])
    assert f.peek(1) == [1, "a"]
    assert f.forget(1)
    f.put("given", 2)
    assert f([1, 2]) == [[1, "a"], "given"]
    assert f.refresh([2, 2]) == [[2, "a"], [2, "a"]]
    assert body.asked == [[1, 2], [1], [2]]
    assert f([2]) == [[2, "a"]]
    assert isinstance(f, Memoised)


def test_duplicates_are_asked_for_once() -> None:
    """An item that occurs twice is asked for once, and each place has a copy of its own."""
    body = Body()
    f = memoised(Cache(None), body)
    results = f([1, 2, 1, 1])
    assert body.asked == [[1, 2]]
    results[0].append("mine")
    assert results[2:] == [[1, "a"], [1, "a"]]


def test_batch_splits_what_is_missing() -> None:
    """With `batch=` the function gets no more items than that in one call."""
    body = Body()
    f = memoised(Cache(None), body, batch=3)
    f([2, 4])
    assert f(range(8)) == [[n, "a"] for n in range(8)]
    assert body.asked == [[2, 4], [0, 1, 3], [5, 6, 7]]


def test_an_error_loses_no_other_batch() -> None:
    """If one batch raises, those before it are kept, and the next call does the rest."""
    body = Body()

    def troubled(ids: list[int]) -> list[Any]:
        if 4 in ids and len(body.asked) < 3:
            body.asked.append(ids)
            raise ConnectionError(ids)
        return body(ids)

    f = memoised(Cache(None), troubled, batch=2)
    with pytest.raises(ConnectionError):
        f(range(8))
    assert f.cache_info().currsize == 4
    assert f(range(8)) == [[n, "a"] for n in range(8)]
    assert body.asked == [[0, 1], [2, 3], [4, 5], [4, 5], [6, 7]]


def test_stale_results_stand_in_for_a_batch_that_fails() -> None:
    """With `stale_if_error=` the expired results of a batch that raises are served."""
    now: list[float] = [0.0]
    fails: list[int] = []

    def body(ids: list[int]) -> list[str]:
        if fails:
            raise ConnectionError
        return [f"{n} at {now[0]:.0f}" for n in ids]

    f = memoised(Cache(None, clock=lambda: now[0]), body, ttl=10, stale_if_error=100)
    f([1, 2])
    now[0] = 20.0
    fails.append(1)
    assert f([1, 2]) == ["1 at 0", "2 at 0"]
    with pytest.raises(ConnectionError):
        f([1, 2, 3])
    fails.clear()
    assert f([1, 2]) == ["1 at 20", "2 at 20"]


def by_item(ids: list[int]) -> dict[int, str]:
    """Return a dict, without the multiples of five."""
    return {n: str(n) for n in reversed(ids) if n == 0 or n % 5}


def test_a_dict_by_item() -> None:
    """An annotated function returns a dict by item, also if all items are kept."""
    f = memoised(Cache(None), by_item)
    for _ in range(2):
        assert f([2, 1]) == {2: "2", 1: "1"}
        assert list(f([2, 1])) == [2, 1]
    with pytest.raises(ValueError, match="no result for 5; those that it returned are kept"):
        f([3, 5])
    assert f.peek(3) == "3"


def test_a_dict_that_is_not_announced() -> None:
    """A dict without an annotation is refused, as hits could not know; its results are kept."""

    def body(ids):  # type: ignore[no-untyped-def] # that is the point
        return {n: n for n in ids}

    f = memoised(Cache(None), body)
    with pytest.raises(TypeError, match=r"-> dict\[\.\.\.\]"):
        f([1])
    assert f([1]) == [1]


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (lambda ids: [1], ValueError, "2 items and returned 1 results"),
        (lambda ids: [1, 2, 3], ValueError, "2 items and returned 3 results"),
        (lambda ids: None, TypeError, "not NoneType"),
        (lambda ids: "ab", TypeError, "not str"),
        (lambda ids: iter(ids), TypeError, "must return a list"),
    ],
)
def test_wrong_results_are_not_kept(
    wrong: Callable[..., Any], error: type[Exception], words: str
) -> None:
    """A wrong number of results, or none at all, is an error, and nothing is kept."""
    cache = Cache(None)
    with pytest.raises(error, match=words):
        memoised(cache, wrong)([1, 2])
    assert len(cache) == 0


def test_what_makes_no_sense_is_refused(drop_in: DropInCache) -> None:
    """`each=` names a parameter that takes a list, in a cache of one's own."""
    cache = Cache(None)
    for options, error, words in [
        ({"each": "idz"}, TypeError, "no parameter"),
        ({"each": 3}, TypeError, "name of a parameter"),
        ({"each": "rest"}, TypeError, "one list"),
        ({"each": "ids", "ignore": ("ids",)}, ValueError, "ignore"),
        ({"each": "ids", "batch": 0}, ValueError, "at least 1"),
        ({"each": "ids", "refresh_after": 3}, ValueError, "refresh"),
        ({"batch": 3}, ValueError, "each="),
    ]:

        def body(ids: list[int], *rest: int) -> list[int]:
            return ids

        with pytest.raises(error, match=words):
            cache.memoise(body, **untyped(options))
    with pytest.raises(TypeError, match="cache of your own"):
        drop_in.memoise(by_item, each="ids")
    f = cache.memoise(by_item, each="ids")
    for items in ("abc", 3, None):
        with pytest.raises(TypeError, match="takes a list of items"):
            f(untyped(items))
    with pytest.raises(TypeError, match="missing a required argument"):
        untyped(f)()
    with pytest.raises(TypeError, match="takes all items in one call"):
        f.map([1])


def test_modes() -> None:
    """Switched off nothing is kept; offline the first missing item is the error."""
    body, cache = Body(), Cache(None)
    f = memoised(cache, body)
    with cache.mode("off"):
        assert f([1, 1]) == [[1, "a"], [1, "a"]]
    assert len(cache) == 0
    f([1])
    with cache.mode("offline"):
        assert f([1]) == [[1, "a"]]
        with pytest.raises(CacheMiss):
            f([1, 2])
    assert f([2]) == [[2, "a"]]


def test_methods() -> None:
    """A method may take many items, too."""

    class Shop:
        """It has a name."""

        def __memo_key__(self) -> str:
            return "shop"

        @cache.memoise(each="ids")
        def prices(self, ids: list[int]) -> list[int]:
            asked.append(ids)
            return ids

    assert Shop().prices([1, 2]) == [1, 2]
    assert Shop().prices([2, 3]) == [2, 3]
    assert asked == [[1, 2], [3]]


cache = Cache(None)
asked: list[list[int]] = []


@pytest.mark.parametrize("kind", [set, frozenset])
def test_a_set_tells_not_whose_result_is_whose(kind: Callable[[list[int]], Any]) -> None:
    """A set has no order: it is refused, and nothing is kept."""
    cache = Cache(None)
    f = cache.memoise(lambda ids: kind([7 * n for n in ids]), name="f", each="ids")
    with pytest.raises(TypeError, match="must return a list"):
        f([1, 2, 3])
    assert len(cache) == 0
