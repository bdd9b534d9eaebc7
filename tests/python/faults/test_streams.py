"""Streams whose process is killed at any moment, and streams beside other processes."""

from __future__ import annotations

import random
import signal
import time

import pytest

from outlive import Cache
from support.programs import STUCK, Scripts

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


def test_killed_streams_are_never_replayed_in_part(script: Scripts, long: bool) -> None:
    """A process that is killed at any moment leaves whole streams, or none."""
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


STREAMED = """
import sys
from outlive import Cache

cache = Cache("c.json")

@cache.memoise(name="f")
def f():
    yield 1
    print("began", flush=True)
    sys.stdin.readline()
    yield 2

assert list(f()) == [1, 2]
print(f.peek(), flush=True)
"""

MEANWHILE = """
import sys
from outlive import Cache

for n in range(int(sys.argv[1])):
    with Cache("c.json") as cache:
        @cache.memoise(name="g")
        def g(n):
            return n
        g(n)
        cache.save()
        if sys.argv[2] == "forgets":
            g.forget(n)
"""


@pytest.mark.parametrize("what", ["", "forgets"])
@pytest.mark.parametrize("is_new", [True, False])
def test_a_stream_outlasts_other_processes(script: Scripts, is_new: bool, what: str) -> None:
    """A stream is kept although other processes begin, save, forget and end while it runs."""
    if not is_new:
        script.output(MEANWHILE, "1", "")
    with script.start(STREAMED) as program:
        assert program.stdout is not None
        assert program.stdin is not None
        assert program.stdout.readline() == "began\n"
        script.output(MEANWHILE, "3", what)
        program.stdin.write("\n")
        program.stdin.flush()
        assert program.communicate(timeout=STUCK) == ("[1, 2]\n", "")
        assert program.returncode == 0
    with Cache(script.folder / "c.json") as cache:
        assert [value for key, value in cache.items() if key.startswith("f(")] == [[1, 2]]
    assert script.files == ["c.json"]
