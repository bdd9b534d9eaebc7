"""A function memoised more than once: memory above disk, and decorated twice by mistake."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import pytest

from outlive import Cache, KeyCollisionWarning, Memoised
from outlive._drop_in import DropInCache
from support.clock import Clock
from support.programs import untyped


def layers(clock: Clock, function: Callable[[str], Any]) -> tuple[Any, Any]:
    """``function`` in a cache with a ttl of a day, and that in one with a ttl of a minute."""
    outer, inner = Cache(None, clock=clock), Cache(None, clock=clock)
    kept = inner.memoise(ttl="1d", maxsize=100)(function)
    return outer.memoise(ttl=60)(kept), kept


def test_each_layer_has_its_own_options_and_counters() -> None:
    """A function that is memoised again has its own ttl, limits and counters, and so has the inner one."""
    clock, calls = Clock(), []

    def price(symbol: str) -> int:
        calls.append(symbol)
        return len(calls)

    outer, inner = layers(clock, price)
    assert outer("ABC") == 1
    assert (outer.cache_info().maxsize, inner.cache_info().maxsize) == (None, 100)
    assert outer.cache_parameters()["ttl"] == 60
    assert inner.cache_parameters()["ttl"] == "1d"
    inner.cache_clear()
    assert inner.cache_info().currsize == 0
    assert outer.cache_info().currsize == 1
    clock.now += 61
    assert outer("ABC") == 2


def test_each_layer_of_a_coroutine_function_has_its_own_options() -> None:
    """The same holds for ``async def`` functions, whichever layer is asked."""
    clock = Clock()

    async def price(symbol: str) -> float:
        return clock.now

    outer, inner = layers(clock, price)
    first = asyncio.run(outer("ABC"))
    assert (outer.cache_info().maxsize, inner.cache_info().maxsize) == (None, 100)
    assert outer.forget("ABC")
    clock.now += 61
    assert asyncio.run(outer("ABC")) == first
    assert inner.forget("ABC")
    clock.now += 61
    assert asyncio.run(outer("ABC")) == clock.now


def test_new_defaults_leave_a_layer_its_own_options(drop_in: DropInCache) -> None:
    """New defaults of a cache do not give the outer function the options of the inner one."""
    clock = Clock()
    drop_in._state.reconfigure({"clock": clock})

    @drop_in.memoise(key="all", name="outer")
    @drop_in.memoise(key="all", name="inner", ttl=5)
    def f(x: int) -> float:
        return clock.now

    first = f(1)
    drop_in._state.reconfigure({"copy": True})
    clock.now += 1000
    assert f(1) == first


def test_a_wrapper_in_between_carries_nothing_over() -> None:
    """``functools.wraps`` between two layers gives the outer one nothing of the inner one."""
    outer, inner = Cache(None), Cache(None)

    @inner.memoise(maxsize=3)
    async def fetch(uri: str) -> str:
        return uri

    @functools.wraps(fetch)
    def wrapper(uri: str) -> int:
        return len(uri)

    assert not isinstance(wrapper, Memoised)
    memoised = untyped(outer.memoise(wrapper))
    assert memoised("abc") == 3
    assert memoised.cache_info().maxsize is None
    assert memoised.peek("abc") == 3


@pytest.mark.parametrize("door", ["own", "drop-in"])
def test_decorated_twice_is_told_as_that(door: str, drop_in: DropInCache) -> None:
    """One function under two decorators of one cache warns once, in words that fit."""
    cache = drop_in if door == "drop-in" else Cache(None)

    def f(x: int) -> int:
        return x

    once = cache.memoise(f)
    with pytest.warns(KeyCollisionWarning, match="is memoised twice") as told:
        twice = untyped(cache.memoise(untyped(once)))
    assert len(told) == 1
    assert twice(1) == 1


def test_names_tell_layers_in_one_cache_apart(recwarn: pytest.WarningsRecorder) -> None:
    """Two layers in one cache with names of their own are two functions, without a warning."""
    cache = Cache(None)

    @cache.memoise(name="outer")
    @cache.memoise(name="inner")
    def f(x: int) -> int:
        return x

    assert f(1) == 1
    assert list(cache) == ["inner(x=1)", "outer(x=1)"]
    assert not recwarn.list
