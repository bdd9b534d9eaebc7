"""Results and arguments that are nested deeply, in threads whose stacks are small."""

from __future__ import annotations

import sys
import sysconfig

import pytest

from support.programs import Scripts
from support.sanitized import small_stacks

PROGRAM = """
import sys, threading, warnings
from outlive import Cache, UnstorableWarning

warnings.simplefilter("ignore", UnstorableWarning)

def list_(v): return [v]
def dict_(v): return {"a": v}
def tuple_(v): return (v,)
def tuple_of_lists(v): return (v, [])
def frozenset_(v): return frozenset([v])
def pairs(v): return {1: v}
def like_a_tag(v): return {"$tuple": v}

def nest(kind, depth):
    value = 0
    for _ in range(depth):
        value = globals()[kind](value)
    return value

def small(function, *args):
    ends = []
    def run():
        try:
            ends.append(repr(type(function(*args))))
        except (RecursionError, TypeError) as error:
            ends.append(error)
    threading.stack_size(int(sys.argv[2]) << 10)
    thread = threading.Thread(target=run)
    thread.start(), thread.join()
    assert ends, "the thread ended otherwise"
    return ends[0]

kind = sys.argv[1]
cache = Cache("c.json")
cache.memoise(name="first")(nest)("list_", 1)  # what is imported late is not parsed in a small stack
made = cache.memoise(name="made")(nest)
taken = cache.memoise(name="taken")(lambda value: 1)
for depth in map(int, sys.argv[3:]):
    small(made, kind, depth), small(made, kind, depth), small(made, kind, depth)
    made.cache_clear()
    made(kind, depth), made(kind, depth), made(kind, depth)
    small(made, kind, depth), small(made, kind, depth)
    small(taken.cache_key, nest(kind, depth)) if depth < 1000 else None
    small(lambda: dict(cache))
    small(made.cache_clear)
    made(kind, depth)
    cache.close()
    cache = Cache("c.json")
    made = cache.memoise(name="made")(nest)
    taken = cache.memoise(name="taken")(lambda value: 1)
    small(made, kind, depth), small(made, kind, depth), small(made, kind, depth)
print("alive")
"""

KINDS = ["list_", "dict_", "tuple_", "tuple_of_lists", "frozenset_", "pairs", "like_a_tag"]


def depths(kilobytes: int) -> list[int]:
    """How deep the values are: no deeper than the interpreter itself can drop in such a thread.

    With musl, Python does not ask how large its stack is from 3.14 on, and takes it for larger:
    dropping plain dicts that are nested deeper ends with SIGSEGV there without outlive.
    """
    on_musl = "musl" in str(sysconfig.get_config_var("SOABI"))
    unasked = on_musl and sys.version_info >= (3, 14)
    return [150, 240] if unasked and kilobytes < 256 else [150, 240, 520]


@small_stacks
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kilobytes", [64, 256])
def test_deep_values_end_with_an_exception_at_worst(
    script: Scripts, kind: str, kilobytes: int
) -> None:
    """Deep results are stored, served, dropped and loaded in small threads, or RecursionError is raised."""
    ended = script(PROGRAM, kind, str(kilobytes), *map(str, depths(kilobytes)))
    assert (ended.out, ended.status) == ("alive\n", 0), ended
    # Python tells of callbacks of its own for which no stack was left.
    assert "outlive" not in ended.err


#: A program whose limit of recursion is beyond what its stack holds.
LINKED = """
import os, sys, warnings
from outlive import Cache, UnstorableWarning

warnings.simplefilter("ignore", UnstorableWarning)
sys.setrecursionlimit(10**6)

class Node:
    inner = outer = None

def chain(length, whole):
    nodes = [Node() for _ in range(length)]
    for outer, inner in zip(nodes, nodes[1:]):
        outer.inner, inner.outer = inner, outer
    return nodes if whole else nodes[0]

def nest(length, whole):
    value = [Node()] if whole else []
    for _ in range(length):
        value = [value]
    return value

for make in (chain, nest):
    made = Cache(None).memoise(name=make.__name__)(make)
    for whole in (True, False):
        assert made(3, whole) is not made(3, whole)
        made(100_000, whole), made(100_000, whole)
os.write(1, b"alive")
os._exit(0)  # to drop them is the interpreter's matter
"""


def test_what_nothing_can_copy_is_not_copied(script: Scripts) -> None:
    """With any limit of recursion, a result too deep for `copy.deepcopy` is one object for all."""
    assert script.output(LINKED) == "alive"
