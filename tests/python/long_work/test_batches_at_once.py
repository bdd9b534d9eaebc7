"""Batches at the same time, in threads, tasks and processes: each item is computed once."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import Any

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outlive import Cache
from support.programs import Scripts
from support.threads import STUCK, Worker, until


def memoised(cache: Cache, body: Any, **options: Any) -> Any:
    """Memoise a body under one name."""
    return cache.memoise(body, name="f", each="ids", **options)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.lists(st.integers(0, 7), max_size=8), min_size=2, max_size=4),
    st.sampled_from([None, 1, 2]),
)
def test_overlapping_batches_in_threads(lists: list[list[int]], batch: int | None) -> None:
    """Whatever lists threads ask for at once: nobody waits for ever, each item is computed once, all results are right."""
    runs: Counter[int] = Counter()

    def body(ids: list[int]) -> list[list[int]]:
        runs.update(ids)
        barrier.wait(0.002) if len(runs) % 3 == 0 else None
        return [[n] for n in ids]

    barrier = threading.Event()
    f = memoised(Cache(None), body, batch=batch)
    start = threading.Barrier(len(lists))

    def work(items: list[int]) -> Any:
        start.wait(STUCK)
        return f(items)

    workers = [Worker(work, items) for items in lists]
    assert [w.result() for w in workers] == [[[n] for n in items] for items in lists]
    assert all(count == 1 for count in runs.values())


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.lists(st.integers(0, 7), max_size=8), min_size=2, max_size=5),
    st.sampled_from([None, 1, 2]),
    st.sampled_from(["asyncio", "trio"]),
)
def test_overlapping_batches_in_tasks(
    lists: list[list[int]], batch: int | None, library: str
) -> None:
    """The same for tasks of asyncio and trio."""
    runs: Counter[int] = Counter()

    async def body(ids: list[int]) -> list[list[int]]:
        runs.update(ids)
        await (asyncio.sleep(0) if library == "asyncio" else trio.sleep(0))
        return [[n] for n in ids]

    f = memoised(Cache(None), body, batch=batch)
    found: dict[int, Any] = {}

    async def work(at: int) -> None:
        found[at] = await f(lists[at])

    async def in_trio() -> None:
        with trio.fail_after(STUCK):
            async with trio.open_nursery() as nursery:
                for at in range(len(lists)):
                    nursery.start_soon(work, at)

    async def in_asyncio() -> None:
        await asyncio.wait_for(asyncio.gather(*map(work, range(len(lists)))), STUCK)

    asyncio.run(in_asyncio()) if library == "asyncio" else trio.run(in_trio)
    assert [found[at] for at in range(len(lists))] == [[[n] for n in items] for items in lists]
    assert all(count == 1 for count in runs.values())


def test_waiters_get_the_error_of_what_they_wait_for() -> None:
    """A caller waiting for an item of a failing batch gets its error; others are taken over."""
    begun, go_on = threading.Event(), threading.Event()

    def body(ids: list[int]) -> list[int]:
        if not begun.is_set():
            begun.set()
            assert go_on.wait(STUCK)
            raise ConnectionError(ids)
        return ids

    f = memoised(Cache(None), body, batch=1)
    first = Worker(f, [1, 2])
    assert begun.wait(STUCK)
    second, third = Worker(f, [2]), Worker(f, [1])
    until(lambda: second.is_alive() and third.is_alive())
    go_on.set()
    assert isinstance(first.finish(), ConnectionError)
    assert second.result() == [2]
    assert isinstance(third.finish(), ConnectionError) or third.result() == [1]


def test_a_batch_inside_of_its_own_item() -> None:
    """A body that asks for an item that it is computing does not wait for itself."""
    depth: list[int] = []

    def body(ids: list[int]) -> list[Any]:
        depth.append(1)
        return [f(ids) if len(depth) == 1 else n for n in ids]

    f = memoised(Cache(None), body)
    assert Worker(f, [1]).result() == [[1]]
    other: list[int] = []

    async def suspending(ids: list[int]) -> list[Any]:
        other.append(1)
        return [await g(list(ids)) if len(other) == 1 else n for n in ids]

    g = memoised(Cache(None), suspending)
    assert asyncio.run(asyncio.wait_for(g([1, 2]), STUCK))


def test_a_cancelled_batch_is_taken_over() -> None:
    """If the task of a batch is cancelled, the waiting callers compute its items."""

    async def body(ids: list[int]) -> list[int]:
        runs.append(ids)
        if len(runs) == 1:
            await asyncio.sleep(3600)
        return ids

    async def main() -> None:
        first = asyncio.create_task(f([1, 2]))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(f([2, 3]))
        await asyncio.sleep(0.01)
        first.cancel()
        assert await asyncio.wait_for(second, STUCK) == [2, 3]

    runs: list[list[int]] = []
    f = memoised(Cache(None), body)
    asyncio.run(main())
    assert runs == [[1, 2], [3], [2]]


PROCESSES = """
import os, sys, time
from outlive import Cache

cache = Cache("c.json")
log = os.open("log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

@cache.memoise(each="ids", batch=5, name="f")
def f(ids):
    os.write(log, "".join(f"{n}\\n" for n in ids).encode())
    time.sleep(0.01)
    return [[n] for n in ids]

print("ready", flush=True)
sys.stdin.readline()
items = list(range(60))
items = items[::-1] if sys.argv[1] == "back" else items
assert f(items) == [[n] for n in items]
print("done")
"""


def test_overlapping_batches_in_processes(script: Scripts) -> None:
    """Processes that ask for the same items from both ends compute each of them once."""
    programs = [script.start(PROCESSES, way) for way in ("forth", "back", "forth")]
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("go\n")
        program.stdin.flush()
    for program in programs:
        out, err = program.communicate(timeout=STUCK)
        assert (out, err) == ("done\n", "")
    runs = Counter((script.folder / "log").read_text().split())
    assert sorted(map(int, runs)) == list(range(60))
    assert set(runs.values()) == {1}
