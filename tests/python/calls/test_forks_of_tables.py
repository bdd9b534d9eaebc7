"""Forks while other threads use tables of hits and copy results."""

from __future__ import annotations

import sys

import pytest

from support.programs import Scripts

FORKS = """
import os, threading
from outlive import Cache
cache = Cache("c.json")
f = cache.memoise(lambda key: [key], name="f")
over = False
def work(n):
    while not over:
        for key in range(50): assert f(key) == [key]
def renew():
    while not over: f.cache_clear()
threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(3)]
threads.append(threading.Thread(target=renew, daemon=True))
for thread in threads: thread.start()
for round in range(15):
    child = os.fork()
    if child == 0:
        late = threading.Thread(target=lambda: [f(key) for key in range(50)])
        late.start(); late.join()
        f.cache_info(), f.cache_clear(), f(1), f(1)
        assert sum(f.cache_info()[:2]) == 2
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
over = True
for thread in threads: thread.join()
print("done")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no forks")
def test_a_fork_finds_no_table_locked(script: Scripts) -> None:
    """A child forked while other threads hit, fill and clear tables can do all of it."""
    assert script.output(FORKS) == "done\n"


FORKS_OF_COPIERS = """
import os, signal, threading
from outlive import Cache
f = Cache().memoise(lambda key: [key, [1], {"a": [2]}], name="f")
over = False
def work():
    while not over: assert f(1) == [1, [1], {"a": [2]}]
for n in range(3): threading.Thread(target=work, daemon=True).start()
for round in range(40):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        assert f(1) == f(1) == [1, [1], {"a": [2]}]
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
over = True
print("done")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no forks")
def test_a_fork_finds_no_result_locked(script: Scripts) -> None:
    """A child forked while other threads copy one result can copy it, too."""
    assert script.output(FORKS_OF_COPIERS) == "done\n"
