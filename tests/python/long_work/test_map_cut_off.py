"""Maps whose threads are gone or never began: they go on, or end; they never wait for ever."""

from __future__ import annotations

import os
import threading

import pytest

from outlive import Cache
from support.programs import Scripts
from support.threads import STUCK, Worker

FORKING = """
import os, signal, threading
from outlive import Cache

parent, gate = os.getpid(), threading.Event()

@Cache(None).memoise
def f(n):
    if n >= 2 and os.getpid() == parent:
        gate.wait()
    return 2 * n

results = f.map(range(20), workers=2)
assert [next(results), next(results)] == [0, 2]
pid = os.fork()
if pid == 0:
    signal.alarm({stuck})
    {child}
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
gate.set()
assert list(results) == list(range(4, 40, 2))
print("done")
"""


def test_a_map_without_threads_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no thread can be started, the map raises what Python says."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("outlive map"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    f = Cache(None).memoise(abs, name="f")
    error = Worker(lambda: list(f.map([1, 2, 3]))).finish()
    assert isinstance(error, RuntimeError)
    assert "can't start" in str(error)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.parametrize(
    "child",
    [
        "assert list(results) == list(range(4, 40, 2))",
        "results.close()",
        "next(results); del results",
    ],
    ids=["goes on", "closes it", "breaks off"],
)
def test_a_map_goes_on_in_the_child_of_a_fork(script: Scripts, child: str) -> None:
    """A child makes the calls that were under way in the parent's threads itself."""
    program = FORKING.format(stuck=STUCK, child=child)
    # From 3.12 on Python warns of forks among threads.
    assert script.output(program) == "done\n"


class CutInError(Exception):
    """Stands for what the handler of a signal raises."""


def test_an_interrupt_while_a_thread_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a signal's exception comes in just after a thread was started, the map ends with it."""
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        if thread.name.startswith("outlive map"):
            raise CutInError

    f = Cache(None).memoise(abs, name="f")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        error = Worker(lambda: list(f.map([1, 2, 3]))).finish()
    assert isinstance(error, CutInError)
    assert list(f.map([-1])) == [1]
