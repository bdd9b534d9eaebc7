"""The contract of every store: lifetimes and limits."""

from __future__ import annotations

import pytest

from stores.conftest import Place, doubling
from support.clock import Clock


def test_ttl(place: Place) -> None:
    """An expired result is not served, and the time is that of the first call after a restart too."""
    clock = Clock()
    double, calls = doubling(place(clock=clock), ttl=10)
    double(1)
    clock.now += 9
    assert (double(1), calls) == ([1, 1], [1])
    if place.kind.persists:
        place.close()
        double, calls = doubling(place(clock=clock), ttl=10)
        assert (double(1), calls) == ([1, 1], [])
    clock.now += 2
    double(1)
    assert calls[-1:] == [1]
    assert double.cache_contains(1)


def test_maxsize_of_a_function(limited: Place) -> None:
    """The least recently used entry is evicted, exactly, and no other function's."""
    cache = limited()
    double, _ = doubling(cache, maxsize=3)
    other = cache.memoise(name="other")(lambda x: x)
    for x in (1, 2, 3):
        double(x), other(x)
    for _ in range(3):
        double(1)  # of which some are answered from a table
    double(4)
    assert list(cache) == ["double(x=1)", *(f"other(x={x})" for x in (1, 2)), "double(x=3)",
                           "other(x=3)", "double(x=4)"]  # fmt: skip
    info = double.cache_info()
    assert (info.currsize, info.maxsize, info.evictions) == (3, 3, 1)
    for x in range(10, 30):
        double(x)
    assert double.cache_info().currsize == 3


def test_order_of_use_after_a_restart(limited: Place) -> None:
    """The order of use survives a restart."""
    double, _ = doubling(limited(), maxsize=3)
    for x in (1, 2, 3, 1):
        double(x)
    if limited.kind.persists:
        limited.close()
        double, _ = doubling(limited(), maxsize=3)
    double(4)
    assert [double.cache_contains(x) for x in (1, 2, 3, 4)] == [True, False, True, True]


def test_limits_of_the_cache(limited: Place) -> None:
    """A whole cache keeps its limits, too."""
    cache = limited(maxsize=4)
    double, _ = doubling(cache)
    for x in range(9):
        double(x), cache.memoise(name="other")(lambda x: x)(x)
    assert len(cache) == 4
    cache.limit(maxsize=None, max_bytes=1000)
    cache["large"] = "x" * 2000
    assert ("large" in cache, len(cache)) == (False, 4)
    for x in range(9):
        cache[str(x)] = "x" * 300
    assert list(cache) == ["6", "7", "8"]


def test_no_limits(unlimited: Place) -> None:
    """A store without limits refuses them where they are asked for, and says who has them."""
    cache = unlimited()
    for limit in ({"maxsize": 3}, {"max_bytes": 1000}):
        with pytest.raises(ValueError, match=unlimited.kind.limited_by):
            unlimited(**limit)
        with pytest.raises(ValueError, match=unlimited.kind.limited_by):
            cache.limit(**limit)
    with pytest.raises(ValueError, match=unlimited.kind.limited_by):
        doubling(cache, maxsize=3)
    double, _ = doubling(cache)
    assert double(1) == [1, 1]
