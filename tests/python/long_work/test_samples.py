"""Samples: several answers to one call, each kept."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from outlive import Cache, Memoised
from outlive._drop_in import DropInCache
from support.programs import untyped


def test_each_index_is_an_answer_of_its_own(tmp_path: Path) -> None:
    """`f.sample(i)` computes once for each index, in whatever process; 0 is the function itself."""
    numbers = itertools.count()

    def ask(prompt: str) -> str:
        return f"{prompt} {next(numbers)}"

    path = tmp_path / "c.json"
    f = Cache(path).memoise(ask)
    assert [f.sample(i)("a") for i in range(3)] == ["a 0", "a 1", "a 2"]
    assert f("a") == "a 0"
    assert f.sample(2) is f.sample(2)
    f._outlive_registration.cache.core.close()  # type: ignore[attr-defined]
    later = Cache(path).memoise(ask)
    assert [later.sample(i)("a") for i in range(4)] == ["a 0", "a 1", "a 2", "a 3"]


def test_the_index_is_part_of_the_key_alone() -> None:
    """The index is in the key, after the name and the version, and the function never sees it."""

    def ask(prompt: str, temperature: float = 1.0) -> int:
        return len(prompt)

    f = Cache(None).memoise(ask, name="ask", version=2)
    assert f.sample(3).cache_key("a") == 'ask@2(~sample[3], prompt="a", temperature=1.0)'
    assert isinstance(f.sample(3), Memoised)
    assert f.sample(3).sample(0) is f.sample(3)
    f.sample(12)("a")
    assert [f.sample(i).cache_info().currsize for i in (1, 12)] == [0, 1]


def test_samples_of_an_async_function() -> None:
    """An `async def` function has samples, too, and they can be mapped over."""
    numbers = itertools.count()

    async def ask(prompt: str) -> int:
        return next(numbers)

    async def main() -> None:
        f = Cache(None).memoise(ask)
        assert [await f.sample(i)("a") for i in range(3)] == [0, 1, 2]
        assert f.sample(0) is f
        assert [r async for r in f.sample(1).amap(["a", "b"])] == [1, 3]

    asyncio.run(main())


def test_cache_clear_forgets_the_samples_too() -> None:
    """`cache_clear()` of the function forgets the answers of all samples, of a sample its own."""
    f = Cache(None).memoise(len)
    for i in range(3):
        f.sample(i)("a")
    f.sample(1).cache_clear()
    assert [f.sample(i).cache_contains("a") for i in range(3)] == [True, False, True]
    f.cache_clear()
    assert [f.sample(i).cache_contains("a") for i in range(3)] == [False, False, False]


def test_wrong_indices() -> None:
    """An index is a whole number from 0 on."""
    f = Cache(None).memoise(len)
    with pytest.raises(ValueError, match="from 0"):
        f.sample(-1)
    for wrong in (1.0, "1", True, None):
        with pytest.raises(TypeError, match="whole number"):
            f.sample(untyped(wrong))


def test_samples_on_the_drop_in(drop_in: DropInCache) -> None:
    """In the drop-in a key is a first argument, so there are samples only with `key="all"`."""
    with pytest.raises(TypeError, match='key="all"'):
        drop_in.memoise(len).sample(1)
    f = drop_in.memoise(len, key="all", name="f")
    assert f.sample(1)("a") == 1
    assert list(drop_in) == ['outlive:f(~sample[1], obj="a")']
