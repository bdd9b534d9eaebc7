"""Maps in tasks: the same contract as in threads, and no task is left."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from outlive import Cache, Failed, Progress
from support.programs import untyped

calls: list[int] = []


async def body(item: int) -> list[int]:
    """Wrap the item in a list, after a while; multiples of seven, but 0, raise."""
    calls.append(item)
    await asyncio.sleep(0)
    if item and item % 7 == 0:
        raise ValueError(item)
    return [item]


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()


async def tasks() -> int:
    """Let cancelled tasks end; return how many tasks there are."""
    await asyncio.sleep(0.01)
    return len(asyncio.all_tasks())


def test_results_come_in_order_and_are_kept() -> None:
    """A map yields the results of the calls in order, and a second one computes nothing."""
    f = Cache(None).memoise(body)

    async def main() -> None:
        for _ in range(2):
            results = [r async for r in f.amap(range(7), workers=3)]
            assert results == [[n] for n in range(7)]
        assert await tasks() == 1

    asyncio.run(main())
    assert sorted(calls) == list(range(7))


def test_asynchronous_items() -> None:
    """Items may come from an asynchronous iterable, also an endless one."""

    async def items() -> AsyncIterator[int]:
        for n in itertools.count():
            await asyncio.sleep(0)
            yield n % 5

    async def main() -> list[Any]:
        found = []
        async with contextlib.aclosing(untyped(f.amap(items(), workers=3))) as results:
            async for result in results:
                found.append(result)
                if len(found) == 30:
                    break
        assert await tasks() == 1
        return found

    f = Cache(None).memoise(body)
    assert asyncio.run(main()) == [[n % 5] for n in range(30)]
    assert sorted(calls) == list(range(5))


def test_no_more_tasks_than_workers() -> None:
    """Never are more calls under way than there are workers."""
    now, most = 0, 0

    async def busy(item: int) -> int:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1
        return item

    async def main() -> None:
        f = Cache(None).memoise(busy)
        assert [r async for r in f.amap(range(40), workers=5)] == list(range(40))

    asyncio.run(main())
    assert most == 5


def test_errors() -> None:
    """An error ends the map, or is collected, or skipped."""
    f = Cache(None).memoise(body)

    async def main() -> None:
        with pytest.raises(ValueError, match="7"):
            _ = [r async for r in f.amap(range(100), workers=2)]
        assert await tasks() == 1
        assert len(calls) < 20
        collected = [r async for r in f.amap(range(9), on_error="collect")]
        assert [r.item for r in collected if isinstance(r, Failed)] == [7]
        assert [r async for r in f.amap(range(6, 9), on_error="skip")] == [[6], [8]]

    asyncio.run(main())


def test_cancelled_with_the_task() -> None:
    """If the task that iterates is cancelled, its calls are cancelled too, before it ends."""
    begun: list[int] = []
    ended: list[int] = []

    async def slow(item: int) -> int:
        begun.append(item)
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(item)
        return item

    async def main() -> None:
        f = Cache(None).memoise(slow)

        async def iterate() -> None:
            async for _ in f.amap(range(100), workers=4):
                pass

        task = asyncio.create_task(iterate())
        while len(begun) < 4:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sorted(ended) == [0, 1, 2, 3]
        assert await tasks() == 1

    asyncio.run(main())


def test_progress_and_order() -> None:
    """Results may come as they are available, and progress is reported after each item."""
    seen: list[Progress] = []

    async def slow_at_first(item: int) -> int:
        if item == 0:
            await first.wait()
        return item

    async def main() -> None:
        f = Cache(None).memoise(slow_at_first)
        results = f.amap(range(10), workers=3, ordered=False, progress=seen.append)
        got = [await anext(results) for _ in range(9)]
        assert sorted(got) == list(range(1, 10))
        first.set()
        assert await anext(results) == 0

    first = asyncio.Event()
    asyncio.run(main())
    assert [p.done for p in seen] == list(range(1, 11))


def test_hits_let_others_run() -> None:
    """A map over thousands of hits does not keep the other tasks of the loop waiting until its end."""

    async def main() -> int:
        for n in range(2000):
            f.put([n], n)
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        assert len([r async for r in f.amap(range(2000))]) == 2000
        task.cancel()
        return turns

    f = Cache(None).memoise(body)
    assert asyncio.run(main()) >= 5
    assert calls == []


def test_trio_is_told() -> None:
    """Without a running asyncio loop the error says what to do."""
    f = Cache(None).memoise(body)

    async def main() -> None:
        with pytest.raises(RuntimeError, match="nursery"):
            async for _ in f.amap([1]):
                pass

    trio.run(main)


def test_cache_amap() -> None:
    """`cache.amap` memoises any `async def` function."""

    async def main() -> None:
        cache = Cache(None)
        assert [r async for r in cache.amap(body, [1, 2])] == [[1], [2]]
        assert [r async for r in cache.amap(body, [1, 2])] == [[1], [2]]

    asyncio.run(main())
    assert sorted(calls) == [1, 2]
