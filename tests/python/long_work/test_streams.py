"""Streams: a generator function is recorded while it is consumed, and replayed."""

from __future__ import annotations

import contextlib
import gc
import inspect
import itertools
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from outlive import Cache, CacheMiss, Memoised
from outlive._drop_in import DropInCache
from support.programs import untyped
from support.threads import STUCK, Worker


class Source:
    """A generator function that counts how often it is begun, asked and closed."""

    def __init__(self, pieces: int = 3) -> None:
        """Give so many pieces."""
        self.pieces, self.begun, self.asked, self.closed = pieces, 0, 0, 0

    def stream(self, cache: Cache, **options: Any) -> Any:
        """Memoise it."""

        @cache.memoise(name="f", **options)
        def f(prompt: str) -> Iterator[list[str]]:
            self.begun += 1
            try:
                for n in range(self.pieces):
                    self.asked += 1
                    yield [f"{prompt} {n}"]
            finally:
                self.closed += 1

        return f


ALL = [["a 0"], ["a 1"], ["a 2"]]


def test_a_stream_is_replayed(tmp_path: Path) -> None:
    """A stream consumed to its end is replayed, also in later processes; the file has its pieces."""
    source, path = Source(), tmp_path / "c.json"
    with Cache(path) as cache:
        f = source.stream(cache)
        assert list(f("a")) == ALL
        assert list(f("a")) == ALL
        assert cache['f(prompt="a")'] == ALL
        assert f.cache_info() == (1, 1, None, 1)
    assert list(source.stream(Cache(path))("a")) == ALL
    assert (source.begun, source.asked, source.closed) == (1, 3, 1)


def test_nothing_happens_before_the_first_piece_is_asked_for() -> None:
    """As with any generator function, the call alone does nothing; then each piece comes as it is asked for."""
    source = Source()
    f = source.stream(Cache(None))
    stream = f("a")
    assert source.begun == 0
    assert next(stream) == ["a 0"]
    assert source.asked == 1
    assert inspect.isgenerator(stream)
    assert inspect.isgeneratorfunction(f)
    assert isinstance(f, Memoised)


def test_what_is_not_consumed_to_its_end_is_not_kept() -> None:
    """After `break`, `close` or an exception of the consumer there is no entry, and the source is closed."""
    cache, source = Cache(None), Source()
    f = source.stream(cache)
    for _ in f("a"):
        break
    gc.collect()
    stream = f("a")
    next(stream)
    stream.close()
    with contextlib.suppress(KeyError):
        for _ in f("a"):
            raise KeyError
    gc.collect()
    assert len(cache) == 0
    assert source.closed == source.begun == 3
    assert list(f("a")) == ALL


def test_an_error_of_the_source_is_not_kept() -> None:
    """If the source raises, the consumer gets the pieces before it and the error, and nothing is kept."""
    cache, fails = Cache(None), [True]

    @cache.memoise
    def f() -> Iterator[int]:
        yield 1
        if fails:
            raise ConnectionError
        yield 2

    stream = f()
    assert next(stream) == 1
    with pytest.raises(ConnectionError):
        next(stream)
    assert len(cache) == 0
    fails.clear()
    assert list(f()) == [1, 2]


def test_what_it_returns_is_replayed_too() -> None:
    """What a generator returns reaches `yield from`, in a replay, too."""

    @Cache(None).memoise
    def f() -> Generator[int, None, str]:
        yield 1
        return "the end"

    def outer() -> Iterator[Any]:
        yield (yield from f())

    assert [list(outer()) for _ in range(3)] == [[1, "the end"]] * 3


def test_consumers_have_copies() -> None:
    """A consumer that changes a piece changes neither the file nor another consumer's piece."""
    source = Source()
    f = source.stream(Cache(None))
    for _ in range(3):
        for piece in f("a"):
            assert len(piece) == 1
            piece.append("mine")


def test_a_second_consumer_joins() -> None:
    """A later consumer gets all pieces so far; whichever consumer needs one asks the source."""
    source = Source()
    f = source.stream(Cache(None))
    first, second = f("a"), f("a")
    assert next(first) == ["a 0"]
    assert [next(second), next(second)] == ALL[:2]
    assert source.asked == 2
    assert next(first) == ["a 1"]
    first.close()
    assert source.closed == 0, "the second one goes on"
    assert list(second) == ALL[2:]
    assert list(f("a")) == ALL
    assert (source.begun, source.closed) == (1, 1)


def test_many_threads_share_one_stream() -> None:
    """Threads that consume one stream at once have its source run once, and all get everything."""
    source = Source(200)
    f = source.stream(Cache(None))
    start = threading.Barrier(6)

    def consume() -> list[Any]:
        start.wait(STUCK)
        return list(f("a"))

    workers = [Worker(consume) for _ in range(6)]
    assert all(worker.result() == [[f"a {n}"] for n in range(200)] for worker in workers)
    assert source.begun == 1


def test_threads_that_leave_at_any_moment() -> None:
    """Whichever consumers leave when, the others get everything, and what is kept is whole."""
    source = Source(50)
    f = source.stream(Cache(None))

    def consume(pieces: int) -> list[Any]:
        with contextlib.closing(f("a")) as stream:
            return list(itertools.islice(stream, pieces))

    for _ in range(20):
        workers = [Worker(consume, n) for n in (1, 7, 30, 100)]
        results = [worker.result() for worker in workers]
        assert [len(result) for result in results] == [1, 7, 30, 50]
        assert f.peek("a") == [[f"a {n}"] for n in range(50)]
        f.forget("a")


def test_a_stream_inside_of_itself_and_of_others() -> None:
    """A body that consumes its own stream computes it beside; nested streams are each recorded."""
    cache, depth = Cache(None), []

    @cache.memoise
    def inner(n: int) -> Iterator[int]:
        depth.append(n)
        if len(depth) == 1:
            yield from inner(n)
        yield n

    @cache.memoise
    def outer(n: int) -> Iterator[int]:
        yield from inner(n)
        yield -1

    assert list(outer(5)) == list(outer(5)) == [5, 5, -1]
    assert len(cache) == 2


def test_calls_in_the_body_do_not_wait_in_a_circle() -> None:
    """A source that asks for what the thread of another consumer computes does not wait for it for ever."""
    cache = Cache(None)
    computing, joined = threading.Event(), threading.Event()

    @cache.memoise
    def whole() -> list[Any]:
        if computing.is_set():
            return ["beside"]
        computing.set()
        assert joined.wait(STUCK)
        return list(stream())

    @cache.memoise
    def stream() -> Iterator[Any]:
        yield 1
        joined.set()
        yield from whole()

    other = Worker(whole)
    assert computing.wait(STUCK)
    mine = Worker(lambda: list(stream()))
    assert mine.result()[0] == 1
    assert other.result()[0] == 1


def test_options() -> None:
    """`cache_if`, `ttl`, `stale_if_error`, modes, `sample`, `put` and `refresh` are those of other functions; a result is the list of its pieces."""
    now: list[float] = [0.0]
    cache, source = Cache(None, clock=lambda: now[0]), Source()
    f = source.stream(cache, ttl=10, cache_if=lambda pieces: len(pieces) == 3)
    assert list(f("a")) == ALL
    with cache.mode("offline"):
        assert list(f("a")) == ALL
        with pytest.raises(CacheMiss):
            list(f("b"))
    now[0] = 20.0
    assert list(f("a")) == ALL
    assert source.begun == 2
    source.pieces = 2
    assert len(list(f("b"))) == len(list(f("b"))) == 2
    assert source.begun == 4
    f.put([["given"]], "c")
    assert list(f("c")) == [["given"]]
    source.pieces = 3
    assert list(f.refresh("a")) == ALL
    assert source.begun == 5
    with cache.mode("off"):
        assert list(f("a")) == ALL
    assert source.begun == 6
    assert list(f.sample(1)("a")) == list(f.sample(1)("a")) == ALL
    assert source.begun == 7


def test_an_older_stream_stands_in_for_one_that_fails_at_once() -> None:
    """With `stale_if_error=` the expired stream is given if the source raises before its first piece, not after it."""
    now, fails = [0.0], [0]

    @Cache(None, clock=lambda: now[0]).memoise(ttl=10, stale_if_error=100)
    def f() -> Iterator[int]:
        if fails[0] == 1:
            raise ConnectionError
        yield 1
        if fails[0] == 2:
            raise ConnectionError
        yield 2

    assert list(f()) == [1, 2]
    now[0], fails[0] = 20.0, 1
    assert list(f()) == [1, 2]
    fails[0] = 2
    stream = f()
    assert next(stream) == 1
    with pytest.raises(ConnectionError):
        next(stream)


def test_refused(drop_in: DropInCache) -> None:
    """The drop-in, whose functions share results, keeps no streams; `refresh_after=` is refused."""

    def numbers() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match=r"numbers is a generator .* returns list\("):
        drop_in.memoise(numbers)
    with pytest.raises(ValueError, match="makes no stream anew"):
        Cache(None).memoise(numbers, refresh_after=3)
    with pytest.raises(TypeError, match="return a list"):
        Cache(None).memoise(numbers, each="x")
    with pytest.raises(TypeError, match="piece by piece"):
        untyped(Cache(None).memoise(numbers)).map([1])


def test_methods_and_arguments_that_do_not_fit() -> None:
    """Methods stream, too; wrong arguments are Python's own error."""

    class Shop:
        """It has a key."""

        def __memo_key__(self) -> str:
            return "shop"

        @shop_cache.memoise
        def prices(self, item: str) -> Iterator[str]:
            asked.append(item)
            yield item

    assert [list(Shop().prices("tea")) for _ in range(2)] == [["tea"], ["tea"]]
    assert asked == ["tea"]
    with pytest.raises(TypeError, match="missing 1 required"):
        list(untyped(Shop()).prices())


shop_cache = Cache(None)
asked: list[str] = []
