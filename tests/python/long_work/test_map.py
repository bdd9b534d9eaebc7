"""Maps in threads: what is kept is not computed, what is computed is kept at once, in whatever way it ends."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, CacheMiss, Failed, Progress
from support.programs import untyped
from support.threads import STUCK, Worker, until


class Counted:
    """A function that counts its calls by argument."""

    def __init__(self) -> None:
        """Nothing was called."""
        self.calls: list[Any] = []

    def __call__(self, item: Any) -> list[Any]:
        """Wrap the item in a list."""
        self.calls.append(item)
        return [item]


def test_results_come_in_order_and_are_kept() -> None:
    """A map yields the results of the calls in order, and a second one computes nothing."""
    cache, body = Cache(None), Counted()
    f = cache.memoise(body, name="f")
    assert list(f.map(range(300), workers=4)) == [[n] for n in range(300)]
    assert list(f.map(range(300))) == [[n] for n in range(300)]
    assert sorted(body.calls) == list(range(300))
    assert f.cache_info()[:2] == (300, 300)


def test_results_are_copies() -> None:
    """A caller that changes a result changes no later one."""
    f = Cache(None).memoise(Counted(), name="f")
    for result in itertools.chain(f.map([1, 2]), f.map([1, 2])):
        result.append("mine")
    assert list(f.map([1, 2])) == [[1], [2]]


def test_hits_do_not_go_through_the_threads() -> None:
    """If everything is kept no thread is started; missing items are computed in other threads."""
    threads = set()

    def where(item: int) -> int:
        threads.add(threading.get_ident())
        return item

    f = Cache(None).memoise(where)
    for item in range(50):
        f.put(item, item)
    before = threading.active_count()
    results = f.map(range(50))
    assert [next(results) for _ in range(50)] == list(range(50))
    assert threading.active_count() <= before  # one of an earlier test may end
    assert not threads
    assert list(f.map(range(60))) == list(range(60))
    assert threads
    assert threading.get_ident() not in threads


def test_as_they_come() -> None:
    """With `ordered=False` a slow call delays no other result."""
    slow = threading.Event()

    def body(item: int) -> int:
        if item == 0:
            assert slow.wait(STUCK)
        return item

    results = Cache(None).memoise(body).map(range(40), workers=2, ordered=False)
    first = [next(results) for _ in range(39)]
    assert sorted(first) == list(range(1, 40))
    slow.set()
    assert list(results) == [0]


def test_endless_items_are_taken_in_as_needed() -> None:
    """Of an endless iterable no more is taken in than is under way; nothing before the first result is asked for."""
    taken = []

    def items() -> Iterator[int]:
        for item in itertools.count():
            taken.append(item)
            yield item

    f = Cache(None).memoise(Counted(), name="f")
    results = f.map(items(), workers=2)
    assert not taken
    assert [next(results) for _ in range(1000)] == [[n] for n in range(1000)]
    assert len(taken) < 1000 + 2 * 64 + 8
    results.close()  # type: ignore[attr-defined] # it is a generator


def test_a_slow_head_bounds_what_waits_behind_it() -> None:
    """Results behind a slow call are computed, but only a bounded number of them is held."""
    begun, slow, body = threading.Event(), threading.Event(), Counted()

    def slow_at_first(item: int) -> Any:
        if item == 0:
            begun.set()
            assert slow.wait(STUCK)
        return body(item)

    results = Cache(None).memoise(slow_at_first).map(itertools.count(), workers=2)
    first = Worker(next, results)
    assert begun.wait(STUCK)
    until(lambda: len(body.calls) >= 100)
    until(lambda: len(body.calls) == 2 * 64 - 1)
    slow.set()
    assert first.result() == [0]
    assert next(results) == [1]
    results.close()  # type: ignore[attr-defined] # it is a generator


def test_star() -> None:
    """With `star=True` an item is a tuple of arguments, or a dict of them by name; anything else is an error."""
    f = Cache(None).memoise(lambda a, b=0: (a, b))
    assert list(f.map([(1, 2), {"a": 3}, {"b": 4, "a": 5}], star=True)) == [(1, 2), (3, 0), (5, 4)]
    with pytest.raises(TypeError, match="tuple or a dict"):
        list(f.map(["ab"], star=True))


def failing(item: int) -> int:
    """Compute, unless the item is a multiple of three."""
    if item % 3 == 0:
        raise ValueError(item)
    return item


def test_collect_gives_what_failed_in_its_place() -> None:
    """`on_error="collect"`: a failed item is reported in its place, with the exception."""
    f = Cache(None).memoise(failing)
    results = list(f.map(range(7), on_error="collect"))
    assert [r.item if isinstance(r, Failed) else -r for r in results] == [0, -1, -2, 3, -4, -5, 6]
    assert [str(r.error) for r in results if isinstance(r, Failed)] == ["0", "3", "6"]
    assert f.cache_info().currsize == 4


def test_skip_leaves_out_what_failed() -> None:
    """`on_error="skip"`: a failed item yields nothing."""
    assert list(Cache(None).memoise(failing).map(range(7), on_error="skip")) == [1, 2, 4, 5]


def test_raise_ends_the_map_in_its_place() -> None:
    """`on_error="raise"`: results before the failed item come first; no call begins after it."""
    calls = []

    def body(item: int) -> int:
        calls.append(item)
        return failing(item + 1) - 1

    results = Cache(None).memoise(body).map(range(1000), workers=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="3"):
        next(results)
    assert len(calls) < 20
    assert list(results) == []


def test_what_was_under_way_at_an_error_is_kept() -> None:
    """After an error the calls under way are awaited: they are paid for, and kept."""
    other = threading.Event()

    def body(item: int) -> int:
        if item == 0:
            assert other.wait(STUCK)
            raise ValueError(item)
        other.set()
        return item

    f = Cache(None).memoise(body)
    with pytest.raises(ValueError, match="0"):
        list(f.map([0, 1], workers=2))
    assert f.peek(1) == 1


def test_items_that_raise_come_last() -> None:
    """If the iterable of items raises, the results of those before come first."""

    def items() -> Iterator[int]:
        yield from range(20)
        raise OSError("the list is cut off")

    results = Cache(None).memoise(Counted(), name="f").map(items(), workers=3)
    assert [next(results) for _ in range(20)] == [[n] for n in range(20)]
    with pytest.raises(OSError, match="cut off"):
        next(results)


def test_items_that_cannot_be_iterated() -> None:
    """One str is not split into letters, and a value that is not iterable is refused at once."""
    f = Cache(None).memoise(Counted(), name="f")
    for wrong in ("https://a.example", b"x", 3, None):
        with pytest.raises(TypeError, match="map takes"):
            f.map(untyped(wrong))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"workers": 0}, ValueError, "at least 1"),
        ({"workers": None}, TypeError, "workers"),
        ({"workers": 1.5}, TypeError, "whole number"),
        ({"on_error": "ignore"}, ValueError, "'collect'"),
        ({"progress": "yes"}, TypeError, "progress="),
        ({"worker": 3}, TypeError, "did you mean workers"),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception], words: str) -> None:
    """A wrong option is refused when the map is made."""
    f = Cache(None).memoise(Counted(), name="f")
    with pytest.raises(error, match=words):
        f.map([1], **options)


def test_async_functions_are_referred_to_amap() -> None:
    """A map of an `async def` function says what to write, and the other way round."""

    async def coroutine(item: int) -> int:
        return item

    cache = Cache(None)
    with pytest.raises(TypeError, match=r"async for result in .*amap"):
        untyped(cache.memoise(coroutine)).map([1])
    with pytest.raises(TypeError, match=r"\.map\(items\)"):
        untyped(cache.memoise(failing)).amap([1])


def test_the_context_goes_with_the_calls() -> None:
    """A mode that holds for a block holds in the threads of its maps."""
    cache = Cache(None)
    f = cache.memoise(Counted(), name="f")
    with cache.mode("offline"), pytest.raises(CacheMiss):
        list(f.map([1]))
    with cache.mode("offline"):
        (failed,) = f.map([1], on_error="collect")
    assert isinstance(untyped(failed).error, CacheMiss)


def test_cache_map_takes_any_function() -> None:
    """`cache.map` maps a memoised function, a method of an instance, and any other function, which it memoises."""

    class Shop:
        """It has a name."""

        def __init__(self, name: str) -> None:
            self.name = name

        def __memo_key__(self) -> str:
            return self.name

        def price(self, item: int) -> str:
            """Compute the price."""
            calls.append(item)
            return f"{self.name} {item}"

    calls: list[int] = []
    cache = Cache(None)
    Shop.price = cache.memoise(Shop.price)  # type: ignore[method-assign]
    assert list(cache.map(Shop("a").price, [1, 2])) == ["a 1", "a 2"]
    assert list(cache.map(Shop("b").price, [1])) == ["b 1"]
    assert list(cache.map(Shop("a").price, [1, 2])) == ["a 1", "a 2"]
    assert sorted(calls[:2]) == [1, 2] and calls[2:] == [1]
    body = Counted()
    body.__qualname__ = "body"  # type: ignore[attr-defined]
    for _ in range(2):
        assert list(cache.map(body, [1, 2])) == [[1], [2]]
    assert sorted(body.calls) == [1, 2]
    with pytest.raises(ValueError, match="keeps its results in"):
        Cache(None).map(cache.memoise(failing), [1])


def test_a_map_inside_of_what_it_computes() -> None:
    """Threads of a map are part of the call that waits for them: a call of theirs under its key does not wait for it."""
    cache = Cache(None)

    @cache.memoise
    def outer(key: str) -> list[Any]:
        if calls:
            return ["inner"]
        calls.append(key)
        return list(helper.map([key]))

    @cache.memoise
    def helper(key: str) -> list[Any]:
        return untyped(outer(key))  # type: ignore[no-any-return]

    calls: list[str] = []
    assert Worker(outer, "a").result() == [["inner"]]


def test_progress_is_told_after_each_item() -> None:
    """A `progress=` callable gets counts after every item: done, saved, errors, total if known."""
    f = Cache(None).memoise(failing)
    seen: list[Progress] = []
    list(f.map(range(6), on_error="skip", progress=seen.append))
    assert [p.done for p in seen] == [1, 2, 3, 4, 5, 6]
    last = seen[-1]
    assert (last.total, last.saved, last.errors, last.computed) == (6, 0, 2, 6)
    assert last.left == 0
    assert last.rate > 0
    seen.clear()
    list(f.map(iter([1, 2]), progress=seen.append))
    assert (seen[-1].saved, seen[-1].computed) == (2, 0)
    seen.clear()
    list(f.map((n for n in [1]), progress=seen.append))
    assert (seen[-1].total, seen[-1].left) == (None, None)


def test_progress_that_raises_costs_no_result() -> None:
    """If the `progress=` callable raises, one warning says so, and all results come."""

    def tell(progress: Progress) -> None:
        raise RuntimeError("the widget is gone")

    f = Cache(None).memoise(Counted(), name="f")
    with pytest.warns(match="the widget is gone") as told:
        assert list(f.map(range(10), progress=tell)) == [[n] for n in range(10)]
    assert len(told) == 1


def test_what_a_thread_raises_for_good_ends_the_map() -> None:
    """Anything but an `Exception` ends the map, whatever `on_error=` says."""

    def body(item: int) -> int:
        raise SystemExit(item)

    with pytest.raises(SystemExit):
        list(Cache(None).memoise(body).map([1], on_error="skip"))


def test_break_leaves_no_thread(tmp_path: Path) -> None:
    """After `break` the threads end with their present calls, whose results are kept."""
    f = Cache(tmp_path / "c.json").memoise(Counted(), name="f")
    before = threading.active_count()
    for _ in f.map(itertools.count(), workers=3):
        break
    until(lambda: threading.active_count() <= before)
