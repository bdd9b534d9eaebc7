"""One process at a time computes a key, whichever others come, fork or are killed."""

from __future__ import annotations

import sys
import time

import pytest

from faults.lab import Ended, Lab, finish, heard
from support.programs import STUCK, Scripts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="keys have locks on Linux alone")

#: How deep a recursion goes: Python 3.12 counts calls from C apart, and ends both `lru_cache` and us at 500.
LEVELS = 400 if sys.version_info[:2] == (3, 12) else 3000

#: Goes through the same keys as all others, each of which takes a moment.
SAME = """
desk = Desk()
compute = desk.compute
def moment(n):
    note("computed", n)
    time.sleep(0.0005)
    return compute(n)
answer = desk.cache.memoise(name="moment")(moment)
say("ready")
for n in range(400): assert answer(n) == expected(n)
"""


def test_others_come_while_one_computes(lab: Lab) -> None:
    """Processes that start one after the other while the first computes run no body twice."""
    programs = []
    for some in range(0, 300, 50):
        programs.append(lab.start(SAME))
        while programs[0].poll() is None and len(lab.called()) < some:
            time.sleep(0.001)
    assert [finish(program) for program in programs] == [(0, "ready\n", "")] * 6
    assert sorted(lab.called()) == list(range(400))
    assert lab.files() == ["cache.json"]


SLOW = """
desk = Desk()
def slow(n):
    say("computing")  # first: whoever finds the note speaks next
    note("called", n)
    sys.stdin.readline()
    return n
answer = desk.cache.memoise(name="slow")(slow)
"""

CHILD = (
    SLOW
    + """
desk.get(1000)
if os.fork() == 0:
    say(answer(7))
    os._exit(0)
while 7 not in noted("called"): time.sleep(0.001)
say("waiting")
say(answer(7))
os.wait()
"""
)


def test_a_parent_waits_for_what_its_child_computes(lab: Lab) -> None:
    """A parent waits for the key that its child computes."""
    program = lab.start(CHILD, stdin=-1)
    heard(program, "computing")
    heard(program, "waiting")
    time.sleep(0.1)
    assert program.stdin is not None
    program.stdin.write("\n")
    program.stdin.flush()
    assert finish(program) == Ended(0, "7\n7\n", "")
    assert lab.called() == [1000, 7]


ORPHAN = (
    SLOW
    + """
thread = threading.Thread(target=answer, args=(7,))
thread.start()
while 7 not in noted("called"): time.sleep(0.001)
parent = os.getpid()
if os.fork() == 0:
    say("asking")
    sys.stdin = open("/dev/null")
    assert answer(7) == 7
    assert desk.answer(1) == expected(1)
    say("answered")
    desk.cache.close()
    os._exit(0)
thread.join()
"""
)


def test_a_child_takes_over_from_a_parent_that_is_killed(lab: Lab) -> None:
    """A key that a process computes is free for its child as soon as the process is dead."""
    program = lab.start(ORPHAN, stdin=-1)
    heard(program, "computing")
    heard(program, "asking")
    time.sleep(0.1)
    program.kill()
    assert program.stdout is not None
    assert program.stdout.read() == "computing\nanswered\n"
    finish(program)
    assert lab.called() == [7, 7, 1]
    assert lab.files() == ["cache.json"]


HANDLES = """
import outlive, subprocess
def handles(): return sorted(os.listdir("/proc/self/fd"))
before = handles()
for n in range(50):
    desk = Desk()
    desk.get(n)
    if n == 25:
        code = "import os; print([os.readlink(f'/proc/self/fd/{n}') for n in range(3, 20) if os.path.exists(f'/proc/self/fd/{n}') or os.path.islink(f'/proc/self/fd/{n}')])"
        inherited = subprocess.run([sys.executable, "-c", code], close_fds=False, stdout=-1, text=True).stdout
        assert "cache.json" not in inherited, inherited
    desk.cache.close()
assert handles() == before, handles()
"""


def test_no_handles_are_left(lab: Lab) -> None:
    """A closed cache leaves no file open, and started programs inherit none."""
    assert lab.run(HANDLES) == Ended(0, "", "")


DEEP = """
import sys, threading
from outlive import Cache

levels, end, step = map(int, sys.argv[1:])

# The two programs read other constants, which change nothing.
@Cache("c.json").memoise(name="f", on_code_change="ignore")
def f(n):
    return 0 if n == end else f(n + step)

sys.setrecursionlimit(10**6)
threading.stack_size(64 << 20)
thread = threading.Thread(target=lambda: print(f(levels - end)))
print("begins", flush=True)
sys.stdin.readline()
thread.start()
thread.join()
"""


def test_deep_recursions_in_opposite_orders(script: Scripts) -> None:
    """Two processes that recurse over thousands of keys, one upwards and one downwards, both end."""
    levels = str(LEVELS)
    one, other = script.start(DEEP, levels, "0", "-1"), script.start(DEEP, levels, levels, "1")
    with one, other:
        for program in one, other:
            assert program.stdout is not None
            assert program.stdout.readline() == "begins\n"
        for program in one, other:
            assert program.stdin is not None
            program.stdin.write("\n")
            program.stdin.flush()
        ended = [program.communicate(timeout=STUCK) for program in (one, other)]
    assert ended == [("0\n", "")] * 2
    assert script.files == ["c.json"]
