"""Calls inside of calls: one key in one computation, circles, and work spread over tasks."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from outlive._drop_in import DropInCache

PATIENCE = 60


@pytest.fixture
def drop_in(tmp_path: Path) -> DropInCache:
    """A cache whose functions share their keys, as those of the drop-in."""
    return DropInCache(tmp_path / "cache_file.json")


def run(call: Any) -> Any:
    """Run a call; one that hangs fails."""
    return asyncio.run(asyncio.wait_for(call, PATIENCE))


@pytest.mark.filterwarnings("ignore::outlive.KeyCollisionWarning")
def test_an_inner_call_under_the_same_key(drop_in: DropInCache) -> None:
    """Inner calls compute once and see each other's value; what stays is the outer result.

    The inner function that somebody else calls meanwhile computes for itself.
    """
    calls: list[str] = []

    @drop_in.memoise
    async def data(uri: str) -> dict[str, Any]:
        calls.append(uri)
        assert "/" not in drop_in
        return {"inner": uri}

    @drop_in.memoise
    async def user(uri: str) -> dict[str, Any]:
        first, second = await data(uri), await data(uri)
        assert first == second
        assert first is not second
        assert uri not in drop_in
        return {"outer": first}

    async def main() -> Any:
        return await asyncio.gather(user("/"), user("/"), data("/"))

    outer = {"outer": {"inner": "/"}}
    assert run(main()) == [outer, outer, {"inner": "/"}]
    assert (calls, dict(drop_in)) == (["/", "/"], {"/": outer})


def test_an_outer_call_that_fails_leaves_nothing(drop_in: DropInCache) -> None:
    """When the outer call raises, values of inner calls under its key are not kept."""

    @drop_in.memoise
    async def data(uri: str) -> str:
        return uri

    @drop_in.memoise
    async def user(uri: str) -> str:
        raise ValueError(await data(uri))

    with pytest.raises(ValueError, match="/"):
        run(user("/"))
    assert len(drop_in) == 0


def test_an_inner_call_in_other_tasks_and_threads(drop_in: DropInCache) -> None:
    """Tasks and threads that a computation uses belong to it: it never waits for itself."""

    @drop_in.memoise
    async def data(uri: str) -> list[str]:
        await asyncio.sleep(0)
        return [uri]

    @drop_in.memoise
    def sync_data(uri: str) -> list[str]:
        return [uri]

    @drop_in.memoise
    async def user(uri: str) -> Any:
        spread = [data(uri), asyncio.create_task(data(uri)), asyncio.to_thread(sync_data, uri)]
        return [*(await asyncio.gather(*spread)), sync_data(uri)]

    assert run(user("/")) == [["/"]] * 4
    assert dict(drop_in) == {"/": [["/"]] * 4}


def test_an_inner_call_by_a_detour(drop_in: DropInCache) -> None:
    """An inner call under the outer key is recognised through memoised calls in between."""

    @drop_in.memoise
    async def a(uri: str) -> Any:
        return ["a", await b("/b")] if uri == "/a" else uri

    @drop_in.memoise
    async def b(uri: str) -> Any:
        return ["b", await c("/a"), uri]

    @drop_in.memoise
    async def c(uri: str) -> Any:
        assert uri not in drop_in
        return ["c"]

    expected = ["a", ["b", ["c"], "/b"]]
    assert run(a("/a")) == expected
    assert drop_in["/a"] == expected


def test_single_flight_within_a_computation() -> None:
    """Tasks and threads of one computation that ask for another key share one call for it."""
    cache = Cache()
    calls: list[int] = []

    @cache.memoise
    async def leaf(x: int) -> list[int]:
        calls.append(x)
        await asyncio.sleep(0.01)
        return [x]

    @cache.memoise
    async def root(x: int) -> Any:
        return await asyncio.gather(*(leaf(n % 3) for n in range(x)))

    async def main() -> Any:
        return await asyncio.gather(root(60), root(30), leaf(1))

    values = run(main())
    assert values[0] == [[n % 3] for n in range(60)]
    assert sorted(calls) == [0, 1, 2]


def test_a_function_that_calls_itself() -> None:
    """Recursion through the cache computes each value once."""
    calls: list[int] = []

    @Cache().memoise
    async def fib(n: int) -> int:
        calls.append(n)
        return n if n < 2 else sum(await asyncio.gather(fib(n - 1), fib(n - 2)))

    assert run(fib(60)) == 1548008755920
    assert sorted(calls) == list(range(61))


def test_a_circle_of_tasks() -> None:
    """Two tasks that wait for each other's key: the one that would close the circle computes."""
    cache = Cache()
    both = asyncio.Event()
    started: list[str] = []

    async def one(name: str, other: Any) -> list[Any]:
        started.append(name)
        if len(started) > 2:
            return [name]
        if len(started) == 2:
            both.set()
        await both.wait()
        return [name, await other(1)]

    @cache.memoise
    async def left(x: int) -> list[Any]:
        return await one("left", right)

    @cache.memoise
    async def right(x: int) -> list[Any]:
        return await one("right", left)

    async def main() -> None:
        values = await asyncio.gather(left(1), right(1))
        assert sorted(value[0] for value in values) == ["left", "right"]
        assert len(started) == 3

    run(main())


@pytest.mark.parametrize("seed", range(8))
def test_random_webs_of_calls(seed: int) -> None:
    """Functions that call each other at random, from tasks, threads and other loops, always end."""
    chance = random.Random(seed)
    keys = range(6)
    calls = {key: chance.sample(keys, 2) for key in keys}
    cache = Cache()

    @cache.memoise
    async def by_task(x: int, depth: int) -> int:
        await asyncio.sleep(chance.random() / 500)
        if depth:
            inner = [chance.choice(forms)(key, depth - 1) for key in calls[x]]
            await asyncio.gather(*inner)
        return x

    @cache.memoise
    def by_thread(x: int, depth: int) -> int:
        if depth:
            for key in calls[x]:
                assert asyncio.run(by_task(key, depth % 2)) == key
        return x

    async def through_a_thread(x: int, depth: int) -> int:
        return await asyncio.to_thread(by_thread, x, depth)

    async def same_depth(x: int, depth: int) -> int:
        return await by_task(x, min(depth + 1, 2)) if chance.random() < 0.3 else x

    forms: list[Any] = [by_task, by_task, through_a_thread, same_depth]

    async def main() -> Any:
        # A waiting thread occupies its place in the pool, of which outlive knows nothing: with few
        # places, all may be taken by threads that wait for a result that needs another.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(64))
        return await asyncio.gather(*(form(key, 2) for key in keys for form in forms))

    assert run(main()) == [key for key in keys for _ in forms]


@pytest.mark.filterwarnings("ignore::outlive.KeyCollisionWarning")
def test_background_tasks_outlive_their_starter(drop_in: DropInCache) -> None:
    """A task that a computation leaves behind is an ordinary caller once that has ended."""
    left: list[asyncio.Task[Any]] = []
    done = asyncio.Event()

    @drop_in.memoise
    async def data(uri: str) -> list[str]:
        return [uri]

    async def later() -> Any:
        await done.wait()
        return await asyncio.gather(data("/"), data("/other"))

    @drop_in.memoise
    async def user(uri: str) -> dict[str, str]:
        left.append(asyncio.create_task(later()))
        return {"user": uri}

    async def main() -> Any:
        await user("/")
        done.set()
        return await left[0]

    assert run(main()) == [{"user": "/"}, ["/other"]]
    assert dict(drop_in) == {"/": {"user": "/"}, "/other": ["/other"]}


@pytest.mark.parametrize("deeper", [lambda f, n: f(n + 1), lambda f, n: asyncio.gather(f(n + 1))])
def test_an_endless_recursion_ends(tmp_path: Path, deeper: Any) -> None:
    """Coroutines that call themselves for ever raise RecursionError, as plain ones do."""
    cache = Cache(tmp_path / "c.json")

    @cache.memoise
    async def f(n: int) -> Any:
        return await deeper(f, n)

    with pytest.raises(RecursionError, match="memoised coroutines"):
        run(f(0))
    assert len(cache) == 0


def test_a_recursion_may_be_as_deep_as_python_lets_coroutines_be() -> None:
    """A recursion of fewer levels than `sys.getrecursionlimit()` is computed."""
    cache = Cache(None)

    @cache.memoise
    async def f(n: int) -> int:
        return n and 1 + await f(n - 1)

    assert run(f(900)) == 900
