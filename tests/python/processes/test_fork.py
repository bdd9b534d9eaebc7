"""Forks: the child works on, and so does the parent, whatever other threads were doing."""

from __future__ import annotations

import os

import pytest

from support.programs import Scripts

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

BEGIN = """
import os, sys, threading, time, warnings
from outlive import memoise, cache, save_cache
warnings.simplefilter("ignore", DeprecationWarning)

def in_child(work):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = 0 if work() else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

"""
COUNT = "from outlive import cache; print(len(cache))"


def test_child_and_parent_share_the_file(script: Scripts) -> None:
    """A child's results are in the file though it left by ``os._exit``; the parent sees them."""
    program = (
        BEGIN
        + """
f = memoise(lambda key: [key, os.getpid()])
f("before")
print(in_child(lambda: f("before") and f("child")))
print(f("child")[1] == os.getpid(), f("before")[1] == os.getpid(), len(cache))
"""
    )
    assert script.output(program) == "0\nFalse True 2\n"
    assert script.output(COUNT) == "2\n"
    assert script.files == ["cache_file.json"]


def test_fork_inside_a_call(script: Scripts) -> None:
    """A function may fork: both processes end their call, and one result is kept."""
    program = (
        BEGIN
        + """
@memoise
def f(key):
    pid = os.fork()
    if pid == 0:
        return "child"
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return "parent"

value = f("k")
again = f("k")
if value == "child":
    os._exit(0 if again == "child" else 3)
print(value, again, len(cache))
"""
    )
    assert script.output(program) == "parent parent 1\n"
    assert script.output("from outlive import cache; print(dict(cache))") == "{'k': 'parent'}\n"


def test_fork_while_another_thread_computes(script: Scripts) -> None:
    """In the child the other thread is gone: its key is computed again, without waiting."""
    program = (
        BEGIN
        + """
begun, release = threading.Event(), threading.Event()
child = False

@memoise
def f(key):
    if not child:
        begun.set()
        release.wait(60)
    return [key]

def work():
    global child
    child = True
    return f("other") == ["other"] and f.peek("k") is None and len(cache) == 1

thread = threading.Thread(target=f, args=("k",))
thread.start()
begun.wait()
print(in_child(work))
release.set()
thread.join()
print(f("k"), f("other"), len(cache))
"""
    )
    assert script.output(program) == "0\n['k'] ['other'] 2\n"


def test_forks_while_threads_are_busy(script: Scripts) -> None:
    """Forks at any moment of other threads' hits, misses and saves give working children."""
    program = (
        BEGIN
        + """
sys.setswitchinterval(1e-5)
stop = threading.Event()
f = memoise(lambda key: [key])

def busy(start):
    n = start
    while not stop.is_set():
        f(n % 5000)
        f(n % 10)
        n += 1

def saves():
    while not stop.is_set():
        save_cache()
        len(cache), list(cache)[:2]

def work(n):
    return f(f"child {n}") == [f"child {n}"] and f(f"child {n}") and f(1) == [1] and len(cache) > 0

targets = [lambda: busy(0), lambda: busy(2500), saves]
threads = [threading.Thread(target=target) for target in targets]
for thread in threads:
    thread.start()
print({in_child(lambda: work(n)) for n in range(40)})
stop.set()
for thread in threads:
    thread.join()
save_cache()
print(all(f"child {n}" in cache for n in range(40)))
"""
    )
    assert script.output(program) == "{0}\nTrue\n"
    found = script.output(
        "from outlive import cache; print(all(f'child {n}' in cache for n in range(40)))"
    )
    assert found == "True\n"
    assert script.files == ["cache_file.json"]


def test_only_the_importing_process_saves_at_exit(script: Scripts) -> None:
    """A child that ends normally leaves the parent's files alone; the parent goes on."""
    program = (
        BEGIN
        + """
f = memoise(lambda key: [key])
f("before")
pid = os.fork()
f(f"{pid == 0}")
if pid == 0:
    sys.exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
f("after")
"""
    )
    assert script.output(program) == "0\n"
    assert script.output(COUNT) == "4\n"
    assert script.files == ["cache_file.json"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_keeps_all_results(script: Scripts, method: str) -> None:
    """Pools of every kind share the file: each result is kept, each key computed once at a time."""
    program = """
    import multiprocessing, sys
    from outlive import memoise, cache

    @memoise
    def square(n):
        return n * n

    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1])
        with context.Pool(3) as pool:
            print(sum(pool.map(square, range(60))))
        print(square(7), len(cache) >= 60)
    """
    assert script(program, method).out == "70210\n49 True\n"
    assert script.output(COUNT) == "60\n"


FIRST_CALLS = """
import os, signal, tempfile, threading
for round in range(25):
    parent = os.fork()
    if parent == 0:
        from outlive import Cache
        f = Cache(tempfile.mkdtemp(dir=".") + "/c.json").memoise(lambda x: x, name="f")
        over = False
        def work():
            n = 0
            while not over:
                n += 1
                f.put("x", n)
        for _ in range(2): threading.Thread(target=work, daemon=True).start()
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            f.put(1, -1)
            os._exit(0)
        os._exit(os.waitpid(child, 0)[1] != 0)
    assert os.waitpid(parent, 0)[1] == 0
print("done")
"""


def test_a_fork_beside_first_calls(script: Scripts) -> None:
    """A child inherits no value that another thread is making once."""
    assert script.output(FIRST_CALLS) == "done\n"


IMPORTING = """
import os, signal, sys, threading, time
from outlive import Cache

f = Cache(None).memoise(lambda x: 2 * x, name="f")
begun = threading.Event()

class Slow:
    def find_spec(name, path=None, target=None):
        if name == "outlive._long.tasks":
            begun.set()
            time.sleep(0.2)

if os.fork() == 0:  # imports what any fork does
    os._exit(0)
os.wait()
sys.meta_path.insert(0, Slow)
thread = threading.Thread(target=lambda: list(f.map([1, 2])))
thread.start()
begun.wait()
pid = os.fork()
if pid == 0:
    signal.alarm(20)
    os._exit(list(f.map([3])) != [6])
assert os.waitpid(pid, 0)[1] == 0
thread.join()
print("done")
"""


def test_a_fork_beside_an_import(script: Scripts) -> None:
    """A fork waits for what another thread imports of outlive on demand."""
    assert script.output(IMPORTING) == "done\n"


def test_a_fork_imports_no_library(script: Scripts) -> None:
    """What is imported before a fork is ours, or Python's own."""
    program = """
    import os, sys
    from outlive import Cache
    f = Cache(None).memoise(lambda n: [n])
    f(1)
    before = set(sys.modules)
    if os.fork() == 0:
        f(2)
        os._exit(0)
    os.wait()
    new = {name.partition(".")[0] for name in set(sys.modules) - before}
    print(new - sys.stdlib_module_names - {"outlive"})
    """
    assert script.output(program) == "set()\n"
