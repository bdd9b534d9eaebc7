"""Streams that are cut off: by a kill, by another consumer's end, by another process."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator

import pytest

from outlive import Cache
from support.programs import Scripts
from support.threads import STUCK, until

KILLED = """
import sys, time
from outlive import Cache

@Cache("c.json").memoise(name="f")
def f(n):
    for piece in range(40):
        time.sleep(0.0002)
        yield {"n": n, "piece": piece}

print("begins", flush=True)
for n in range(int(sys.argv[1]), 100_000):
    pieces = list(f(n))
    assert [p["piece"] for p in pieces] == list(range(40)), pieces
    assert list(f(n)) == pieces
"""


def test_killed_streams_are_never_replayed_in_part(
    script: Scripts, request: pytest.FixtureRequest
) -> None:
    """A process that is killed at any moment leaves whole streams, or none."""
    long = request.config.getoption("--faults") == "long"
    for _ in range(200 if long else 8):
        with script.start(KILLED, "0") as program:
            assert program.stdout is not None
            assert program.stdout.readline() == "begins\n"
            time.sleep(random.uniform(0, 0.15))
            program.kill()
            assert program.wait() == -signal.SIGKILL
            assert program.stderr is not None
            assert "Error" not in program.stderr.read()
    with Cache(script.folder / "c.json") as cache:
        assert len(cache) > 0
        assert {len(pieces) for pieces in cache.values()} == {40}


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
