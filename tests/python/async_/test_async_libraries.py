"""anyio and trio."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import anyio.to_thread
import pytest
import trio  # type: ignore[import-not-found,unused-ignore]

from outlive import Cache

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


async def in_group(number: int, call: Any) -> list[Any]:
    """What ``call(0)``, ``call(1)``, ... return, awaited in one task group."""
    results: list[Any] = [None] * number

    async def keep(at: int) -> None:
        results[at] = await call(at)

    async with anyio.create_task_group() as group:
        for at in range(number):
            group.start_soon(keep, at)
    return results


@BACKENDS
def test_tasks_compute_once(backend: str) -> None:
    """Tasks of a group share one computation for each key, and hits are served after it."""
    calls: list[int] = []

    @Cache().memoise
    async def work(x: int) -> list[int]:
        calls.append(x)
        await anyio.sleep(0.001)
        return [x]

    async def main() -> list[Any]:
        return await in_group(100, lambda n: work(n % 4))

    assert anyio.run(main, backend=backend) == [[n % 4] for n in range(100)]
    assert anyio.run(main, backend=backend) == [[n % 4] for n in range(100)]
    assert sorted(calls) == [0, 1, 2, 3]


@BACKENDS
def test_a_cancelled_leader_does_not_cancel_the_others(backend: str) -> None:
    """A cancel scope around the first caller ends its wait alone: the others get their result."""
    calls: list[int] = []

    @Cache().memoise
    async def work(x: int) -> list[int]:
        calls.append(x)
        await anyio.sleep(0.05)
        return [x]

    async def one(n: int) -> Any:
        while n > 0 and not calls:
            await anyio.sleep(0)
        with anyio.move_on_after(0.001 if n == 0 else 60):
            return await work(1)
        return "gone"

    async def main() -> list[Any]:
        return await in_group(5, one)

    assert anyio.run(main, backend=backend) == ["gone", [1], [1], [1], [1]]
    # On asyncio the work has a task of its own; on trio it belongs to its caller, and another one
    # starts over.
    assert len(calls) == (1 if backend == "asyncio" else 2)


@BACKENDS
def test_nested_calls(backend: str) -> None:
    """An inner call under the key of the outer one ends, and keeps nothing."""
    cache = Cache()

    @cache.memoise(key=lambda x: x)
    async def inner(x: int) -> list[int]:
        await anyio.sleep(0)
        return [x]

    @cache.memoise
    async def outer(x: int) -> Any:
        async with anyio.create_task_group() as group:
            group.start_soon(recursive, x)
        return [await inner(x), await recursive(x)]

    async def recursive(x: int) -> Any:
        return await outer(x - 1) if x else 0

    assert anyio.run(outer, 2, backend=backend) == [[2], [[1], [[0], 0]]]


@BACKENDS
def test_between_libraries(backend: str) -> None:
    """A thread with another event loop waits for the computation of this one."""
    calls: list[int] = []
    begun = threading.Event()

    @Cache().memoise
    async def work(x: int) -> list[int]:
        calls.append(x)
        begun.set()
        await anyio.sleep(0.1)
        return [x]

    async def main() -> list[Any]:
        async def one(n: int) -> Any:
            if n == 0:
                return await work(1)
            other = "trio" if (backend == "asyncio") == (n == 1) else "asyncio"
            return await anyio.to_thread.run_sync(in_thread, other)

        return await in_group(3, one)

    def in_thread(other: str) -> Any:
        begun.wait()
        return anyio.run(work, 1, backend=other)

    assert anyio.run(main, backend=backend) == [[1]] * 3
    assert calls == [1]


def test_without_an_event_loop() -> None:
    """A coroutine driven by hand computes and keeps its result, without waiting."""

    @Cache().memoise
    async def work(x: int) -> list[int]:
        return [x]

    for _ in range(2):
        with pytest.raises(StopIteration) as stopped:
            work(1).send(None)
        assert stopped.value.value == [1]
    assert work.cache_info()[:2] == (1, 1)


def test_by_hand_while_a_loop_computes() -> None:
    """A coroutine driven by hand does not wait for a loop's computation, but computes, too."""
    calls: list[int] = []
    release = trio.Event()

    @Cache().memoise
    async def work(x: int) -> list[int]:
        calls.append(x)
        if len(calls) == 1:
            await release.wait()
        return [x]

    def by_hand() -> Any:
        with pytest.raises(StopIteration) as stopped:
            work(1).send(None)
        return stopped.value.value

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work, 1)
            await trio.sleep(0)
            await trio.sleep(0)
            assert await trio.to_thread.run_sync(by_hand) == [1]
            release.set()

    trio.run(main)
    assert calls == [1, 1]
