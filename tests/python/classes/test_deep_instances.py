"""Instances that are nested deeply, in threads whose stacks are small."""

from __future__ import annotations

import pytest

from support.programs import Scripts

pytest.importorskip("msgspec")

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
