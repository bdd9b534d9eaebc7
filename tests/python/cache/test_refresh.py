"""refresh_after=: results that are served while they are refreshed, and failed refreshes."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from support.clock import Clock
from support.files import results
from support.programs import Scripts
from support.threads import STUCK, until


@pytest.fixture
def clock() -> Clock:
    """A time that the test sets."""
    return Clock()


def test_refresh_after_serves_the_old_and_computes_the_new(clock: Clock) -> None:
    """From refresh_after on, the old result is served at once and one thread computes again."""
    cache = Cache(None, clock=clock)
    started, go_on = threading.Event(), threading.Event()
    calls: list[int] = []

    @cache.memoise(refresh_after=60)
    def fetch(uri: str) -> int:
        calls.append(1)
        if len(calls) > 1:
            started.set()
            assert go_on.wait(10)
        return len(calls)

    assert fetch("/a") == 1
    clock.now += 61
    assert [fetch("/a"), fetch("/a"), fetch("/a")] == [1, 1, 1]
    assert started.wait(10)
    assert fetch("/a") == 1
    go_on.set()
    for thread in threading.enumerate():
        if thread.name.startswith("outlive refresh"):
            thread.join(10)
    assert fetch("/a") == 2
    assert len(calls) == 2


def at_rest() -> bool:
    """Whether no background refresh is under way."""
    return not any(t.name.startswith("outlive refresh") for t in threading.enumerate())


def broken(error: Exception) -> Callable[[int], Any]:
    """A function that works at its first call only."""

    def fetch(call: int) -> Any:
        if call > 1:
            raise error
        return call

    return fetch


NO_RESULT: dict[str, tuple[Callable[[int], Any], dict[str, Any]]] = {
    "it raises": (broken(OSError("down")), {}),
    "it raises what is kept": (broken(KeyError("gone")), {"cache_errors": {KeyError: "1h"}}),
    "it returns what is used up": (
        lambda call: 1 if call == 1 else iter("ab"),
        {"on_unstorable": "ignore"},
    ),
    "cache_if refuses it": (lambda call: call, {"cache_if": lambda result: result == 1}),
}


@pytest.mark.parametrize("case", NO_RESULT)
def test_a_failed_refresh_is_not_tried_at_every_hit(case: str, clock: Clock) -> None:
    """A refresh without a result leaves the old one, and the next one waits for a while."""
    function, options = NO_RESULT[case]
    calls = []

    @Cache(None, clock=clock).memoise(refresh_after=60, **options)
    def fetch(uri: str) -> Any:
        calls.append(uri)
        return function(len(calls))

    assert fetch("/a") == 1
    clock.now += 61
    for _ in range(5):
        assert fetch("/a") == 1
        until(at_rest)
    assert len(calls) == 2


def test_a_refresh_that_a_loop_cut_off_is_made_good(clock: Clock) -> None:
    """A refresh that ends with its event loop makes the next call compute in the foreground."""
    calls = []

    @Cache(None, clock=clock).memoise(refresh_after=60)
    async def fetch(uri: str) -> int:
        calls.append(uri)
        await asyncio.sleep(0.05)
        return len(calls)

    async def call() -> int:
        return await fetch("/a")

    assert asyncio.run(call()) == 1
    clock.now += 61
    assert asyncio.run(call()) == 1
    assert asyncio.run(call()) > 1


def test_a_cut_off_refresh_that_fails_leaves_the_old_result(clock: Clock) -> None:
    """If the call that repeats a cut-off refresh fails, too, the old result is served once more."""
    calls = []

    @Cache(None, clock=clock).memoise(refresh_after=60)
    async def fetch(uri: str) -> int:
        calls.append(uri)
        await asyncio.sleep(0.05)
        if len(calls) > 1:
            raise OSError("down")
        return len(calls)

    async def call() -> int:
        return await fetch("/a")

    assert asyncio.run(call()) == 1
    clock.now += 61
    assert [asyncio.run(call()), asyncio.run(call())] == [1, 1]


def test_refresh_computes_in_a_readonly_cache(tmp_path: Any) -> None:
    """``f.refresh(...)`` in mode readonly computes again and keeps the result in this process."""
    path, calls = tmp_path / "cache.json", []
    cache = Cache(path)

    @cache.memoise(name="f")
    def f(x: int) -> int:
        calls.append(x)
        return len(calls)

    assert f(1) == 1
    cache.save()
    with cache.mode("readonly"):
        assert f.refresh(1) == 2
        assert f(1) == 2
    cache.close()
    assert results(path) == {"f(x=1)": 1}


PROGRAM = """
    import os, sys, threading
    from outlive import Cache

    now, last = float(sys.argv[1]), sys.argv[2]
    at_it = threading.Event()

    cache = Cache("c.json", clock=lambda: now)

    @cache.memoise(name="f", refresh_after="1m", on_code_change="ignore")
    def f():
        if threading.current_thread() is not threading.main_thread():
            at_it.set()
            threading.Event().wait()
        if last == "fails":
            raise LookupError
        return now

    print(f(), flush=True)
    if last == "cut":
        at_it.wait(60)
    if last == "killed":
        at_it.wait(60)
        os._exit(0)
"""


@pytest.mark.skipif(
    sys.platform in ("darwin", "win32"),
    reason="processes lock no keys there, which tell whether another one is still at it",
)
@pytest.mark.parametrize("end", ["cut", "killed"])
def test_a_refresh_that_the_end_of_the_process_cut_off_is_made_good(
    end: str, tmp_path: Path
) -> None:
    """A program shorter than its refreshes serves an old result once: the next one computes."""
    scripts = Scripts(tmp_path)
    assert scripts.output(PROGRAM, "1000", "first") == "1000.0\n"
    assert scripts.output(PROGRAM, "2000", end) == "1000.0\n"
    assert scripts.output(PROGRAM, "2010", "fails") == "1000.0\n"
    assert scripts.output(PROGRAM, "2020", "next") == "2020.0\n"
    assert scripts.output(PROGRAM, "2030", "next") == "2020.0\n"
    assert "refreshing" not in (tmp_path / "c.json").read_text(encoding="utf-8")


def test_a_failed_refresh_leaves_no_note(tmp_path: Path) -> None:
    """After a refresh has ended, whatever its outcome, the next program begins another one."""
    clock, calls = Clock(), 0
    with Cache(tmp_path / "c.json", clock=clock) as cache:

        @cache.memoise(name="f", refresh_after="1m")
        def f() -> int:
            nonlocal calls
            calls += 1
            if calls > 1:
                raise LookupError
            return calls

        f()
        clock.now += 100
        assert f() == 1
        until(lambda: calls == 2 and at_rest())
    assert "refreshing" not in (tmp_path / "c.json").read_text(encoding="utf-8")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_fork_while_a_refresh_begins(script: Scripts) -> None:
    """A child refreshes, too, if another thread of its parent was about to begin a refresh."""
    ended = script(f"""
    import os, signal, threading, warnings
    from outlive import Cache, _refresh

    warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads, if Python sees them

    now, inside, gate = [0], threading.Event(), threading.Event()

    @Cache(None, clock=lambda: now[0]).memoise(refresh_after=1)
    def f(x):
        return x

    def wait(self):
        inside.set()
        gate.wait()

    f(1), f(2)
    now[0] = 10
    drop, _refresh.Refresher._drop_old = _refresh.Refresher._drop_old, wait
    thread = threading.Thread(target=f, args=(1,))
    thread.start()
    inside.wait()
    pid = os.fork()
    if pid == 0:
        signal.alarm({STUCK})
        _refresh.Refresher._drop_old = drop
        os._exit(f(2) != 2)
    status = os.waitpid(pid, 0)[1]
    gate.set()
    thread.join()
    print(status)
    """)
    assert (ended.out, ended.err, ended.status) == ("0\n", "", 0)
