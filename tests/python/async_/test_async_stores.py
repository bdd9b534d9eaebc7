"""Async functions over stores that may keep a thread waiting: the event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from outlive import Cache, CacheFileWarning
from support.programs import Scripts

_HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another(path: Path) -> Iterator[Callable[[], None]]:
    """Another program holds the write lock of the database, until what is yielded is called."""
    with Scripts(path.parent, "holder.py").start(_HOLDER, str(path)) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder.stdin.close


class Slow(dict[str, bytes]):
    """A mapping whose methods wait until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.go_on = threading.Event(), threading.Event()

    def _wait(self) -> None:
        self.entered.set()
        assert self.go_on.wait(60), "the loop stood still"

    def __getitem__(self, name: str) -> bytes:
        self._wait()
        return super().__getitem__(name)

    def __setitem__(self, name: str, value: bytes) -> None:
        self._wait()
        super().__setitem__(name, value)


def asking(cache: Cache, **options: Any) -> tuple[Any, list[int]]:
    """An async function that is memoised in ``cache``, and what it was called with."""
    calls: list[int] = []

    @cache.memoise(name="ask", **options)
    async def ask(x: int) -> list[int]:
        calls.append(x)
        if x < 0:
            raise ValueError(x)
        return [x, x]

    return ask, calls


async def turns(count: int) -> None:
    """Let the loop run other callbacks so often."""
    for _ in range(count):
        await asyncio.sleep(0.001)


async def goes_on(work: Awaitable[Any], let_go: Callable[[], None]) -> Any:
    """The outcome of ``work``, which must not end before ``let_go``; the loop runs meanwhile."""
    task = asyncio.ensure_future(work)
    await turns(50)
    assert not task.done()
    let_go()
    return await asyncio.wait_for(task, 60)


def test_a_put_waits_for_another_program_and_the_loop_does_not(tmp_path: Path) -> None:
    """While another program holds the write lock, results wait, and all else goes on: also looks."""
    path = tmp_path / "x.db"
    ask, calls = asking(Cache(path, near=0))

    async def main() -> None:
        assert await ask(1) == [1, 1]
        with held_by_another(path) as let_go:
            put = asyncio.ensure_future(ask(2))
            await turns(20)
            assert [await ask(1) for _ in range(20)] == [[1, 1]] * 20
            assert await goes_on(put, let_go) == [2, 2]
        assert await ask(2) == [2, 2]

    asyncio.run(main())
    assert calls == [1, 2]
    assert Cache(path)["ask(x=2)"] == [2, 2]


def test_a_first_use_waits_and_the_loop_does_not(tmp_path: Path) -> None:
    """A cache that is opened while another program holds the lock of its database opens all the same."""
    path = tmp_path / "x.db"
    with Cache(path) as cache:
        asking(cache)
        cache["ask(x=1)"] = [1, 1]
    ask, calls = asking(Cache(path))

    async def main() -> None:
        with held_by_another(path):
            assert await asyncio.wait_for(ask(1), 60) == [1, 1]

    asyncio.run(main())
    assert calls == []


def test_kept_errors_wait(tmp_path: Path) -> None:
    """An exception that is kept is written as a result is."""
    path = tmp_path / "x.db"
    ask, calls = asking(Cache(path), cache_errors={ValueError: "1h"})

    async def main() -> None:
        await ask(1)
        with held_by_another(path) as let_go, pytest.raises(ValueError, match="-1"):
            await goes_on(ask(-1), let_go)
        with pytest.raises(ValueError, match="-1"):
            await ask(-1)

    asyncio.run(main())
    assert calls == [1, -1]


def test_a_slow_mapping() -> None:
    """Whoever looks into a mapping or writes to it waits in a thread, and calls of one key together."""
    mapping = Slow()
    ask, calls = asking(Cache(store=mapping))

    async def main() -> None:
        work = asyncio.gather(*(ask(x % 2) for x in range(6)))
        assert await goes_on(work, mapping.go_on.set) == [[x % 2, x % 2] for x in range(6)]

    asyncio.run(main())
    assert sorted(calls) == [0, 1]
    assert len(mapping) == 2


def test_a_slow_mapping_under_trio() -> None:
    """The same in a loop of trio."""
    mapping = Slow()
    ask, calls = asking(Cache(store=mapping))

    async def main() -> list[Any]:
        found = []

        async def one(x: int) -> None:
            found.append(await ask(x))

        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                for x in (1, 1, 2):
                    nursery.start_soon(one, x)
                for _ in range(50):
                    await trio.sleep(0.001)
                assert found == []
                mapping.go_on.set()
        return sorted(found)

    assert trio.run(main) == [[1, 1], [1, 1], [2, 2]]
    assert sorted(calls) == [1, 2]


def test_a_call_that_is_cancelled_while_it_is_written() -> None:
    """The result is kept: the function has run, and what it did was perhaps paid for."""
    mapping = Slow()
    mapping.go_on.set()
    ask, calls = asking(Cache(store=mapping))

    async def main() -> None:
        await ask(0)
        mapping.go_on.clear()
        task = asyncio.ensure_future(ask(1))
        await turns(5)
        mapping.go_on.set()
        while 1 not in calls:
            await turns(1)
        task.cancel()
        await asyncio.wait([task])
        assert await ask(1) == [1, 1]

    asyncio.run(main())
    assert calls == [0, 1]


def test_a_caller_that_leaves_while_the_key_is_asked_for() -> None:
    """Who leads and is cancelled before it computes hands on to the next."""
    mapping = Slow()
    ask, calls = asking(Cache(store=mapping))

    async def main() -> None:
        first, second = (asyncio.ensure_future(ask(1)) for _ in range(2))
        await asyncio.to_thread(mapping.entered.wait, 60)
        first.cancel()
        await turns(5)
        mapping.go_on.set()
        assert await asyncio.wait_for(second, 60) == [1, 1]
        assert first.cancelled()

    asyncio.run(main())
    assert calls == [1]


def test_a_failing_mapping_is_told_in_the_loop() -> None:
    """Trouble of the mapping is a warning of the call, as elsewhere."""

    class Failing(dict[str, bytes]):
        def __setitem__(self, name: str, value: bytes) -> None:
            raise OSError("full")

    ask, _ = asking(Cache(store=Failing()))

    async def main() -> Any:
        return await ask(1)

    with pytest.warns(CacheFileWarning, match="full"):
        assert asyncio.run(main()) == [1, 1]


def test_other_processes_are_waited_for(tmp_path: Path) -> None:
    """While another process computes a key, a task waits for it, and the loop goes on."""
    path = tmp_path / "x.db"
    program = """
import sys
from outlive import Cache
@Cache(sys.argv[1]).memoise(name="ask")
def ask(x):
    print("computing", flush=True)
    sys.stdin.readline()
    return [x, "theirs"]
ask(1)
"""
    ask, calls = asking(Cache(path), on_code_change="ignore")

    async def main() -> Any:
        await ask(0)
        with Scripts(tmp_path).start(program, str(path)) as other:
            assert other.stdin is not None
            assert other.stdout is not None
            assert other.stdout.readline() == "computing\n"
            return await goes_on(ask(1), other.stdin.close)

    assert asyncio.run(main()) == [1, "theirs"]
    assert calls == [0]


def _thread_states() -> set[int]:
    """The numbers of all threads that the interpreter knows, with or without Python code."""
    api = ctypes.pythonapi
    api.PyInterpreterState_Get.restype = ctypes.c_void_p
    api.PyThreadState_GetID.restype = ctypes.c_uint64
    for name in ("PyInterpreterState_ThreadHead", "PyThreadState_Next", "PyThreadState_GetID"):
        getattr(api, name).argtypes = [ctypes.c_void_p]
    for name in ("PyInterpreterState_ThreadHead", "PyThreadState_Next"):
        getattr(api, name).restype = ctypes.c_void_p
    numbers = set()
    state = api.PyInterpreterState_ThreadHead(api.PyInterpreterState_Get())
    while state:
        numbers.add(api.PyThreadState_GetID(state))
        state = api.PyThreadState_Next(state)
    return numbers


def test_threads_are_made_known_to_python_once(tmp_path: Path) -> None:
    """A thread that works for a store is known to Python from its first job to its end.

    Before Python 3.12, a child that is forked just when a thread is made known waits for ever.
    """
    before = _thread_states()
    with Cache(tmp_path / "x.db") as cache:

        @cache.memoise
        async def double(n: int) -> int:
            return 2 * n

        async def after_each(n: int) -> set[int]:
            assert await double(n) == 2 * n
            return _thread_states() - before

        async def all_calls() -> list[set[int]]:
            return [await after_each(n) for n in range(5)]

        _, *known = asyncio.run(all_calls())
    assert known[0]
    assert known == [known[0]] * 4
