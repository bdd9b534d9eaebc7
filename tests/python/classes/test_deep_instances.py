"""Instances in threads whose stacks are small: nested deeply, and the first of their process."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.programs import Scripts
from support.sanitized import small_stacks

pytest.importorskip("msgspec")
pytestmark = small_stacks

PROGRAM = """
import sys, threading
import msgspec
from outlive import Cache

class Link(msgspec.Struct, frozen=True):
    next: object = None

cache = Cache("c.json")

@cache.memoise
def chain(depth) -> Link:
    value = 1
    for _ in range(depth):
        value = Link(value)
    return value

def call():
    try:
        chain(160)
    except RecursionError:
        pass

threading.stack_size(int(sys.argv[1]) << 10)
thread = threading.Thread(target=call)
thread.start(), thread.join()
print("alive")
"""


def test_a_deep_chain_of_frozen_instances_ends_no_process(script: Scripts) -> None:
    """A chain that one process stored is served in a small thread of a later one, or RecursionError is raised."""
    assert script.output(PROGRAM, "1024") == "alive\n"
    for kilobytes in ("64", "80"):
        assert script.output(PROGRAM, kilobytes) == "alive\n"


FIRST = """
import sys, threading
import msgspec
from outlive import Cache

class Pair(msgspec.Struct, frozen=True):
    one: int
    other: object

cache = Cache("c.json")
computed = []

@cache.memoise
def pair(n) -> Pair:
    computed.append(n)
    return Pair(n, Pair(n, None))

threading.stack_size(int(sys.argv[1]) << 10)
for n in (1, 2):
    thread = threading.Thread(target=lambda: print(pair(n).other.one))
    thread.start(), thread.join()
threading.stack_size(0)
assert pair(1) == Pair(1, Pair(1, None))
print(computed)
"""


@pytest.mark.parametrize("kilobytes", ["64", "96"])
def test_the_first_instance_in_a_small_thread(
    script: Scripts, tmp_path: Path, kilobytes: str
) -> None:
    """What reads or writes instances is imported on demand, though the thread's stack is too small for that."""
    without = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(tmp_path / "none")}
    assert script.output(FIRST, kilobytes, **without) == "1\n2\n[1, 2]\n"
    assert script.output(FIRST, kilobytes, **without) == "1\n2\n[]\n"
