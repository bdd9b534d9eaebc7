"""Threads that do everything at once, as they can where no GIL makes them take turns.

The same must hold with a GIL, so these tests run on every interpreter.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from outlive import Cache
from outlive._drop_in import DropInCache
from support.threads import STUCK, Worker, switching_often, together

THREADS = 6
ROUNDS = 1500


@pytest.fixture(autouse=True)
def _turns() -> Iterator[None]:
    """With a GIL, switch threads as often as possible."""
    with switching_often():
        yield


@contextmanager
def meanwhile(*works: Callable[[], Any]) -> Iterator[None]:
    """Run each work again and again in a thread of its own while the block runs."""
    over = threading.Event()

    def repeat(work: Callable[[], Any]) -> None:
        while not over.wait(0.0005):
            work()

    workers = [Worker(repeat, work) for work in works]
    try:
        yield
    finally:
        over.set()
    for worker in workers:
        worker.result()


def nested(key: int) -> dict[str, Any]:
    """A result that is copied on each hit."""
    return {"key": key, "list": [key, {"text": str(key)}], "tuple": ([key],), "set": {key}}


@pytest.mark.parametrize("keys", [1, 50, 2000])
def test_every_call_is_counted_once(keys: int) -> None:
    """A call is a miss or a hit, never both and never neither, whatever the number of threads."""
    bodies: list[int] = []

    @Cache().memoise
    def f(key: int) -> str:
        bodies.append(key)
        return f"result {key}"

    def work(n: int) -> None:
        dice = Random(n)
        for _ in range(ROUNDS):
            key = dice.randrange(keys)
            assert f(key) == f"result {key}"

    together(THREADS, work)
    info = f.cache_info()
    assert sorted(bodies) == sorted(set(bodies))
    assert (info.misses, info.hits) == (len(bodies), THREADS * ROUNDS - len(bodies))


def test_counters_begin_anew_for_all_threads() -> None:
    """`cache_clear` forgets the answers of all threads and sets all counters to zero."""
    f = Cache().memoise(nested)
    barrier = threading.Barrier(THREADS)

    def work(n: int) -> None:
        for round_ in range(50):
            f(1), f(1), f(n)
            if barrier.wait(STUCK) == 0:
                assert sum(f.cache_info()[:2]) == 3 * THREADS, round_
                f.cache_clear()
                assert f.cache_info()[:2] == (0, 0)
            barrier.wait(STUCK)

    together(THREADS, work)


def test_threads_come_and_go() -> None:
    """Short-lived threads, many more than are alive at a time, get answers and are counted."""
    f = Cache().memoise(nested)
    for start in range(0, 200, 8):
        results = together(8, lambda n: (f(0), f(0), f(n)))
        assert results == [(nested(0), nested(0), nested(n)) for n in range(8)], start
    assert f.cache_info()[:2] == (25 * 24 - 8, 8)


def test_what_one_thread_forgets_no_other_is_given() -> None:
    """After `forget`, `put` and `clear` no thread gets the earlier result."""
    cache = Cache()
    version = [0]
    f = cache.memoise(lambda key: [version[0]], name="versioned")
    barrier = threading.Barrier(THREADS)

    def renew(key: int) -> None:
        version[0] += 1
        (lambda: f.forget(key), cache.clear, f.cache_clear, lambda: f.put(version[:], key))[
            version[0] % 4
        ]()

    def work(n: int) -> None:
        for _ in range(80):
            assert f(1) == f(1) == [version[0]]
            if barrier.wait(STUCK) == 0:
                renew(1)
            barrier.wait(STUCK)

    together(THREADS, work)


def test_everything_at_once(tmp_path: Path) -> None:
    """Hits, misses, forgetting, clearing, saving, modes and collections: all values are right."""
    cache = Cache(tmp_path / "c.json")
    f = cache.memoise(nested)
    text = cache.memoise(lambda value: str(value), name="text")

    def override() -> None:
        with cache.mode("refresh"):
            assert f(0) == nested(0)
        with cache.mode("off"):
            assert text(0) == "0"

    def work(n: int) -> None:
        dice = Random(n)
        for _ in range(ROUNDS):
            key = dice.randrange(60)
            result = f(key=key) if key % 3 else f(key)
            assert result == nested(key)
            result["list"].append(n)
            result["set"].clear()
            assert text(key) == str(key)
            if dice.random() < 0.02:
                f.forget(key)

    forgetting = itertools.count()
    with meanwhile(
        gc.collect,
        cache.save,
        override,
        f.cache_clear,
        text.cache_info,
        lambda: text.put("7", 7),
        lambda: cache.pop(text.cache_key(next(forgetting) % 60), None),
        lambda: gc.get_referrers(f),
    ):
        together(THREADS, work)
    assert all(cache[f.cache_key(n)] == nested(n) for n in range(60) if f.cache_contains(n))
    cache.close()


def test_each_entry_is_taken_by_one_thread(tmp_path: Path) -> None:
    """`pop` and `popitem` return every value to one thread, and behave for others like a dict."""
    cache = Cache(tmp_path / "c.json")

    def work(n: int) -> list[int]:
        taken: list[int] = []
        for key in range(300):
            value = cache.pop(str(key), None) if n % 2 else cache.pop(str(299 - key), None)
            taken.extend([] if value is None else value)
            if key % 50 == 0 and len(cache):
                with contextlib.suppress(KeyError):
                    taken.extend(cache.popitem()[1])
        return taken

    for _ in range(5):
        cache.update({str(key): [key] for key in range(300)})
        assert sorted(itertools.chain(*together(THREADS, work))) == list(range(300))
    with pytest.raises(KeyError):
        cache.popitem()
    cache.close()


def test_cache_clear_while_others_forget() -> None:
    """`cache_clear` never fails because others forget entries meanwhile."""
    cache = Cache()
    f = cache.memoise(nested)

    def work(n: int) -> None:
        for key in range(ROUNDS):
            f(key % 30)
            if key % 10 == 0:
                (f.cache_clear, lambda: f.forget(1), lambda: cache.forget("*"))[n % 3]()

    together(THREADS, work)


def test_limits_and_expiry_at_once() -> None:
    """A limited cache whose entries keep expiring gives right answers and keeps its limit."""
    now = [1_000.0]
    limited = Cache(maxsize=20, clock=lambda: now[0]).memoise(nested, ttl=5)
    quick = Cache().memoise(nested, name="quick", ttl=0.001)

    def work(n: int) -> None:
        dice = Random(n)
        for _ in range(ROUNDS // 3):
            key = dice.randrange(40)
            assert limited(key) == nested(key) and quick(key) == nested(key)
            now[0] += 0.01

    with meanwhile(gc.collect):
        together(THREADS, work)
    assert limited.cache_info().currsize <= 20


def test_options_that_change_while_a_call_is_under_way(tmp_path: Path) -> None:
    """A result of a call begun under the old options is not remembered under the new ones."""
    cache = DropInCache(tmp_path / "c.json")
    cache._state.reconfigure({"copy": False})
    begun, release = threading.Event(), threading.Event()

    def compute(key: str) -> list[str]:
        begun.set()
        assert release.wait(STUCK)
        return [key]

    f = cache.memoise(compute)

    def ask() -> tuple[list[str], ...]:
        return f("k"), f("k"), f("k")

    worker = Worker(ask)
    assert begun.wait(STUCK)
    cache._state.reconfigure({"copy": True})
    release.set()
    assert len({id(result) for result in (*worker.result(), *ask())[1:]}) == 5
    cache.close()


def test_options_that_change_all_the_time(tmp_path: Path) -> None:
    """Threads get right answers while options change, in the end under the last ones."""
    cache = DropInCache(tmp_path / "c.json")
    f = cache.memoise(lambda key: [key])

    def work(n: int) -> None:
        for _ in range(100):
            assert f("k") == ["k"]

    for round_ in range(50):
        workers = [Worker(work, n) for n in range(3)]
        cache._state.reconfigure({"copy": bool(round_ % 2)})
        for worker in workers:
            worker.result()
        assert (f("k") is f("k")) == (round_ % 2 == 0)
    cache.close()


def test_caches_that_are_given_up_while_they_are_called(tmp_path: Path) -> None:
    """The last references to caches and functions go in several threads, and all is freed."""
    alive: list[weakref.ref[Any]] = []

    def use(n: int, path: Path | None) -> Worker:
        cache = Cache(path)
        f = cache.memoise(nested)
        kept = cache.memoise(lambda key: f, name="kept", on_unstorable="ignore")
        assert f(n) == f(n) == nested(n) and kept(n) is kept(n) is f
        alive.append(weakref.ref(f))
        return Worker(lambda f: [f(k) for k in range(20)], f)

    def work(n: int) -> None:
        for round_ in range(15):
            helper = use(n, tmp_path / f"{n}-{round_}.json" if round_ % 2 else None)
            if round_ % 5 == 0:
                gc.collect()
            assert helper.result() == [nested(k) for k in range(20)]

    # Each collection would go through all that the tests before left, while everybody waits.
    gc.freeze()
    try:
        with meanwhile(gc.collect):
            together(THREADS, work)
    finally:
        gc.unfreeze()
    gc.collect()
    assert not any(ref() for ref in alive)


def test_a_result_that_others_change_while_it_is_kept() -> None:
    """Other threads may hold a function's result: no call fails, no text is torn."""
    shared: dict[str, Any] = {"list": [], "dict": {}, "set": set()}
    f = Cache().memoise(lambda key: shared, name="shared")

    def change() -> None:
        for n in range(300):
            shared["list"].append(n), shared["set"].add(n)
            shared["dict"][str(n)] = shared[f"n{n % 7}"] = n
        shared["list"].clear(), shared["dict"].clear(), shared["set"].clear()
        shared.pop("n3", None)

    with meanwhile(change, change):
        for key in range(400):
            f(key)
            kept = f(key)
            assert kept["list"] == [] or isinstance(kept["list"][-1], int)
            assert all(value == int(name) for name, value in kept["dict"].items())


def test_arguments_that_others_change_while_they_are_the_key() -> None:
    """Lists and dicts may be changed by other threads while they are made into a key."""
    argument: list[Any] = [{}, set()]
    f = Cache().memoise(lambda key: 1, name="f")

    def change() -> None:
        for n in range(200):
            argument[0][str(n)] = n
            argument[1].add(n)
            argument.append(n)
        del argument[2:]
        argument[0].clear(), argument[1].clear()

    with meanwhile(change):
        for _ in range(400):
            assert f(argument) == 1
