"""Maps that are cut off: by SIGKILL at any moment, by Ctrl-C in each phase, by a second Ctrl-C."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter

import pytest

from support.programs import Scripts

MAP = """
import os, time
from outlive import Cache

log = os.open("log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
cache = Cache("c.json")

@cache.memoise
def body(n):
    os.write(log, b"ran %d\\n" % n)
    return {{"n": n, "text": "x" * (n % 100)}}

print("begins", flush=True)
for n, result in enumerate(body.map(range({items}), workers=4)):
    assert result == {{"n": n, "text": "x" * (n % 100)}}
    os.write(log, b"got %d\\n" % n)
    if n == {stop}:
        print("waits", flush=True)
        time.sleep(600)
print("done")
"""


def test_killed_and_run_again_until_it_is_done(script: Scripts, long: bool) -> None:
    """A map that is killed at random moments, and run again until it is done, computes no item again that it had given."""
    items, kills = (10_000, 100) if long else (3_000, 8)
    source = MAP.format(items=items, stop=-1)
    with script.start(MAP.format(items=items, stop=items // 20)) as program:
        assert program.stdout is not None
        assert [program.stdout.readline() for _ in range(2)] == ["begins\n", "waits\n"]
        program.kill()
    for _ in range(kills):
        with script.start(source) as program:
            assert program.stdout is not None
            assert program.stdout.readline() == "begins\n"
            time.sleep(random.uniform(0, 0.4))
            program.kill()
    assert "done" in script(source).out
    given: set[int] = set()
    runs: Counter[int] = Counter()
    for line in (script.folder / "log").read_text().splitlines():
        word, number = line.split()
        if word == "ran":
            assert int(number) not in given, "computed again"
            runs[int(number)] += 1
        else:
            given.add(int(number))
    assert given == set(range(items))
    assert set(runs) == set(range(items))


INTERRUPTED = """
import os, signal, sys, threading, time
from outlive import Cache

phase = sys.argv[1]
cache = Cache("c.json")
said = threading.Event()

def interrupt(where):
    if where == phase and not said.is_set():
        said.set()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)

@cache.memoise(name="body")
def body(n):
    if n == 5:
        interrupt("call")
    time.sleep(0.01)
    return n

def items():
    for n in range(100):
        if n == 10:
            interrupt("items")
        yield n

def tell(progress):
    if progress.done == 10:
        interrupt("progress")

shown = tell if phase == "progress" else True
try:
    for n in body.map(items(), workers=4, progress=shown):
        if n == 10:
            interrupt("loop")
except KeyboardInterrupt:
    print("interrupted", body.cache_info().currsize >= 4, len(cache) < 100)
print(len(list(body.map(range(100), progress=False))), body.cache_info().currsize)
"""


@pytest.mark.parametrize("phase", ["call", "items", "progress", "loop"])
def test_interrupted_in_each_phase(script: Scripts, phase: str) -> None:
    """Ctrl-C during a call, the iterable of items, the progress callable or the loop's own body ends the map, and a second one does the rest."""
    ended = script(INTERRUPTED, phase)
    assert ended.out == "interrupted True True\n100 100\n", ended.err
    if phase != "progress":
        words = "stopped" if phase == "loop" else "interrupted"
        assert f"body: {words}: " in ended.err
        assert "their results are kept: run it again, and it goes on with the rest" in ended.err


SECOND = """
import os, signal, threading, time
from outlive import Cache

cache = Cache("c.json")

@cache.memoise
def body(n):
    if n == 1:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(3600)
    return n

try:
    list(body.map(range(100), workers=2))
finally:
    print("left", flush=True)
"""


def test_a_second_interrupt_leaves_at_once(script: Scripts) -> None:
    """The first Ctrl-C waits for the calls under way, the second one does not; nor does the end of the program."""
    ended = script(SECOND)
    assert ended.out == "left\n"
    assert ended.err.rstrip().endswith("KeyboardInterrupt")
    assert ended.status in (-signal.SIGINT, 130, 1)
