"""Forks and multiprocessing: children leave through os._exit, at any moment of their parent."""

from __future__ import annotations

import pytest

from faults.lab import Ended, Lab, Report

BUSY = """
import itertools
desk = Desk()
import time
counter = itertools.count({threads_from})
stop = False
def work():
    while not stop:
        desk.get(next(counter))
        time.sleep(0.001)  # else a long run spends its time on an ever larger file
def save():
    while not stop:
        desk.cache.save()
        len(desk.cache)
threads = [threading.Thread(target=work) for _ in range(3)] + [threading.Thread(target=save)]
for thread in threads: thread.start()
for round in range({rounds}):
    children = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            first = 100_000 + 30 * round + 10 * child
            for n in range(first, first + 10): desk.get(n)
            assert desk.answer(first) == expected(first)
            if child == 0: desk.cache.save()
            if child == 1: desk.cache.close()
            os._exit(0)
        children.append(pid)
    for pid in children:
        status = os.waitpid(pid, 0)[1]
        assert status == 0, status
stop = True
for thread in threads: thread.join()
"""


def test_fork_while_threads_are_in_the_cache(lab: Lab, long: bool, report: Report) -> None:
    """A child forked while other threads compute and save does not hang, and its results are kept."""
    rounds = 150 if long else 15
    ended = lab.run(BUSY.format(rounds=rounds, threads_from=1_000))
    assert ended == Ended(0, "", "")
    tally = lab.tally()
    assert (tally.lost, tally.wrong) == (0, 0)
    of_children = {n for n in lab.returned() if 100_000 <= n < 100_000 + 30 * rounds}
    assert len(of_children) == 30 * rounds
    assert lab.files() == ["cache.json"]
    report(f"{3 * rounds} forks, {tally.checked} results checked, 0 lost")


POOL = """
import multiprocessing
desk = Desk()
def work(n): return desk.get(n)["number"]
if __name__ == "__main__":
    desk.get(1_000)
    with multiprocessing.get_context("{method}").Pool(4) as pool:
        assert pool.map(work, range(100), 5) == list(range(100))
        pool.close()
        pool.join()
    desk.get(1_001)
"""


@pytest.mark.parametrize("door", ["own", "drop-in"])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pools_results_are_kept(lab: Lab, door: str, method: str) -> None:
    """The results of a Pool's workers are kept, although they leave through os._exit."""
    lab.door = door
    program = lab.home.parent / "program.py"
    program.write_text("from faults.inside import *\n" + POOL.format(method=method))
    code = f"import runpy; sys.argv[0] = {str(program)!r}; os.execv(sys.executable, [sys.executable, {str(program)!r}])"
    assert lab.run(code) == Ended(0, "", "")
    assert lab.tally() == (102, 0, 0)
    assert lab.files() == ["cache.json"]


TERMINATED = """
import multiprocessing
desk = Desk()
def work(n): return desk.get(n)["number"]
with multiprocessing.get_context("fork").Pool(4) as pool:
    for n in pool.imap_unordered(work, range(100_000)):
        if n > 300: break
"""


def test_a_pool_that_is_terminated(lab: Lab) -> None:
    """A Pool whose workers are ended by SIGTERM halfway loses nothing that they returned."""
    assert lab.run(TERMINATED) == Ended(0, "", "")
    tally = lab.tally()
    assert tally.checked > 300
    assert (tally.lost, tally.wrong) == (0, 0)


CHILD_LIVES_ON = """
desk = Desk()
desk.get(1)
if os.fork() == 0:
    {child}
    desk.get(2)
    say("child")
    {leave}
os.wait()
desk.get(3)
"""


@pytest.mark.parametrize("leave", ["sys.exit(0)", "os._exit(0)", "os.kill(os.getpid(), 9)"])
@pytest.mark.parametrize("child", ["pass", "desk.cache.save()", "desk.cache.close()"])
def test_a_child_leaves_the_parents_files_alone(lab: Lab, child: str, leave: str) -> None:
    """However a forked child leaves, its parent goes on and saves what both computed."""
    ended = lab.run(CHILD_LIVES_ON.format(child=child, leave=leave))
    assert ended == Ended(0, "child\n", "")
    assert lab.tally() == (3, 0, 0)
    assert lab.files() == ["cache.json"]


ORPHAN = """
desk = Desk()
desk.get(1)
ready, go = os.pipe()
if os.fork() == 0:
    os.close(go)
    os.read(ready, 1)
    desk.get(2)
    sys.exit(0)
os.close(ready)
"""


def test_a_child_that_ends_after_its_parent(lab: Lab) -> None:
    """A child that computes after its parent's clean exit keeps its results, too, and clears up."""
    assert lab.run(ORPHAN) == Ended(0, "", "")
    assert lab.tally() == (2, 0, 0)
    assert lab.files() == ["cache.json"]


DURING = """
desk = Desk()
def body(n):
    if os.fork() == 0:
        desk.get(10)
        os._exit(0)
    os.wait()
    return expected(n)
assert desk.cache.memoise(name="forking")(body)(1) == expected(1)
desk.get(11)
"""


def test_fork_inside_of_a_computation(lab: Lab) -> None:
    """A function that forks while it is computed may use the cache in the child."""
    assert lab.run(DURING) == Ended(0, "", "")
    assert lab.tally() == (2, 0, 0)


INHERITED = """
desk = Desk()
computing, release = threading.Event(), threading.Event()
parent = os.getpid()
def body(n):
    note("called", n)
    if os.getpid() == parent:
        computing.set()
        release.wait()
    return n
slow = desk.cache.memoise(name="slow")(body)
thread = threading.Thread(target=slow, args=(1,))
thread.start()
computing.wait()
pid = os.fork()
if pid == 0:
    say("waiting")
    assert slow(1) == 1
    os._exit(0)
{then}
release.set()
thread.join()
assert os.waitpid(pid, 0)[1] == 0
"""


def test_a_child_waits_for_what_its_parent_computes(lab: Lab) -> None:
    """A child that asks for a key which its parent's thread computes gets that result."""
    then = "time.sleep(0.2)"
    assert lab.run(INHERITED.format(then=then)) == Ended(0, "waiting\n", "")
    assert lab.called() == [1]


DROPPED = """
class Forks:
    def __deepcopy__(self, memo): return self
    def __del__(self):
        pid = os.fork()
        if pid == 0: os._exit(0)
        os.waitpid(pid, 0)
        say("forked")
desk = Desk()
desk.get(1)
keep = lambda: desk.cache.__setitem__("k", Forks())
keep(); desk.cache["k"] = 1
keep(); del desk.cache["k"]
keep(); desk.cache.clear()
desk.get(2)
"""


def test_a_value_that_forks_when_it_goes(lab: Lab) -> None:
    """Dropping an entry of the cache may run any code, even a fork."""
    ended = lab.run(DROPPED)
    assert (ended.status, ended.out) == (0, "forked\n" * 3)
    assert lab.tally() == (2, 1, 0)
