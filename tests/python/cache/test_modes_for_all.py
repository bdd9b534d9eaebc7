"""Modes that hold for more than one thread: set_mode, disable and enable, threads="all"."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from outlive import Cache, OutliveWarning
from support.programs import Scripts, run


def test_disable_and_enable_hold_for_every_cache(tmp_path: Path) -> None:
    """``outlive.disable()`` switches off every cache of the program, also later ones, until ``enable()``."""
    program = """
    import outlive
    from outlive import Cache, memoise
    calls = []
    def f(x):
        calls.append(x)
        return x
    own = Cache("own.json").memoise(f, name="own")
    default = memoise(f)
    own(1), default(1)
    outlive.disable()
    outlive.disable()
    later = Cache("later.json").memoise(f, name="later")
    own(1), default(1), later(1)
    print(len(calls), len(Cache("own.json")))
    outlive.enable()
    own(1), default(1), later(1), later(1)
    print(len(calls), len(Cache("own.json")))
    """
    assert run(tmp_path, program) == "5 0\n6 1\n"
    assert sorted(file.name for file in tmp_path.glob("*.json")) == [
        "cache_file.json",
        "later.json",
        "own.json",
    ]


def test_set_mode_holds_from_now_on(tmp_path: Path) -> None:
    """``cache.set_mode(...)`` changes the mode of all calls; what was computed before "off" is saved."""
    cache = Cache(tmp_path / "c.json")
    calls: list[int] = []

    @cache.memoise(name="f")
    def f(x: int) -> int:
        calls.append(x)
        return x

    f(1)
    cache.set_mode("off")
    assert (tmp_path / "c.json").exists()
    f(1)
    assert calls == [1, 1]
    cache.set_mode("offline")
    assert f(1) == 1
    with pytest.raises(LookupError):
        f(2)
    with pytest.raises(ValueError, match="must be one of"):
        cache.set_mode("of")  # type: ignore[arg-type]


def test_a_block_may_hold_in_all_threads() -> None:
    """``threads="all"`` reaches the threads of a pool, and ends with the block."""
    cache = Cache(None)
    calls: list[int] = []

    @cache.memoise
    def fetch(x: int) -> int:
        calls.append(x)
        return x

    with ThreadPoolExecutor(2) as pool:
        with cache.mode("offline", threads="all"), pytest.raises(LookupError):
            list(pool.map(fetch, range(3)))
        assert calls == []
        assert list(pool.map(fetch, range(3))) == [0, 1, 2]


def test_a_threads_own_block_comes_first() -> None:
    """Inside of a block for all threads, a thread's own block holds for that thread."""
    cache = Cache(None)
    f = cache.memoise(lambda x: x)
    with cache.mode("offline", threads="all"), cache.mode("on"):
        assert f(1) == 1


def test_a_thread_that_misses_the_block_is_told_of_once(tmp_path: Path) -> None:
    """A pool's call during a plain block of another thread warns once that the block does not reach it."""
    program = """
    from concurrent.futures import ThreadPoolExecutor
    from outlive import Cache
    cache = Cache(None)
    f = cache.memoise(lambda x: x, name="f")
    with cache.mode("offline"), ThreadPoolExecutor(2) as pool:
        print(list(pool.map(f, range(3))))
    """
    # Without a GIL, from 3.14 on, a thread begins with a copy of the context of who started it.
    ended = Scripts(tmp_path, "program.py")(program, PYTHON_THREAD_INHERIT_CONTEXT="0")
    assert ended.out == "[0, 1, 2]\n"
    assert ended.err.count("OutliveWarning") == 1
    assert 'threads="all"' in ended.err


def test_a_block_that_is_not_entered_is_told() -> None:
    """``cache.mode("off")`` without ``with`` has no effect, and warns."""
    with pytest.warns(OutliveWarning, match=r"cache.mode\('off'\) does nothing by itself"):
        Cache(None).mode("off")
