"""A cache over a mapping of the user's: what the mapping sees, and what it may do."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, CacheFileWarning, _carrier
from stores.conftest import doubling
from support.programs import run
from support.threads import together


class Watched(dict[str, bytes]):
    """A dict that notes what is done to it, and can be told to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.fails: dict[str, BaseException] = {}
        self.within: Callable[[], object] = lambda: None
        self._alone = threading.Lock()

    def _note(self, what: str) -> None:
        assert self._alone.acquire(blocking=False), "two threads are in the mapping"
        try:
            self.asked.append(what)
            if what in self.fails:
                raise self.fails[what]
            self.within()
        finally:
            self._alone.release()

    def __getitem__(self, name: str) -> bytes:
        self._note("get")
        return super().__getitem__(name)

    def __setitem__(self, name: str, value: bytes) -> None:
        self._note("set")
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        self._note("delete")
        super().__delitem__(name)

    def __iter__(self) -> Iterator[str]:
        self._note("list")
        return super().__iter__()


def test_what_the_mapping_sees() -> None:
    """One look for a miss and one write; hits do not ask, and nothing lists it unasked."""
    mapping = Watched()
    double, calls = doubling(Cache(store=mapping))
    assert mapping.asked == []
    for _ in range(5):
        assert double(1) == [1, 1]
    assert (mapping.asked, calls) == (["get", "set"], [1])
    later, calls = doubling(Cache(store=dict(mapping)))
    assert (later(1), calls) == ([1, 1], [])


def test_names() -> None:
    """Names are short, of plain characters, and begin with the name of the function."""
    mapping: dict[str, bytes] = {}
    cache = Cache(store=mapping)
    cache.memoise(name="shop.prices/ü")(lambda x: x)("../\0\ud800" * 1000)
    cache["\ud800"] = 1
    first, second = mapping
    assert first.startswith("outlive-shop.prices__-")
    for name in (first, second):
        assert name.isascii()
        assert len(name) < 130
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


@pytest.mark.parametrize("kind", ["dbm", "dbm.dumb", "dbm.gnu", "dbm.ndbm", "dbm.sqlite3"])
def test_names_that_come_back_as_bytes(tmp_path: Path, kind: str) -> None:
    """A database of ``dbm`` takes names as text and lists them as bytes: it is counted and cleared, too."""
    with pytest.importorskip(kind).open(str(tmp_path / "results"), "c") as mapping:
        mapping["other"] = b"1"
        cache = Cache(store=mapping, near=0)
        double, calls = doubling(cache)
        assert (double(1), double(1), double.cache_info().currsize) == ([1, 1], [1, 1], 1)
        assert list(cache) == ["double(x=1)"]
        cache.clear()
        assert (double(1), calls, len(mapping.keys())) == ([1, 1], [1, 1], 2)


def test_what_is_not_ours_stays() -> None:
    """Whatever else is in the mapping is neither listed nor removed."""
    mapping: Any = {"other": b"1", 5: b"2"}
    cache = Cache(store=mapping)
    double, _ = doubling(cache)
    double(1)
    assert (len(cache), list(cache)) == (1, ["double(x=1)"])
    cache.clear()
    assert mapping == {"other": b"1", 5: b"2"}


def test_objects_over_one_mapping() -> None:
    """They share entries, flights and what memory may hold, as objects on one file do."""
    mapping: dict[str, bytes] = {}
    one, other = Cache(store=mapping, near=1000), Cache(store=mapping)
    assert doubling(one)[0](1) == [1, 1]
    double, calls = doubling(other)
    assert (double(1), calls, len(other)) == ([1, 1], [], 1)
    with pytest.raises(ValueError, match="near=1000"):
        Cache(store=mapping, near=5)
    assert "over the mapping dict: 1 entry" in repr(one)


@pytest.mark.parametrize("what", ["get", "set", "delete", "list"])
def test_a_mapping_that_fails(what: str) -> None:
    """Whatever it raises, the call gets its result, and the user is told once."""
    mapping = Watched()
    cache = Cache(store=mapping, near=0)
    double, calls = doubling(cache)
    double(1)
    mapping.fails[what] = OSError("no bucket")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(2):
            assert double(1) == [1, 1]
            assert double(2) == [2, 2]
            cache.get("double(x=1)"), len(cache), double.forget(2)
    assert [str(it.message).count("no bucket") for it in told] == [1]
    assert told[0].category is CacheFileWarning
    assert "mapping Watched (OSError: no bucket)" in str(told[0].message)
    mapping.fails.clear()
    assert double(1) == [1, 1]
    calls.clear()
    assert (double(1), calls) == ([1, 1], [])


@pytest.mark.filterwarnings("ignore::outlive.CacheFileWarning")
def test_what_was_refused_is_tried_again() -> None:
    """A result that the mapping refused is served here, and written when the cache is saved."""
    mapping = Watched()
    mapping.fails["set"] = OSError("full")
    cache = Cache(store=mapping, near=0)
    double, calls = doubling(cache)
    for _ in range(2):
        assert double(1) == [1, 1]
    assert (calls, len(mapping), len(cache)) == ([1], 0, 1)
    mapping.fails.clear()
    cache.save()
    assert (len(mapping), len(cache)) == (1, 1)


def test_only_interrupts_are_passed_on() -> None:
    """Ctrl-C in the mapping ends the call; what was computed is written by the next one."""
    mapping = Watched()
    double, calls = doubling(Cache(store=mapping))
    for what in ("get", "set"):
        mapping.fails = {what: KeyboardInterrupt()}
        with pytest.raises(KeyboardInterrupt):
            double(1)
    mapping.fails = {}
    double(2)
    assert (double(1), calls, dict.__len__(mapping)) == ([1, 1], [1, 2], 2)


@pytest.mark.parametrize("near", [None, 0])
def test_a_mapping_that_calls_the_cache(near: int | None) -> None:
    """A memoised function that the mapping calls itself is computed, and nobody waits for ever."""
    mapping = Watched()
    cache = Cache(store=mapping, near=near)
    double, calls = doubling(cache)
    token = cache.memoise(name="token")(lambda: calls.append("token"))
    mapping.within = token
    assert (double(1), double(1)) == ([1, 1], [1, 1])
    assert calls.count(1) == 1
    cache.clear()
    assert len(cache) <= 1


def test_a_mapping_that_calls_the_cache_in_its_loop() -> None:
    """As fsspec does: the mapping's coroutines run in the loop of another thread, which waits."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    mapping = Watched()
    double, calls = doubling(Cache(store=mapping, near=0))
    token = Cache(store=mapping).memoise(name="token")(lambda: calls.append("token"))

    async def ask() -> None:
        token()

    mapping.within = lambda: asyncio.run_coroutine_threadsafe(ask(), loop).result(20)
    assert double(1) == [1, 1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_one_thread_at_a_time() -> None:
    """Threads never meet in the mapping, and each finds what the others have computed."""
    mapping = Watched()
    double, calls = doubling(Cache(store=mapping, near=0))
    together(8, lambda _: [double(x) for x in range(50)])
    assert sorted(calls) == list(range(50))


def test_damage() -> None:
    """A value that is not as it was written is never served, and is made anew."""
    mapping: Any = {}
    double, calls = doubling(Cache(store=mapping))
    double(1)
    (name,) = mapping
    whole = mapping[name]
    for bad in (b"", whole[:-1], whole + b"x", b"x" * 100, "text", whole.replace(b"[", b"(")):
        mapping[name] = bad
        later, calls = doubling(Cache(store=dict(mapping)))
        with pytest.warns(CacheFileWarning, match="damaged"):
            assert (later(1), calls) == ([1, 1], [1])
    mapping[name] = bytearray(whole)
    later, calls = doubling(Cache(store=dict(mapping)))
    assert (later(1), calls) == ([1, 1], [])


def test_a_later_version() -> None:
    """What a later version wrote is neither served nor written over."""
    import zlib

    mapping: dict[str, bytes] = {}
    doubling(Cache(store=mapping))[0](1)
    (name,) = mapping
    head = mapping[name][:3] + b"\2" + mapping[name][4:-4]
    mapping[name] = later = head + zlib.crc32(head).to_bytes(4, "little")
    other = dict(mapping)
    double, calls = doubling(Cache(store=other))
    with pytest.warns(CacheFileWarning, match="later version"):
        assert (double(1), double(1), calls) == ([1, 1], [1, 1], [1])
    assert other == {name: later}


@pytest.mark.parametrize("store", [5, object(), (), frozenset(), b"", Cache(None)])
def test_no_mapping(store: Any) -> None:
    """What cannot be changed like a dict is refused, in words that say what is wanted."""
    with pytest.raises(TypeError, match="store= takes a mapping of str to bytes"):
        Cache(store=store)


@pytest.mark.parametrize(
    "options", [{"path": "x.json"}, {"app": "x"}, {"fallback": "x.json"}, {"durability": "fsync"}]
)
def test_what_means_nothing(options: dict[str, Any]) -> None:
    """Options that a mapping cannot keep are refused."""
    with pytest.raises((TypeError, ValueError)):
        Cache(**options, store={})


def test_coroutines_serve_what_is_there() -> None:
    """Async functions look into the mapping, too."""
    mapping: dict[str, bytes] = {}
    calls = []

    def ask() -> Any:
        @Cache(store=mapping, near=0).memoise(name="get")
        async def get(x: int) -> list[int]:
            calls.append(x)
            return [x]

        async def twice() -> Any:
            return await get(1), await get(1)

        return asyncio.run(twice())

    assert [ask(), ask()] == [([1], [1])] * 2
    assert calls == [1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no forks")
def test_a_fork_while_the_mapping_is_used(tmp_path: Path) -> None:
    """A child of a process whose thread is in the mapping has the mapping for itself."""
    program = """
        import os, threading
        from outlive import Cache
        entered, leave = threading.Event(), threading.Event()
        class Slow(dict):
            def __setitem__(self, name, value):
                if threading.current_thread() is not threading.main_thread():
                    entered.set(); leave.wait(20)
                super().__setitem__(name, value)
        f = Cache(store=Slow()).memoise(name="f")(lambda x: x)
        thread = threading.Thread(target=f, args=(1,))
        thread.start()
        entered.wait(20)
        child = os.fork()
        if child == 0:
            f(2)
            os._exit(7)
        status = os.waitpid(child, 0)[1]
        leave.set()
        thread.join()
        print(os.waitstatus_to_exitcode(status))
    """
    assert run(tmp_path, program).strip() == "7"


def test_an_interrupt_while_it_is_a_threads_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal's exception that comes just when a thread has the mapping leaves it to the others."""

    class CutInLock:
        def __init__(self) -> None:
            self.lock = threading.RLock()
            self.release = self.lock.release

        def acquire(self, timeout: float) -> bool:
            self.lock.acquire(timeout=timeout)
            raise KeyboardInterrupt

    carrier = _carrier.Carrier({})
    for ask in (carrier.begin, lambda: carrier.get("a"), lambda: carrier.names(None)):
        lock = CutInLock()
        monkeypatch.setattr(carrier, "_lock", lock)
        with pytest.raises(KeyboardInterrupt):
            ask()
        assert is_free_for_others(lock.lock)


def is_free_for_others(lock: Any) -> bool:
    """Whether another thread can take a lock."""
    return together(1, lambda _: lock.acquire(False)) == [True]
