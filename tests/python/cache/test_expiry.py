"""How long results are good: ttl, stale_if_error."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache
from outlive._drop_in import DropInCache
from support.clock import Clock
from support.programs import untyped

# Each `with` block here stands for a process of its own, which does not know the last one's
# function.
pytestmark = pytest.mark.filterwarnings("ignore:two functions are named")


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is moved."""
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the cache under test is kept."""
    return tmp_path / "cache.json"


def counted(cache: Cache, **options: Any) -> tuple[Callable[[float], Any], list[float]]:
    """A memoised function and the arguments that it was really called with."""
    calls: list[float] = []

    @cache.memoise(name="counted", **options)
    def function(number: float) -> Any:
        calls.append(number)
        return {"number": number, "call": len(calls)}

    return function, calls


@pytest.mark.parametrize("ttl", [60, 60.0, "60s", "1m", "0.5m30s", " 0h 1m ", timedelta(minutes=1)])
def test_an_entry_is_served_until_its_ttl(clock: Clock, ttl: Any) -> None:
    """A result is served while it is younger than its ttl, and computed again from then on."""
    function, calls = counted(Cache(None, clock=clock), ttl=ttl)
    function(1)
    clock.now += 59.9
    function(1)
    assert calls == [1]
    clock.now += 0.2
    assert function(1)["call"] == 2
    assert function.cache_info().expired == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("ttl", "error", "words"),
    [
        (0, ValueError, "above zero"),
        (-1, ValueError, "above zero"),
        ("1x", ValueError, '"1h"'),
        ("", ValueError, '"1h"'),
        ("1h30", ValueError, '"1h30m"'),
        ("1h1h", ValueError, '"1h30m"'),
        ([], TypeError, "timedelta"),
        (True, TypeError, "timedelta"),
        (float("nan"), ValueError, "above zero"),
    ],
)
def test_a_ttl_that_means_nothing_is_refused(ttl: Any, error: type[Exception], words: str) -> None:
    """A ttl that cannot be read, or is not above zero, is refused where it is written."""
    with pytest.raises(error, match=words):
        Cache(None, ttl=ttl)
    with pytest.raises(error, match=words):
        Cache(None).memoise(ttl=ttl)


def test_other_words_for_age_are_named(path: Path) -> None:
    """expire= and max_age= raise an error that names ttl=."""
    with pytest.raises(TypeError, match="did you mean ttl"):
        Cache(path).memoise(expire=3)  # type: ignore[call-overload]


def test_a_shorter_ttl_holds_for_old_entries(path: Path, clock: Clock) -> None:
    """The time of creation is stored, so a ttl changed in the code applies to old entries."""
    with Cache(path, clock=clock) as cache:
        counted(cache, ttl="1d")[0](1)
    clock.now += 3600
    with Cache(path, clock=clock) as cache:
        function, calls = counted(cache, ttl="1d")
        function(1)
        assert calls == []
    with Cache(path, clock=clock) as cache:
        function, calls = counted(cache, ttl="30m")
        function(1)
        assert calls == [1]


def test_a_shorter_ttl_holds_for_calls_under_way() -> None:
    """A result found under the old ttl is not remembered once another ttl holds."""
    cache, calls = Cache(None, ttl=3600), list[int]()

    @cache.memoise
    def function(x: str) -> str:
        calls.append(1)
        cache._state.reconfigure({"ttl": 0.01})
        return x

    function("a")
    time.sleep(0.05)
    function("a")
    assert len(calls) == 2


def test_entries_without_times_count_from_the_files_last_change(path: Path, clock: Clock) -> None:
    """An entry of a file without times is as old as the file, whenever it is looked at."""
    path.write_text(json.dumps({"counted(number=1)": {"call": 0}, "counted(number=2)": 0}))
    os.utime(path, (clock.now, clock.now))
    clock.now += 50
    with Cache(path, clock=clock) as cache:
        function, calls = counted(cache, ttl=60)
        assert function(1) == {"call": 0}
        function(3)
    clock.now += 20
    with Cache(path, clock=clock) as cache:
        function, calls = counted(cache, ttl=60)
        function(2)
        function(3)
        assert calls == [2], "saving the file did not make its old entries young again"


def test_times_stand_in_a_flat_file_only_when_needed(path: Path) -> None:
    """A flat file of functions without expiry holds results and nothing else."""
    with DropInCache(path) as cache:
        counted(cache)[0](1)
    assert list(json.loads(path.read_text()).values()) == [{"number": 1, "call": 1}]
    with DropInCache(path) as cache:
        counted(cache, ttl=60)[0](2)
    known = json.loads(path.read_text())["outlive:meta"]["entries"].values()
    assert [list(facts) for facts in known] == [["at"], ["at"]]


def test_a_ttl_that_comes_later_finds_true_times(path: Path, clock: Clock) -> None:
    """An entry's age counts from its call, although no function used expiry then."""
    with Cache(path, clock=clock) as cache:
        counted(cache)[0](1)
    for _ in range(3):
        clock.now += 30
        with Cache(path, clock=clock) as cache:
            counted(cache)[0](clock.now)
    with Cache(path, clock=clock) as cache:
        function, calls = counted(cache, ttl=60)
        function(1)
        function(clock.now)
        assert calls == [1]


def test_a_clock_set_back_does_not_serve_for_ever(clock: Clock) -> None:
    """Entries from the future are computed again once they are further off than the ttl."""
    function, calls = counted(Cache(None, clock=clock), ttl=60)
    function(1)
    clock.now -= 30
    function(1)
    assert calls == [1]
    clock.now -= 86400
    function(1)
    assert calls == [1, 1]


def test_ttl_of_the_result(clock: Clock) -> None:
    """A callable ttl reads each result's own lifetime from the result."""
    cache = Cache(None, clock=clock)
    calls: list[str] = []

    @cache.memoise(ttl=lambda result: result["max_age"])
    def fetch(uri: str) -> dict[str, Any]:
        calls.append(uri)
        return {"max_age": 10 if uri == "/short" else None}

    for _ in range(2):
        fetch("/short")
        fetch("/long")
        clock.now += 11
    assert calls == ["/short", "/long", "/short"]


def test_a_stale_result_serves_when_the_call_fails(clock: Clock) -> None:
    """With stale_if_error an expired result is served for a while instead of an exception."""
    cache = Cache(None, clock=clock)
    broken = threading.Event()

    @cache.memoise(ttl=60, stale_if_error="1h")
    def fetch(uri: str) -> str:
        if broken.is_set():
            raise OSError("no network")
        return "answer"

    fetch("/a")
    broken.set()
    clock.now += 61
    assert fetch("/a") == "answer"
    clock.now += 3600
    with pytest.raises(OSError, match="no network"):
        fetch("/a")


def test_cache_if_leaves_results_out() -> None:
    """A result that cache_if rejects is returned, but computed again by the next call."""
    cache = Cache(None)
    results = [None, 5, 6]

    @cache.memoise(cache_if=lambda result: result is not None)
    def fetch() -> int | None:
        return results.pop(0)

    assert [fetch(), fetch(), fetch()] == [None, 5, 5]


def test_the_drop_in_has_a_ttl(tmp_path: Path) -> None:
    """@memoise(ttl=...) and outlive.configure(ttl=...) work on the flat file."""
    script = """
        import outlive
        from outlive import memoise, cache
        clock = lambda: now
        now = 1000.0
        outlive.configure(clock=clock)
        calls = []
        @memoise(ttl="1d")
        def a(uri): calls.append("a"); return 1
        @memoise
        def b(uri): calls.append("b"); return 2
        a("/a"); b("/b"); now += 90000; a("/a"); b("/b")
        outlive.configure(ttl="1h")
        b("/b")
        print(calls, sorted(cache))
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "['a', 'b', 'a', 'b'] ['/a', '/b']\n"


def test_information_is_as_that_of_functools() -> None:
    """cache_info() is a tuple of functools' four counters; evictions and expired are attributes."""
    cache = Cache(None, clock=(clock := Clock()), maxsize=1)
    function, _ = counted(cache, ttl=60)
    function(1)
    function(2)
    clock.now += 61
    function(2)
    info: Any = untyped(function).cache_info()
    hits, misses, maxsize, currsize = info
    assert info == (hits, misses, maxsize, currsize) == (0, 3, None, 1)
    assert (info.evictions, info.expired) == (1, 1)
    assert repr(info) == "CacheInfo(hits=0, misses=3, maxsize=None, currsize=1)"
    copied = pickle.loads(pickle.dumps(info))
    assert (copied, copied.evictions) == (info, 1)


@pytest.mark.parametrize("over", [0, -5, "0s", timedelta(days=-1)], ids=str)
def test_a_ttl_of_the_result_may_be_over(clock: Clock, over: Any) -> None:
    """``max-age=0`` makes each call compute silently; the old result serves if it raises."""
    answers: list[Any] = [1, 2]

    @Cache(None, clock=clock).memoise(ttl=lambda result: over, stale_if_error=60)
    def fetch(uri: str) -> int:
        return answers.pop(0)  # type: ignore[no-any-return]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [fetch("/a"), fetch("/a"), fetch("/a")] == [1, 2, 2]
    assert answers == []
