"""Streams that are cut off: by another consumer's end, by another process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from outlive import Cache
from support.programs import Scripts
from support.threads import STUCK, Worker, until


def test_another_process_is_not_waited_for(script: Scripts) -> None:
    """A stream that another process consumes begins here at once; one of the two is kept."""
    source = """
    import sys
    from outlive import Cache

    @Cache("c.json").memoise(name="f")
    def f():
        yield 1
        yield 2

    stream = f()
    print(next(stream), flush=True)
    sys.stdin.readline()
    print(list(stream), flush=True)
    """
    programs = [script.start(source) for _ in range(2)]
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == "1\n"
    for program in programs:
        out, err = program.communicate("go\n", timeout=STUCK)
        assert (out, err) == ("[2]\n", "")
    with Cache(script.folder / "c.json") as cache:
        assert list(cache.values()) == [[1, 2]]


def test_interrupted_streams() -> None:
    """A source that is stopped on behalf of one consumer begins anew for one who has nothing yet, and is an error for one who has."""
    runs = []

    @Cache(None).memoise
    def f() -> Iterator[int]:
        runs.append(1)
        yield 1
        if len(runs) == 1:
            raise KeyboardInterrupt
        yield 2

    first, second = f(), f()
    assert [next(first), next(second)] == [1, 1]
    with pytest.raises(KeyboardInterrupt):
        next(first)
    with pytest.raises(RuntimeError, match="was cut off"):
        next(second)
    assert list(f()) == [1, 2]
    until(lambda: len(runs) == 2)


class CutInError(BaseException):
    """Stands for what the handler of a signal raises."""


class CutInLock:
    """A lock after whose first taking a signal's exception comes in."""

    def __init__(self) -> None:
        """Nobody has it."""
        self.lock, self.cuts = threading.RLock(), 1
        self.release = self.lock.release

    def acquire(self, *args: Any, **kwargs: Any) -> bool:
        """Take it."""
        taken = self.lock.acquire(*args, **kwargs)
        self.cuts -= 1
        if self.cuts == 0:
            raise CutInError
        return taken


def test_an_interrupt_while_it_is_a_consumers_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer that a signal cuts off just when it has its turn keeps no other one waiting."""
    lock = CutInLock()

    @Cache(None).memoise
    def f() -> Iterator[int]:
        yield 1
        yield 2

    with monkeypatch.context() as patch:
        patch.setattr(threading, "RLock", lambda: lock)
        first = f()
        with pytest.raises(CutInError):
            next(first)
    assert Worker(lambda: lock.lock.acquire(False)).result()
    assert Worker(lambda: list(f())).result() == [1, 2]


def test_pieces_that_can_be_used_only_once() -> None:
    """Another consumer never gets an iterator that the first one has used up."""

    @Cache(None).memoise
    def f() -> Iterator[Iterator[int]]:
        for _ in range(2):
            yield (n for n in range(3))

    first = f()
    assert list(next(first)) == [0, 1, 2]
    with pytest.warns(match="only once"):
        assert Worker(lambda: [list(piece) for piece in f()]).result() == [[0, 1, 2]] * 2
    assert [list(piece) for piece in first] == [[0, 1, 2]]


def test_pieces_that_turn_out_to_be_used_only_once() -> None:
    """Who has joined before the first such piece is told, and gets none that is used up."""

    @Cache(None).memoise
    def f() -> Iterator[Any]:
        yield "title"
        yield (n for n in range(3))

    first, second = f(), f()
    assert [next(first), next(second)] == ["title", "title"]
    assert list(next(first)) == [0, 1, 2]
    with pytest.raises(RuntimeError, match="only once"):
        next(second)
