"""Streams that are cut off: by another consumer's end, by another process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outlive import Cache
from support.programs import Scripts
from support.threads import STUCK, until


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
