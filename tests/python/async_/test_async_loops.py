"""Several event loops, threads, and loops that are gone."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from outlive._drop_in import DropInCache


def in_threads(number: int, run: Callable[[int], Any]) -> list[Any]:
    """What ``run(0)``, ``run(1)``, ... return, each in a thread of its own."""
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


@pytest.fixture
def drop_in(tmp_path: Path) -> DropInCache:
    """A cache whose functions share their keys, as those of the drop-in."""
    return DropInCache(tmp_path / "cache_file.json")


def test_one_run_after_the_other() -> None:
    """A memoised function works in any number of ``asyncio.run``, with hits across them."""
    calls = []

    @Cache().memoise
    async def work(x: int) -> list[int]:
        calls.append(x)
        await asyncio.sleep(0)
        return [x]

    async def main(x: int) -> Any:
        return await asyncio.gather(work(1), work(1), work(x))

    assert [asyncio.run(main(x))[2] for x in (2, 3, 2)] == [[2], [3], [2]]
    assert sorted(calls) == [1, 2, 3]


def test_loops_in_threads_compute_once() -> None:
    """Tasks of several loops in several threads share one computation for each key."""
    calls = []
    barrier = threading.Barrier(6)

    @Cache().memoise
    async def work(x: int) -> list[int]:
        calls.append(x)
        await asyncio.sleep(0.01)
        return [x]

    async def main() -> list[Any]:
        return await asyncio.gather(*(work(x % 10) for x in range(100)))

    def run(_: int) -> list[Any]:
        barrier.wait()
        return asyncio.run(main())

    for values in in_threads(6, run):
        assert values == [[x % 10] for x in range(100)]
    assert sorted(calls) == list(range(10))


def test_an_exception_crosses_loops() -> None:
    """Callers that wait in other loops get the same exception object."""
    asking: list[int] = []

    @Cache().memoise
    async def fails(x: int) -> None:
        while len(asking) < 4:
            await asyncio.sleep(0.001)
        await asyncio.sleep(1.5)  # the last of them is still on its way into the call
        raise ValueError(x)

    def run(n: int) -> BaseException:
        async def main() -> None:
            asking.append(n)
            await fails(1)

        with pytest.raises(ValueError, match="1") as raised:
            asyncio.run(main())
        return raised.value

    assert len({id(error) for error in in_threads(4, run)}) == 1


@pytest.mark.filterwarnings("ignore::outlive.KeyCollisionWarning")
@pytest.mark.filterwarnings("ignore::outlive.KeyCollisionWarning")
def test_sync_and_async_functions_share_a_key() -> None:
    """A thread waits for a task's computation, and a task for a thread's, under one key."""
    cache = Cache(None)
    started = threading.Event()
    go = threading.Event()
    calls = []

    @cache.memoise(name="shared")
    async def by_task(uri: str) -> list[str]:
        calls.append("task")
        started.set()
        while not go.is_set():
            await asyncio.sleep(0.001)
        return [uri]

    @cache.memoise(name="shared")
    def by_thread(uri: str) -> list[str]:
        calls.append("thread")
        started.set()
        go.wait()
        return [uri]

    def task(uri: str) -> list[str]:
        return asyncio.run(by_task(uri))

    pairs: list[list[Callable[[str], list[str]]]] = [[task, by_thread], [by_thread, task]]
    for number, (first, second) in enumerate(pairs):
        started.clear()
        go.clear()
        uri = f"/{number}"
        with ThreadPoolExecutor(2) as pool:
            results = [pool.submit(first, uri)]
            started.wait()
            results.append(pool.submit(second, uri))
            threading.Timer(0.1, go.set).start()
            assert [result.result() for result in results] == [[uri]] * 2
    assert calls == ["task", "thread"]


def test_a_loop_ended_in_the_middle() -> None:
    """When the loop that computes ends, a waiting caller of another loop or thread takes over."""
    cache = Cache()
    first = threading.Event()
    calls = []

    @cache.memoise
    async def work(x: int) -> list[int]:
        calls.append(x)
        if len(calls) == 1:
            first.set()
            await asyncio.sleep(3600)
        return [x]

    async def give_up() -> None:
        begun = asyncio.create_task(work(1))
        await asyncio.sleep(0.1)
        assert not begun.done()

    def run(n: int) -> Any:
        if n == 0:
            return asyncio.run(give_up())
        first.wait()
        return asyncio.run(work(1))

    assert in_threads(4, run) == [None, [1], [1], [1]]
    assert len(calls) == 2


@pytest.mark.parametrize("close", [True, False])
def test_a_loop_left_lying(close: bool) -> None:
    """Work of a loop that was closed, or just stopped, without an end is taken over."""
    cache = Cache()
    calls = []

    @cache.memoise
    async def work(x: int) -> list[int]:
        calls.append(x)
        if len(calls) == 1:
            await asyncio.sleep(3600)
        return [x]

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # asyncio tells of tasks that go with their loop
    begun = loop.create_task(work(1))
    loop.run_until_complete(asyncio.sleep(0.01))
    assert calls == [1]
    if close:
        loop.close()
    assert asyncio.run(asyncio.wait_for(work(1), 60)) == [1]
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: asyncio.run(work(2))).result() == [2]
    assert calls == [1, 1, 2]
    if not close:
        begun.cancel()
        loop.run_until_complete(asyncio.wait([begun]))
        loop.close()


def test_sync_threads_take_over_from_a_loop_left_lying(drop_in: DropInCache) -> None:
    """A thread that waits for work of a loop that stands still computes in the end."""
    calls = []

    @drop_in.memoise
    async def by_task(uri: str) -> list[str]:
        calls.append("task")
        await asyncio.sleep(3600)
        return [uri]

    @drop_in.memoise
    def by_thread(uri: str) -> list[str]:
        calls.append("thread")
        return [uri]

    loop = asyncio.new_event_loop()
    begun = loop.create_task(by_task("/"))
    loop.run_until_complete(asyncio.sleep(0.01))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(by_thread, "/").result() == ["/"]
    assert calls == ["task", "thread"]
    begun.cancel()
    loop.run_until_complete(asyncio.wait([begun]))
    loop.close()


def test_other_processes_are_waited_for(tmp_path: Path) -> None:
    """A key that another process computes is waited for, while the loop goes on."""
    context = multiprocessing.get_context("spawn")
    begun, go = context.Event(), context.Event()
    path = tmp_path / "c.json"
    other = context.Process(target=_compute_slowly, args=(path, begun, go))
    other.start()
    assert begun.wait(60)
    cache = Cache(path)
    calls = []

    @cache.memoise(name="work")
    async def work(x: int) -> list[Any]:
        calls.append(x)
        return [x, os.getpid()]

    async def main() -> Any:
        waiting = [asyncio.create_task(work(1)) for _ in range(3)]
        for _ in range(30):
            await asyncio.sleep(0.001)
        assert await work(2) == [2, os.getpid()]
        assert not any(task.done() for task in waiting)
        go.set()
        return await asyncio.gather(*waiting)

    assert asyncio.run(main()) == [[1, other.pid]] * 3
    assert calls == [2]
    other.join()


def _compute_slowly(path: Path, begun: Any, go: Any) -> None:
    @Cache(path).memoise(name="work")
    def work(x: int) -> list[Any]:
        begun.set()
        while not go.is_set():
            time.sleep(0.005)
        return [x, os.getpid()]

    work(1)


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_fork_out_of_a_task() -> None:
    """The child of a fork computes what tasks of its parent are computing."""

    @Cache().memoise
    async def work(x: int) -> list[int]:
        if os.getpid() == parent:
            await asyncio.sleep(3600)
        return [x]

    async def main() -> int:
        begun = asyncio.create_task(work(1))
        await asyncio.sleep(0.01)
        child = os.fork()
        if child == 0:
            asyncio.events._set_running_loop(None)
            os._exit(0 if asyncio.run(asyncio.wait_for(work(1), 60)) == [1] else 1)
        ended = await asyncio.to_thread(os.waitpid, child, 0)
        begun.cancel()
        return ended[1]

    parent = os.getpid()
    assert asyncio.run(main()) == 0


@pytest.mark.filterwarnings("ignore::outlive.KeyCollisionWarning")
def test_stress_of_loops_and_threads() -> None:
    """Threads and loops that share keys, half of the calls failing, all end with right results."""
    cache = Cache(None)
    under_way: set[str] = set()
    failed: set[str] = set()

    def enter(uri: str) -> None:
        assert uri not in under_way, "one at a time"
        under_way.add(uri)

    def leave(uri: str) -> list[str]:
        under_way.discard(uri)
        if uri not in failed:
            failed.add(uri)
            raise ValueError(uri)
        return [uri]

    @cache.memoise(name="shared")
    async def by_task(uri: str) -> list[str]:
        enter(uri)
        await asyncio.sleep(0)
        return leave(uri)

    @cache.memoise(name="shared")
    def by_thread(uri: str) -> list[str]:
        enter(uri)
        time.sleep(0)
        return leave(uri)

    uris = [f"/{n}" for n in range(50)] * 3

    async def asked(uri: str) -> None:
        with contextlib.suppress(ValueError):
            assert await by_task(uri) == [uri]

    async def main() -> None:
        await asyncio.gather(*map(asked, uris))

    def run(n: int) -> None:
        if n % 2:
            return asyncio.run(main())
        for uri in uris:
            with contextlib.suppress(ValueError):
                assert by_thread(uri) == [uri]
        return None

    in_threads(8, run)
    assert not under_way
    assert len(cache) == 50
