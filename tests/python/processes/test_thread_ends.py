"""The very end of a thread, where the C library runs destructors: forks and calls at that moment."""

from __future__ import annotations

import ctypes
import sys

import pytest

from support.programs import Scripts

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "__cxa_thread_atexit_impl"),
    reason="programs cannot add a destructor to a thread here, or /proc is missing",
)

BEGIN = """
import ctypes, os, signal, threading, time
from outlive import Cache

libc = ctypes.CDLL(None)
here = ctypes.cast(libc.fork, ctypes.c_void_p)
kept = []

def at_thread_end(function, argument=None):
    # As C++ does for a `thread_local`: what was registered last runs first.
    kept.append((function, argument))
    assert libc.__cxa_thread_atexit_impl(function, argument, here) == 0

def is_alive(thread):
    return os.path.exists(f"/proc/self/task/{thread.native_id}")

def run(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    while is_alive(thread):
        time.sleep(0.001)

"""

CACHE = """
cache = Cache("c.json")
f = cache.memoise(lambda x: [x], name="f")
"""

A_FORK = (
    """
class Semaphore(ctypes.Array):
    _type_, _length_ = ctypes.c_long, 4

there, go, passed = Semaphore(), Semaphore(), Semaphore()

def work():
    f("thread")
    # Before outlive's own, backwards; none of this needs Python.
    at_thread_end(libc.sem_post, passed)
    at_thread_end(libc.sem_wait, go)
    at_thread_end(libc.sem_post, there)

def sleeps_on(thread):
    # It is seen to sleep for a while, or it is gone.
    for look in range(50):
        time.sleep(0.001)
        try:
            with open(f"/proc/self/task/{thread.native_id}/stat") as stream:
                state = stream.read().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state != "S":
            return None
    return True

@ctypes.CFUNCTYPE(None)
def fork_has_begun():
    global waited
    libc.sem_post(go)
    libc.sem_wait(passed)
    while (waited := sleeps_on(thread)) is None:
        pass

# Registered before outlive's, it runs after: no thread is inside the cache any more.
libc.__register_atfork(fork_has_begun, None, None, here)
"""
    + CACHE
    + """
thread = threading.Thread(target=work)
thread.start()
libc.sem_wait(there)
pid = os.fork()
if pid == 0:
    signal.alarm(20)
    run(lambda: f("child"))
    os._exit(0)
print(waited, os.waitpid(pid, 0)[1])
thread.join()
run(lambda: f("parent"))
print(sorted(cache))
"""
)


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "__register_atfork"), reason="it needs glibc's handlers of forks"
)
def test_no_thread_ends_while_a_fork_is_made(script: Scripts) -> None:
    """What ending threads share is in nobody's hands then: the child's threads can use it."""
    output = script.output(BEGIN + A_FORK, PYTHONWARNINGS="ignore::DeprecationWarning")
    assert output == "True 0\n['f(x=\"child\")', 'f(x=\"parent\")', 'f(x=\"thread\")']\n"


@pytest.mark.parametrize("moment", ["early", "late"])
def test_a_fork_as_a_thread_ends(script: Scripts, moment: str) -> None:
    """What ends with a thread may fork, before or after all that outlive leaves there."""
    program = (
        BEGIN
        + CACHE
        + f"""
def work():
    if "{moment}" == "late":
        at_thread_end(libc.fork)
    f("thread")
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    if "{moment}" == "early":
        at_thread_end(libc.fork)

run(work)
# The child is left with a thread that ends, and ends with it.
print(os.wait()[1], f("thread"), f("main"))
"""
    )
    output = script.output(program, PYTHONWARNINGS="ignore::DeprecationWarning")
    assert output == "0 ['thread'] ['main']\n"


def test_calls_as_a_thread_ends(script: Scripts) -> None:
    """What ends with a thread may make calls, before or after all that outlive leaves there."""
    program = (
        BEGIN
        + CACHE
        + """
seen = []

def calling(key):
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: seen.append(f(key) + f(key)))

def work():
    at_thread_end(calling("late"))
    f("thread")
    at_thread_end(calling("early"))

run(work)
print(seen)
"""
    )
    assert script.output(program) == "[['early', 'early'], ['late', 'late']]\n"
