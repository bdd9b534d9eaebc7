"""Modes of a cache: by argument, by environment, and for the length of a with block."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import pytest

from outlive import Cache, CacheFileWarning, CacheMiss
from outlive import _modes as modes
from support.files import results
from support.programs import run


def counted(cache: Cache) -> tuple[Any, list[int]]:
    """Return a function, and the list of its calls."""
    calls: list[int] = []

    @cache.memoise(name="f")
    def function(x: int) -> int:
        calls.append(x)
        return x

    return function, calls


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cache's file that holds f(1)."""
    path = tmp_path / "c.json"
    path.write_text('{\n"f(x=1)": 1\n}\n')
    return path


def test_off_calls_through(path: Path) -> None:
    """In mode "off" every call is computed, nothing is kept and no file is touched."""
    with Cache(path, mode="off") as cache:
        function, calls = counted(cache)
        assert [function(1), function(1), function(2)] == [1, 1, 2]
        assert calls == [1, 1, 2]
        assert not cache._state.core.is_loaded
    assert results(path) == {"f(x=1)": 1}
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_refresh_computes_and_keeps(path: Path) -> None:
    """In mode "refresh" every call is computed and its result replaces the kept one."""
    path.write_text('{"f(x=1)": "old"}')
    with Cache(path, mode="refresh") as cache:
        function, calls = counted(cache)
        assert [function(1), function(1)] == [1, 1]
        assert calls == [1, 1]
    assert results(path) == {"f(x=1)": 1}


def test_offline_replays_and_never_computes(path: Path) -> None:
    """In mode "offline" hits are served, and a miss raises CacheMiss that names the call."""
    before = path.read_bytes()
    with Cache(path, mode="offline") as cache:
        function, calls = counted(cache)
        assert function(1) == 1
        with pytest.raises(CacheMiss, match=r"f.*f\(x=2\).*offline") as caught:
            function(2)
        assert (caught.value.function, caught.value.key) == ("f", "f(x=2)")
        with pytest.raises(LookupError):
            function(3)
        assert calls == []
    assert path.read_bytes() == before


def test_readonly_computes_but_leaves_the_file(path: Path) -> None:
    """In mode "readonly" hits are served and misses kept in this process, never in the file."""
    before = path.read_bytes()
    with Cache(path, mode="readonly") as cache:
        function, calls = counted(cache)
        assert [function(1), function(2), function(2)] == [1, 2, 2]
        assert calls == [2]
        function.forget(1)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_unknown_mode_is_refused() -> None:
    """An unknown mode is refused, and the message lists the modes."""
    with pytest.raises(ValueError, match=r"mode=.*'onn'.*'off'"):
        Cache(None, mode="onn")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"mode=.*'onn'.*'off'"):
        Cache(None).mode("onn")  # type: ignore[arg-type]


@pytest.mark.parametrize(("mode", "calls"), [("off", 2), ("refresh", 2), ("on", 0)])
def test_the_environment_sets_the_mode(path: Path, mode: str, calls: int) -> None:
    """OUTLIVE_MODE is the mode of all caches without a mode of their own."""
    program = """
        from outlive import Cache
        calls = []
        function = Cache("c.json").memoise(name="f")(lambda x: calls.append(x) or 1)
        function(1), function(1)
        other = Cache("other.json", mode="on").memoise(name="f")(lambda x: calls.append(x) or 1)
        other(1), other(1)
        print(len(calls) - 1)
    """
    assert run(path.parent, program, OUTLIVE_MODE=mode) == f"{calls}\n"


def test_a_with_block_overrides_the_mode(path: Path) -> None:
    """with cache.mode(...) holds for the block, inner blocks first, and ends with an exception."""
    cache = Cache(path)
    function, calls = counted(cache)
    assert function(1) == 1
    with cache.mode("offline"):
        with pytest.raises(CacheMiss):
            function(2)
        with cache.mode("off"):
            function(1)
            with cache.mode("on"):
                function(1)
        with pytest.raises(CacheMiss):
            function(2)
    assert calls == [1]
    with pytest.raises(ZeroDivisionError), cache.mode("off"):
        1 / 0  # noqa: B018
    function(1)
    assert calls == [1]


def test_a_with_block_holds_for_its_cache_alone() -> None:
    """Overriding one cache's mode leaves other caches alone."""
    one, two = Cache(None), Cache(None)
    first, second = counted(one)[0], counted(two)[0]
    with one.mode("offline"):
        with pytest.raises(CacheMiss):
            first(1)
        assert second(1) == 1


def test_readonly_in_a_block_writes_nothing(path: Path) -> None:
    """What is computed, put or deleted in a readonly block stays out of the file."""
    cache = Cache(path)
    function, _ = counted(cache)
    with cache.mode("readonly"):
        function(2)
        function.put(3, 3)
        function.forget(1)
        del cache["f(x=2)"]
        cache["f(x=4)"] = 4
        cache.clear()
    cache.close()
    assert results(path) == {"f(x=1)": 1}


def test_controls_in_mode_off_touch_nothing(path: Path) -> None:
    """In mode "off" there is nothing to peek at, and put and forget do nothing."""
    before = path.read_bytes()
    with Cache(path, mode="off") as cache:
        function, calls = counted(cache)
        function.put(5, 1)
        assert function.peek(1) is None
        assert not function.cache_contains(1)
        assert not function.forget(1)
        assert function.refresh(1) == 1
        assert function.cache_key(1) == "f(x=1)"
        assert calls == [1]
        assert not cache._state.core.is_loaded
    assert path.read_bytes() == before


def test_refresh_offline_is_a_miss(path: Path) -> None:
    """refresh() in mode "offline" may not compute either."""
    function, calls = counted(Cache(path, mode="offline"))
    with pytest.raises(CacheMiss):
        function.refresh(1)
    assert calls == []


def test_a_block_holds_for_its_thread_alone() -> None:
    """Other threads keep the cache's own mode, and so do pools started in a block."""
    cache = Cache(None)
    function, calls = counted(cache)
    function(1)
    inside, outside = threading.Event(), threading.Event()

    def other() -> int:
        inside.wait()
        answer = function(1)
        outside.set()
        return int(answer)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(other)
        with cache.mode("off"):
            inside.set()
            outside.wait()
            assert calls == [1]
            function(1)
        assert future.result() == 1
    assert calls == [1, 1]


def test_a_block_holds_for_its_task_alone() -> None:
    """Other tasks keep the cache's own mode while one waits inside a block."""
    cache = Cache(None)
    function, calls = counted(cache)
    function(1)

    async def inside(entered: asyncio.Event, leave: asyncio.Event) -> None:
        with cache.mode("off"):
            entered.set()
            await leave.wait()
            function(1)

    async def main() -> None:
        entered, leave = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(inside(entered, leave))
        await entered.wait()
        function(1)
        assert calls == [1]
        leave.set()
        await task
        assert calls == [1, 1]

    asyncio.run(main())


def test_a_task_started_in_a_block_leaves_it_with_the_block() -> None:
    """A task that outlives the block it was started in returns to the cache's own mode."""
    cache = Cache(None)
    function, calls = counted(cache)
    function(1)

    async def later(leave: asyncio.Event) -> None:
        function(1)
        await leave.wait()
        function(1)

    async def main() -> None:
        leave = asyncio.Event()
        with cache.mode("off"):
            task = asyncio.create_task(later(leave))
            await asyncio.sleep(0)
            assert calls == [1, 1]
        leave.set()
        await task

    asyncio.run(main())
    assert calls == [1, 1]


def test_many_threads_in_and_out_of_blocks() -> None:
    """Under load every thread sees its own mode at each call."""
    cache = Cache(None)
    calls = threading.local()

    @cache.memoise
    def function(x: int) -> int:
        calls.made = getattr(calls, "made", 0) + 1
        return x

    function(1)

    def work(number: int) -> None:
        for _ in range(300):
            before = getattr(calls, "made", 0)
            if number % 2:
                function(1)
                assert getattr(calls, "made", 0) == before
            else:
                with cache.mode("off"):
                    function(1)
                assert calls.made == before + 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


def test_a_mode_outlives_close(path: Path) -> None:
    """A cache made with mode= keeps it when its file is closed and used again."""
    cache = Cache(path, mode="offline")
    function, _ = counted(cache)
    assert function(1) == 1
    cache.close()
    with pytest.raises(CacheMiss):
        function(2)


def test_readonly_leaves_a_damaged_file_as_it_is(path: Path) -> None:
    """The intact entries of a damaged file are served, with a warning; no copy of it is made."""
    damaged = '{"f(x=1)": 1, "f(x=2)": [}'
    path.write_text(damaged)
    with pytest.warns(CacheFileWarning, match="left as it is"), Cache(path, mode="readonly") as c:
        assert dict(c) == {"f(x=1)": 1}
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_text() == damaged


def test_a_file_found_damaged_in_a_readonly_block_is_kept_before_it_is_written(path: Path) -> None:
    """A cache that reads in a readonly block and writes later keeps a copy of the damaged file."""
    damaged = '{"f(x=1)": 1, "f(x=2)": [}'
    path.write_text(damaged)
    cache = Cache(path)
    with pytest.warns(CacheFileWarning, match="left as it is"), cache.mode("readonly"):
        assert dict(cache) == {"f(x=1)": 1}
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    with pytest.warns(CacheFileWarning, match="kept as"):
        cache.close()
    (kept,) = path.parent.glob("*.damaged-*")
    assert kept.read_text() == damaged and results(path) == {"f(x=1)": 1}


@pytest.mark.parametrize("undo", ["del", "forget", "clear", "put", "del after put"])
def test_a_save_after_a_readonly_block_keeps_what_the_block_left(path: Path, undo: str) -> None:
    """What a readonly block dropped or replaced in memory is still in the file after a save."""
    cache = Cache(path)
    function, _ = counted(cache)
    with cache.mode("readonly"):
        if "put" in undo:
            function.put(5, 1)
        if undo == "forget":
            function.forget(1)
        if undo == "clear":
            cache.clear()
        if "del" in undo:
            del cache["f(x=1)"]
    function(2)
    cache.close()
    assert results(path) == {"f(x=1)": 1, "f(x=2)": 2}


def test_what_a_readonly_block_replaced_can_be_deleted_later(path: Path) -> None:
    """Outside the block a deletion is a deletion, in the file, too."""
    cache = Cache(path)
    function, _ = counted(cache)
    with cache.mode("readonly"):
        function.put(5, 1)
    function.forget(1)
    cache.close()
    assert results(path) == {}


def test_a_bad_value_in_a_readonly_cache_is_told(path: Path) -> None:
    """A value that is not JSON is a miss with a warning, in mode "readonly", too."""
    path.write_text('{"f(x=1)": 01}')
    with pytest.warns(CacheFileWarning, match="leading zero"), Cache(path, mode="readonly") as c:
        assert c.get("f(x=1)") is None
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.filterwarnings("ignore:.*does nothing by itself")
@pytest.mark.parametrize("threads", ["all", "own"])
def test_an_interrupt_while_a_block_begins_or_ends(threads: Literal["all", "own"]) -> None:
    """Whatever stops the beginning or the end of a block, no mode stays behind."""
    cache = Cache(None)
    for step in range(1, 60):
        left = step

        def interrupt(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal left
            code = frame.f_code
            if not code.co_filename.endswith("_modes.py") or code.co_name == "__del__":
                return None
            left -= event in ("call", "line")
            if left == 0:
                raise KeyboardInterrupt
            return interrupt

        before = sys.gettrace()
        with contextlib.suppress(KeyboardInterrupt):
            sys.settrace(interrupt)
            try:
                with cache.mode("off", threads=threads):
                    pass
            finally:
                sys.settrace(before)
        gc.collect()
        assert modes.of(cache._state.core) == "on", step
    assert left > 0, "the last steps come after the block"
