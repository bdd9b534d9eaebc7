"""Waits: a waiting call says what it waits for, may have a limit, and never waits for ever."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, WaitingWarning
from outlive._drop_in import DropInCache
from support.programs import Scripts
from support.sanitized import greenlets
from support.threads import STUCK, Worker


class Slow:
    """A function whose first call goes on until it is released; later calls end at once."""

    def __init__(self, end: Callable[[int], Any] = lambda n: [n]) -> None:
        """Make the ``n``-th call return ``end(n)``."""
        self.begun, self.release = threading.Event(), threading.Event()
        self.end, self.calls = end, 0

    def __call__(self, key: str) -> Any:
        """Compute."""
        self.calls += 1
        number = self.calls
        if number == 1:
            self.begun.set()
            assert self.release.wait(STUCK)
        return self.end(number)


def test_a_limited_wait_computes_beside() -> None:
    """After `wait=` seconds a call computes, too; the first caller's result is kept."""
    cache, slow = Cache(None), Slow()
    function = cache.memoise(slow, name="f", wait=0.01)
    first = Worker(function, "key")
    assert slow.begun.wait(STUCK)
    assert function("key") == [2]
    assert len(cache) == 0, "the first caller's result may still come"
    slow.release.set()
    assert first.result() == function("key") == [1]


def test_a_limited_wait_makes_up_for_a_failure() -> None:
    """If the first caller fails, the result that was computed beside is kept."""

    def end(number: int) -> list[int]:
        if number == 1:
            raise ValueError(number)
        return [number]

    slow = Slow(end)
    function = Cache(None).memoise(slow, name="f", wait=0.01)
    first = Worker(function, "key")
    assert slow.begun.wait(STUCK)
    assert function("key") == [2]
    slow.release.set()
    assert isinstance(first.finish(), ValueError)
    assert function("key") == [2] and slow.calls == 2


def test_a_task_waits_no_longer_either() -> None:
    """`wait=` bounds the waits of async functions in the same way."""
    calls: list[int] = []

    async def main() -> None:
        release = asyncio.Event()

        @Cache(None).memoise(wait=0.01)
        async def function(key: str) -> list[int]:
            calls.append(len(calls))
            if len(calls) == 1:
                await release.wait()
            return [len(calls)]

        first = asyncio.create_task(function("key"))
        await asyncio.sleep(0)
        assert await function("key") == [2]
        release.set()
        assert await first == await function("key")
        assert len(calls) == 2

    asyncio.run(main())


def test_a_wait_for_a_process_is_limited(tmp_path: Path, script: Scripts) -> None:
    """After `wait=` seconds a call computes beside another process, too."""
    program = """
    from outlive import Cache
    import sys
    function = Cache("c.json").memoise(lambda: print("begun", flush=True) or input(), name="f")
    function()
    """
    with script.start(program) as other:
        assert other.stdout is not None and other.stdout.readline() == "begun\n"
        with Cache(tmp_path / "c.json") as cache:
            function = cache.memoise(lambda: "beside", name="f", wait=0.01)
            assert function() == "beside"
        other.communicate("the other's\n", timeout=STUCK)


def test_long_waits_are_told(tmp_path: Path, script: Scripts) -> None:
    """After ten seconds a call says once which thread or process it waits for."""
    program = """
    from outlive import Cache
    function = Cache("c.json").memoise(lambda: print("begun", flush=True) or input(), name="f")
    function()
    """
    slow = Slow()
    function = Cache(None).memoise(slow, name="slow")
    first = Worker(function, "key")
    first.name = "the first"
    assert slow.begun.wait(STUCK)
    with script.start(program) as other:
        assert other.stdout is not None and other.stdout.readline() == "begun\n"
        with Cache(tmp_path / "c.json") as cache, pytest.warns(WaitingWarning) as told:
            elsewhere = cache.memoise(lambda: "ours", name="f", on_code_change="ignore")
            waiting = [Worker(elsewhere), Worker(function, "key")]
            threading.Event().wait(10.5)
            slow.release.set()
            other.communicate("the other's\n", timeout=STUCK)
            assert [worker.result() for worker in waiting] == ["the other's", [1]]
    sentences = " ".join(str(warning.message) for warning in told)
    assert len(told) == 2 and "thread 'the first' computes it" in sentences
    assert f"process {other.pid} computes it" in sentences


@pytest.mark.parametrize("suspends", [False, True])
def test_an_inner_call_in_a_helper_thread(drop_in: DropInCache, suspends: bool) -> None:
    """The drop-in's functions share keys: one may call the other in a thread unseen by outlive."""
    with ThreadPoolExecutor(1) as pool:
        get_data = drop_in.memoise(lambda uri: {"data": uri})

        @drop_in.memoise
        def get_user(uri: str) -> Any:
            return {"user": pool.submit(get_data, uri).result(STUCK)}

        @drop_in.memoise
        async def get_user_async(uri: str) -> Any:
            loop = asyncio.get_running_loop()
            return {"user": await loop.run_in_executor(pool, get_data, uri)}

        found = asyncio.run(get_user_async("/x")) if suspends else get_user("/x")
        assert found == drop_in["/x"] == {"user": {"data": "/x"}}


def test_an_inner_call_makes_up_for_a_failed_outer_one(drop_in: DropInCache) -> None:
    """A result computed beside another function of the same key is kept if that one fails."""
    with ThreadPoolExecutor(1) as pool:
        get_data = drop_in.memoise(lambda uri: {"data": uri})

        @drop_in.memoise
        def get_user(uri: str) -> Any:
            pool.submit(get_data, uri).result(STUCK)
            assert uri not in drop_in, "the outer call may still succeed"
            raise ValueError(uri)

        with pytest.raises(ValueError, match="/x"):
            get_user("/x")
        assert drop_in["/x"] == {"data": "/x"}


def test_recursion_ends_with_an_exception(script: Scripts) -> None:
    """However high the recursion limit and however small the stack: RecursionError, and no crash.

    In 256 KB there is room for a hundred levels, as a level takes little more than Python's own.
    """
    program = """
    import sys, threading
    from outlive import Cache
    sys.setrecursionlimit(10**6)

    @Cache(None).memoise
    def steps(n):
        return 0 if n == 0 else 1 + steps(n - 1)

    def dive(n):
        try:
            return steps(n)
        except RecursionError:
            return "RecursionError"

    found = []
    assert dive(200) == 200
    dive(10**5)
    threading.stack_size(256 << 10)
    for depth in (100, 10**6):
        thread = threading.Thread(target=lambda: found.append(dive(depth)))
        thread.start(), thread.join()
    print(found, dive(300))
    """
    assert script.output(program) == "[100, 'RecursionError'] 300\n"


def test_sub_interpreters_are_refused(script: Scripts) -> None:
    """In a sub-interpreter the import says clearly that outlive works only in the main one."""
    program = """
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    import outlive
    code = '''if True:
        try:
            import outlive
        except ImportError as error:
            print(error, flush=True)
    '''
    interpreter = interpreters.create()
    interpreters.run_string(interpreter, code)
    interpreters.destroy(interpreter)
    print(outlive.Cache(None).memoise(lambda: "goes on")())
    """
    said, goes_on = script.output(program).splitlines()
    assert "sub" in said and goes_on == "goes on"


@greenlets
def test_greenlets_wait_through_their_hub(script: Scripts) -> None:
    """Under gevent one greenlet computes a key, and the others of its thread wait for it."""
    if find_spec("gevent") is None:  # imported here, it would give this process a GIL
        pytest.skip("no gevent")
    program = """
    from gevent import monkey
    monkey.patch_all()
    import time, gevent
    from outlive import Cache
    calls = []

    @Cache(None).memoise
    def function(x):
        calls.append(x)
        time.sleep(0.1)
        return [x]

    greenlets = [gevent.spawn(function, n % 2) for n in range(10)]
    gevent.joinall(greenlets, raise_error=True)
    print(sorted(calls), [greenlet.value for greenlet in greenlets[:2]], function(0))
    """
    # Python tells that gevent needs a GIL.
    said = script.output(program, PYTHONWARNINGS="ignore::RuntimeWarning")
    assert said == "[0, 1] [[0], [1]] [0]\n"


@greenlets
def test_greenlets_without_a_hub_compute(script: Scripts) -> None:
    """A greenlet without a hub to wait through computes where waiting would stop its thread."""
    pytest.importorskip("greenlet")
    program = """
    import greenlet
    from outlive import Cache
    main = greenlet.getcurrent()

    @Cache(None).memoise
    def function(x):
        main.switch()
        return [x]

    first = greenlet.greenlet(function)
    first.switch(1)
    second = greenlet.greenlet(function)
    second.switch(1)
    print(second.switch(), first.switch())
    """
    assert script.output(program) == "[1] [1]\n"


@pytest.mark.skipif(sys.platform != "linux", reason="takes a lock as Linux has them")
@pytest.mark.parametrize("byte", [0, 1], ids=["saves", "closes"])
def test_a_stopped_process_is_given_up(tmp_path: Path, script: Scripts, byte: int) -> None:
    """A process stopped while it saves or closes is given up after seconds, with a warning."""
    set_lock = 37  # F_OFD_SETLK
    held = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
    with (tmp_path / "c.json.lock").open("w") as lock:
        os.chmod(lock.fileno(), 0o600)
        fcntl.fcntl(lock, set_lock, held)
        ended = script('from outlive import Cache; print(Cache("c.json").memoise(lambda: 42)())')
    assert (ended.out, ended.status) == ("42\n", 0)
    assert "another process" in ended.err
