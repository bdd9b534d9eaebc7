"""Threads: one computes a key, the others wait for it, and none waits for ever."""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from outlive import Cache
from outlive._drop_in import DropInCache
from support.threads import STUCK, Worker, settle, together, until


class Stop(BaseException):
    """Stops a thread as KeyboardInterrupt does."""


def waiting(leader: threading.Event, release: threading.Event, end: Callable[[], Any]) -> Any:
    """A function that signals when it began and ends when it is released."""

    def compute(key: object) -> Any:
        leader.set()
        assert release.wait(STUCK)
        return end()

    return compute


def test_one_of_16_threads_computes(drop_in: DropInCache) -> None:
    """However many threads ask for one key at once, its body runs once and all get the result."""
    calls: list[int] = []

    @drop_in.memoise
    def f(key: int) -> list[int]:
        calls.append(key)
        settle()
        return [key]

    for key in range(5):
        results = together(16, partial(lambda key, _: f(key), key))
        assert results == [[key]] * 16
        assert len({id(result) for result in results}) == 16
    assert calls == list(range(5))


def test_other_keys_go_on(drop_in: DropInCache) -> None:
    """While one key is computed, other keys are computed, and stored results are served."""
    begun, release = threading.Event(), threading.Event()
    slow = drop_in.memoise(waiting(begun, release, lambda: "slow"))
    quick = drop_in.memoise(lambda key: ["quick"])
    quick("stored")
    worker = Worker(slow, "slow")
    assert begun.wait(STUCK)
    assert quick("a") == quick("stored") == ["quick"]
    assert drop_in["a"] == ["quick"] and "slow" not in drop_in
    release.set()
    assert worker.result() == "slow"


def test_waiters_release_the_interpreter(drop_in: DropInCache) -> None:
    """Threads that wait for a key let the others run, the computing one included."""
    begun, release = threading.Event(), threading.Event()
    f = drop_in.memoise(waiting(begun, release, lambda: 7))
    workers = [Worker(f, "k") for _ in range(4)]
    assert begun.wait(STUCK)
    settle()
    assert sum(range(100_000)) == 4_999_950_000
    release.set()
    assert [worker.result() for worker in workers] == [7] * 4


def test_an_exception_goes_to_those_waiting(drop_in: DropInCache) -> None:
    """A waiting thread gets the computing thread's exception itself; the next computes."""
    begun, release = threading.Event(), threading.Event()
    error = ValueError("once")
    calls = []

    @drop_in.memoise
    def f(key: str) -> str:
        calls.append(key)
        if len(calls) > 1:
            return "computed"
        begun.set()
        assert release.wait(STUCK)
        raise error

    leader = Worker(f, "k")
    assert begun.wait(STUCK)
    waiters = [Worker(f, "k") for _ in range(5)]
    settle()
    release.set()
    found = [worker.finish() for worker in [leader, *waiters]]
    assert found[0] is error
    late = sum(1 for worker in waiters if worker.value == "computed")
    assert found.count(error) + late == 6 and len(calls) <= 2
    assert f("k") == "computed"


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, SystemExit, Stop, GeneratorExit])
def test_a_waiter_takes_over(drop_in: DropInCache, stopped: type[BaseException]) -> None:
    """A thread that is stopped by something other than an Exception hands its duty on."""
    begun, release = threading.Event(), threading.Event()
    calls: list[str] = []

    @drop_in.memoise
    def f(key: str) -> str:
        calls.append(key)
        if len(calls) > 1:
            return "taken over"
        begun.set()
        assert release.wait(STUCK)
        raise stopped

    leader = Worker(f, "k")
    assert begun.wait(STUCK)
    waiters = [Worker(f, "k") for _ in range(5)]
    settle()
    release.set()
    assert [worker.result() for worker in waiters] == ["taken over"] * 5
    assert isinstance(leader.finish(), stopped)
    assert calls == ["k", "k"]


def test_what_cannot_be_stored_is_handed_to_waiters(drop_in: DropInCache) -> None:
    """Waiting threads get the very object of the computing thread if the file cannot hold it."""
    begun, release = threading.Event(), threading.Event()
    f = drop_in.memoise(waiting(begun, release, object), on_unstorable="ignore")
    workers = [Worker(f, "k") for _ in range(4)]
    assert begun.wait(STUCK)
    settle()
    release.set()
    assert len({worker.result() for worker in workers}) == 1


def test_waiters_get_copies(drop_in: DropInCache) -> None:
    """Each waiting thread has its own copy, whatever the first caller does to its result."""
    begun, release = threading.Event(), threading.Event()
    f = drop_in.memoise(waiting(begun, release, lambda: [[1]]))
    workers = [Worker(f, "k") for _ in range(4)]
    assert begun.wait(STUCK)
    settle()
    release.set()
    results = [worker.result() for worker in workers]
    for result in results:
        result[0].append(2)
    assert results == [[[1, 2]]] * 4 and f("k") == [[1]]


def test_entries_that_go_meanwhile_are_no_trouble(drop_in: DropInCache) -> None:
    """Clearing the cache while a key is computed neither blocks nor breaks the call."""
    begun, release = threading.Event(), threading.Event()
    f = drop_in.memoise(waiting(begun, release, lambda: "value"))
    worker = Worker(f, "k")
    assert begun.wait(STUCK)
    f.cache_clear()
    drop_in.save()
    release.set()
    assert worker.result() == f("k") == "value"


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("caches", ["one cache", "two caches"])
def test_circles_of_threads_end(drop_in: DropInCache, threads: int, caches: str) -> None:
    """Threads that wait for one another in a circle all get their result: one of them computes."""
    other = Cache(None) if caches == "two caches" else drop_in
    barrier = threading.Barrier(threads)
    functions: list[Any] = []
    calls: Counter[int] = Counter()

    def make(cache: Any) -> Any:
        def f(key: int) -> list[int]:
            calls[key] += 1
            if calls[key] > 1:
                return [key]
            barrier.wait(STUCK)
            following = (key + 1) % threads
            return [key, *functions[following](following)]

        return cache.memoise(f, key="first", name=f"f{len(functions)}")

    for number in range(threads):
        functions.append(make(other if number == 1 else drop_in))
    results = [Worker(functions[number], number) for number in range(threads)]
    found = [worker.result() for worker in results]
    assert all(result[0] == number for number, result in enumerate(found))
    assert sum(calls.values()) == threads + 1


def test_threads_that_ask_crosswise_for_ever_changing_keys(drop_in: DropInCache) -> None:
    """Calls that ask for random other keys, in circles or not, all end with the right result."""
    here = threading.local()

    @drop_in.memoise
    def f(key: int) -> int:
        here.depth = getattr(here, "depth", 0) + 1
        if here.depth < 4:
            assert [f(other) for other in (key * 7 % 40, key * 3 % 40)] == [
                key * 7 % 40,
                key * 3 % 40,
            ]
        here.depth -= 1
        return key

    def work(seed: int) -> list[int]:
        keys = random.Random(seed).sample(range(40), 40)
        return [key - f(key) for key in keys]

    assert together(8, work) == [[0] * 40] * 8


def test_stress(drop_in: DropInCache) -> None:
    """16 threads on overlapping keys, half of the computations failing: never a wrong result.

    Two threads compute one key in turn only if it was forgotten in between.
    """
    running: defaultdict[int, list[int]] = defaultdict(list)
    begun: Counter[int] = Counter()
    forgotten: Counter[int] = Counter()
    lock = threading.Lock()
    overlaps: list[int] = []
    strange: list[int] = []
    chance = random.Random(1)

    @drop_in.memoise
    def f(key: int) -> list[Any]:
        with lock:
            overlaps.extend(key for before in running[key] if before == begun[key])
            running[key].append(before := forgotten[key])
            fails = chance.random() < 0.5
        threading.Event().wait(0.0005)
        with lock:
            running[key].remove(before)
        if fails:
            raise ValueError(key)
        return [key, [key]]

    def work(number: int) -> int:
        own, good = random.Random(number), 0
        for _ in range(300):
            key = own.randrange(50)
            try:
                result = f(key)
            except ValueError as error:
                strange.extend(set(error.args) - {key})
            else:
                assert result == [key, [key]]
                result[1].append(number)
                good += 1
            if own.random() < 0.1:
                key = own.randrange(50)
                with lock:
                    begun[key] += 1
                f.forget(key)
                with lock:
                    forgotten[key] += 1
        return good

    assert min(together(16, work)) > 0
    assert overlaps == strange == []
    drop_in.save()
    assert all(value == [value[0], [value[0]]] for value in drop_in.values())


def test_counters_add_up_over_threads(drop_in: DropInCache) -> None:
    """Hits and misses counted by ``cache_info()`` add up to all calls of all threads."""
    f = drop_in.memoise(lambda key: [key])
    together(8, lambda n: [f(key) for key in range(100)])
    info = f.cache_info()
    assert (info.hits, info.misses, info.currsize) == (700, 100, 100)


def test_a_waiter_is_found_waiting_again(drop_in: DropInCache) -> None:
    """If thread after thread fails, each waiting one gets one of the exceptions or a result."""
    calls: list[str] = []

    @drop_in.memoise
    def f(key: str) -> str:
        calls.append(key)
        settle()
        raise ValueError(len(calls))

    workers = [Worker(f, "k") for _ in range(8)]
    until(lambda: not any(worker.is_alive() for worker in workers))
    assert all(isinstance(worker.error, ValueError) for worker in workers)
    assert len(calls) <= 8 and "k" not in drop_in
