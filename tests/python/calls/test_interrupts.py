"""Ctrl-C: a real SIGINT, while a call computes or waits."""

from __future__ import annotations

import signal
import subprocess

import pytest

from support.programs import STUCK, Ended, Scripts

BEGIN = """
import signal, sys, threading, time
from outlive import memoise, cache

def ready():
    print("ready", flush=True)

def long():
    for _ in range(6000):  # a signal just before one long sleep would not be noticed
        time.sleep(0.01)

"""


def interrupted(process: subprocess.Popen[str], times: int = 1) -> Ended:
    """Send SIGINT as soon as the program says that it is ready; return how it ended."""
    assert process.stdout is not None
    with process:
        for _ in range(times):
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=STUCK)
    return Ended(out, err, process.returncode)


def test_ctrl_c_stops_the_computation(script: Scripts) -> None:
    """A KeyboardInterrupt in the function goes to the caller; nothing is kept; the next call works."""
    program = """
    @memoise
    def f(key):
        if key == "slow":
            ready()
            long()
        return key

    f("quick")
    try:
        f("slow")
    except KeyboardInterrupt:
        print("interrupted", dict(cache))
    """
    ended = interrupted(script.start(BEGIN + "if True:" + program))
    assert (ended.out, ended.status) == ("interrupted {'quick': 'quick'}\n", 0)


def test_ctrl_c_while_waiting(script: Scripts) -> None:
    """The main thread can be interrupted while it waits for another thread, which goes on."""
    program = """
    begun, release = threading.Event(), threading.Event()

    @memoise
    def f(key):
        begun.set()
        release.wait(60)
        return key

    thread = threading.Thread(target=f, args=("k",))
    thread.start()
    begun.wait()
    threading.Timer(0.2, ready).start()
    try:
        f("k")
    except KeyboardInterrupt:
        print("interrupted")
    release.set()
    thread.join()
    print(f("k"), len(cache))
    """
    ended = interrupted(script.start(BEGIN + "if True:" + program))
    assert (ended.out, ended.status) == ("interrupted\nk 1\n", 0)


def test_the_interrupted_computation_is_taken_over(script: Scripts) -> None:
    """If the computing main thread is interrupted, a thread that waits computes instead."""
    program = """
    calls = []

    @memoise
    def f(key):
        calls.append(key)
        if len(calls) == 1:
            threading.Timer(0.2, ready).start()
            long()
        return "taken over"

    found = []
    begun = lambda: (time.sleep(0.1), found.append(f("k")))
    thread = threading.Thread(target=begun)
    thread.start()
    try:
        f("k")
    except KeyboardInterrupt:
        thread.join()
        print(found, len(calls))
    """
    ended = interrupted(script.start(BEGIN + "if True:" + program))
    assert (ended.out, ended.status) == ("['taken over'] 2\n", 0)


def test_ctrl_c_while_another_process_computes(script: Scripts) -> None:
    """Waiting for another process can be interrupted, too."""
    other = BEGIN + "f = memoise(lambda key: (ready(), sys.stdin.read(), key)[2]); f('k')"
    waiter = (
        BEGIN
        + """
def f(key):
    print("computed")
threading.Timer(0.2, ready).start()
memoise(f)("k")
"""
    )
    with script.start(other) as first:
        assert first.stdout is not None and first.stdout.readline() == "ready\n"
        ended = interrupted(script.start(waiter))
        assert "KeyboardInterrupt" in ended.err and "computed" not in ended.out
        assert ended.status == -signal.SIGINT
        first.communicate("", timeout=STUCK)
    assert first.returncode == 0


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_a_program_as_always(script: Scripts, times: int) -> None:
    """A program that Ctrl-C ends keeps its results, and its exit status tells the signal."""
    program = (
        BEGIN
        + """
@memoise
def f(key):
    return [key]

f("kept")
try:
    ready()
    long()
finally:
    if len(sys.argv) > 1:
        ready()
        long()
"""
    )
    arguments = ["twice"] * (times - 1)
    ended = interrupted(script.start(program, *arguments), times)
    assert ended.status == -signal.SIGINT and "KeyboardInterrupt" in ended.err
    assert "outlive" not in ended.err
    assert script.output("from outlive import cache; print(dict(cache))") == "{'kept': ['kept']}\n"


def test_signal_handlers_may_call(script: Scripts) -> None:
    """A handler that interrupts a call may call memoised functions, even with its key."""
    program = (
        BEGIN
        + """
@memoise
def f(key):
    if key == "slow":
        for _ in range(20):
            time.sleep(0.01)
    return [key]

def handler(*_):
    f("in the handler")
    f.peek("slow")

signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
print(f("slow"))
for n in range(3000):
    f(n % 100)
signal.setitimer(signal.ITIMER_REAL, 0)
print(len(cache))
"""
    )
    assert script.output(program) == "['slow']\n102\n"
