"""Streams whose process is killed at any moment."""

from __future__ import annotations

import random
import signal
import time

from outlive import Cache
from support.programs import Scripts

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
