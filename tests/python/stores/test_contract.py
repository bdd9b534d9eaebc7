"""The contract of every store, written once: values, keys, forgetting, modes, threads, tasks."""

from __future__ import annotations

import asyncio
import math
import random
import threading
from datetime import datetime, timezone
from typing import Any

import pytest

from outlive import Cache, CacheMiss, UnstorableWarning
from stores.conftest import Place, doubling
from support.clock import Clock
from support.threads import together

VALUES = [
    None, True, 1, 1.5, -0.0, math.inf, "", "text \0 \ud800 ü 😀", b"\0\xff", (1, [2]), {1, 2},
    {"$tuple": [1]}, {1: "one", "1": "eins"}, datetime(2026, 11, 30, tzinfo=timezone.utc),
    10**40, "x" * 300_000, [list(range(50))] * 50,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
def test_values(place: Place, value: Any) -> None:
    """A hit equals the first call, in value and in type, also after a restart."""
    function = place().memoise(name="value", on_code_change="ignore")(lambda x: value)
    for _ in range(3):
        assert repr(function(1)) == repr(value)
    if place.kind.persists:
        place.close()
        later = place().memoise(name="value", on_code_change="ignore")(
            lambda x: pytest.fail("computed again")
        )
        assert [repr(later(1)) for _ in range(3)] == [repr(value)] * 3


def test_keys(place: Place) -> None:
    """Arguments of any kind are keys, and none is taken for another."""
    double, calls = doubling(place())
    arguments = [1, 1.0, True, "1", None, "\0", "\ud800", "ü", "x" * 5000, b"1", (1,), [1], "?*["]
    for _ in range(2):
        assert [double(x) for x in arguments] == [[x, x] for x in arguments]
    assert len(calls) == len(arguments) == len(place())


def test_a_hit_is_a_copy(place: Place) -> None:
    """A caller that changes a result changes no other's."""
    double, calls = doubling(place())
    for _ in range(4):
        double(1).append("mine")
    assert double(1) == [1, 1] == place()["double(x=1)"]
    assert calls == [1]


def test_order(ordered: Place) -> None:
    """Entries are listed in the order in which they came; a new result keeps the place of the old."""
    cache = ordered()
    for key in "cab":
        cache[key] = key * 2
    cache["a"] = 1
    assert list(cache.items()) == [("c", "cc"), ("a", 1), ("b", "bb")]
    del cache["c"]
    cache["c"] = 2
    assert list(cache) == ["a", "b", "c"]
    assert list(reversed(cache)) == ["c", "b", "a"]
    if ordered.kind.persists:
        ordered.close()
        assert list(ordered()) == ["a", "b", "c"]


def test_a_mapping(place: Place) -> None:
    """A cache is what a dict is to those who read and write it."""
    cache = place()
    with pytest.raises(KeyError):
        cache["a"]
    with pytest.raises(KeyError):
        del cache["a"]
    assert (len(cache), "a" in cache, cache.get("a"), list(cache)) == (0, False, None, [])
    cache.update({"a": 1, "b": [2]})
    assert (len(cache), "a" in cache, cache == {"a": 1, "b": [2]}) == (2, True, True)
    assert (cache.pop("a"), cache.pop("a", 0), cache.popitem()) == (1, 0, ("b", [2]))
    assert (len(cache), cache.setdefault("c", 3), cache["c"]) == (0, 3, 3)
    cache.clear()
    assert (len(cache), "c" in cache, dict(cache)) == (0, False, {})


def test_forgetting(place: Place) -> None:
    """Forgotten entries are gone: one, those of a pattern, of a function, all; also later."""
    cache = place()
    double, _ = doubling(cache)
    other = cache.memoise(name="other")(lambda x: x)
    for x in range(6):
        double(x), other(x)
    assert (double.forget(0), double.forget(0), double.peek(0), double.peek(1)) == (
        True, False, None, [1, 1],
    )  # fmt: skip
    assert cache.forget("*(x=[12])") == 4
    assert (len(cache), double.cache_info().currsize, other.cache_info().currsize) == (7, 3, 4)
    double.cache_clear()
    assert (len(cache), double.cache_info().currsize) == (4, 0)
    assert place.in_order(cache) == [f"other(x={x})" for x in (0, 3, 4, 5)]
    double(3)
    if place.kind.persists:
        place.close()
        cache = place()
        left = [*(f"other(x={x})" for x in (0, 3, 4, 5)), "double(x=3)"]
        assert place.in_order(cache) == place.in_order(left)
    cache.clear()
    if place.kind.persists:
        place.close()
    assert len(place()) == 0


def test_counts(place: Place) -> None:
    """Each function counts its own."""
    cache = place()
    double, _ = doubling(cache)
    other = cache.memoise(name="double.other")(lambda x: x)
    for x in (1, 2, 1):
        double(x)
    other(1)
    assert double.cache_info() == (1, 2, None, 2)
    assert other.cache_info() == (0, 1, None, 1)
    assert (double.cache_contains(1), double.cache_contains(9)) == (True, False)


def test_tags_and_ages(place: Place) -> None:
    """Entries are found by tag and by age."""
    clock = Clock()
    cache = place(clock=clock)
    double, _ = doubling(cache, tags=lambda result: ["odd"] if result[0] % 2 else [])
    for x in range(4):
        double(x)
        clock.now += 100
    assert cache.forget(tag="odd") == 2
    assert cache.prune(older_than=350, name="other") == 0
    assert cache.prune(older_than=350, name="double") == 1
    assert list(cache) == ["double(x=2)"]


def test_modes(place: Place) -> None:
    """Each mode does what it promises, and looking changes nothing for others."""
    cache = place()
    double, calls = doubling(cache)
    double(1)
    with cache.mode("offline"):
        assert double(1) == [1, 1]
        with pytest.raises(CacheMiss):
            double(2)
    with cache.mode("off"):
        double(1)
    with cache.mode("refresh"):
        double(1)
    assert calls == [1, 1, 1]
    with cache.mode("readonly"):
        double(3)
        double.forget(1)
        assert (double.peek(1), double(3)) == (None, [3, 3])
        cache.clear()
        assert (len(cache), "double(x=1)" in cache, double.peek(1)) == (0, False, None)
    assert calls == [1, 1, 1, 3]
    if place.kind.persists:
        place.close()
        assert list(place()) == ["double(x=1)"]


def test_read_only_objects(lasting: Place) -> None:
    """An object that only reads serves what is there and leaves it as it is."""
    double, _ = doubling(lasting())
    double(1)
    lasting.close()
    before = lasting.contents()
    double, calls = doubling(lasting(mode="readonly"))
    assert (double(1), double(2), double(2), calls) == ([1, 1], [2, 2], [2, 2], [2])
    lasting.close()
    assert lasting.contents() == before
    assert list(lasting()) == ["double(x=1)"]


def test_the_unstorable(place: Place) -> None:
    """A result that no store can hold stays in the process, and removes an older stored one."""
    cache = place()
    results: list[Any] = [1, lock := threading.Lock()]
    get = cache.memoise(name="get", ttl=3600, copy=False)(lambda: results.pop(0))
    assert get() == 1
    with pytest.warns(UnstorableWarning):
        assert get.refresh() is lock
    assert (get() is lock, len(cache), get.cache_info().currsize) == (True, 1, 1)
    if place.kind.persists:
        place.close()
        assert len(place()) == 0


def test_secrets(lasting: Place) -> None:
    """A digest of a secret is the same after a restart, and the secret is nowhere in the files."""

    def get(cache: Cache) -> Any:
        return cache.memoise(name="get", secret=("token",))(lambda token: "answer")

    get(lasting())("very secret")
    lasting.close()
    later = get(lasting())
    assert later.peek("very secret") == "answer"
    assert later.peek("another") is None
    lasting.close()
    assert lasting.contents()
    for content in lasting.contents():
        assert b"very secret" not in content


def test_two_objects(lasting: Place) -> None:
    """Two objects on one file share its entries, and each keeps its own mode."""
    one, other = lasting(), lasting(mode="readonly")
    double, _ = doubling(one)
    same, others_calls = doubling(other)
    double(1)
    assert (same(1), others_calls) == ([1, 1], [])
    double.forget(1)
    assert (same(1), others_calls) == ([1, 1], [1])


def test_errors_and_codes(lasting: Place) -> None:
    """Further notes on an entry are kept with it."""
    cache = lasting()

    @cache.memoise(name="f", cache_errors={ValueError: "1h"})
    def fails() -> None:
        raise ValueError("kept")

    for _ in range(2):
        with pytest.raises(ValueError, match="kept"):
            fails()
    cache.memoise(name="g", on_code_change="recompute")(lambda: 1)()
    lasting.close()
    assert lasting().memoise(name="g", on_code_change="recompute")(lambda: 2)() == 2


def test_threads_compute_once(place: Place) -> None:
    """Threads that ask for one key at once compute it once."""
    double, calls = doubling(place())
    together(8, lambda _: double(1))
    assert calls == [1]


def test_coroutines(place: Place) -> None:
    """Coroutine functions are memoised like others."""
    calls = []

    @place().memoise(name="get")
    async def get(x: int) -> list[int]:
        calls.append(x)
        await asyncio.sleep(0)
        return [x]

    async def ask() -> list[list[int]]:
        return await asyncio.gather(*(get(x % 3) for x in range(9)))

    assert asyncio.run(ask()) == [[x % 3] for x in range(9)]
    assert asyncio.run(ask()) == [[x % 3] for x in range(9)]
    assert sorted(calls) == [0, 1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_against_a_dict(place: Place, seed: int) -> None:
    """Whatever is done to it in whatever order, a cache holds what a dict would."""
    choose, cache, model = random.Random(seed), place(), dict[str, Any]()
    for step in range(150):
        key, action = f"f(x={choose.randrange(12)})", choose.randrange(20)
        if action < 8:
            cache[key] = model[key] = [step, "x" * choose.randrange(300)]
        elif action < 11:
            assert cache.pop(key, None) == model.pop(key, None)
        elif action < 14:
            assert (cache.get(key), key in cache) == (model.get(key), key in model)
        elif action < 17:
            assert (place.in_order(cache), len(cache)) == (place.in_order(model), len(model))
        elif action < 19:
            cache.close()
        else:
            cache.clear()
            model.clear()
    assert dict(cache) == model
    assert place.in_order(cache) == place.in_order(model)


def test_a_closed_cache_is_opened_again(lasting: Place) -> None:
    """After ``close`` a cache goes on as before."""
    cache = lasting()
    double, calls = doubling(cache)
    for x in (1, 2):
        double(x)
        cache.close()
    assert (double(1), double(2), calls, len(cache)) == ([1, 1], [2, 2], [1, 2], 2)
    cache.close()
    assert lasting.left() == []
