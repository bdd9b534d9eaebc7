"""The interpreter's exit while threads are busy, and from within atexit handlers."""

from __future__ import annotations

import pytest

from faults.lab import Ended, Lab, Report

DAEMONS = """
import itertools
desk = Desk()
counter = itertools.count({start})
def work():
    while True: desk.get(next(counter))
def hit():
    while True: desk.answer({start})
def save():
    while True: desk.cache.save()
for target in (work, work, hit, save):
    threading.Thread(target=target, daemon=True).start()
time.sleep({pause})
"""


@pytest.mark.parametrize("door", ["own", "drop-in"])
def test_exit_while_daemon_threads_compute(lab: Lab, door: str, long: bool, report: Report) -> None:
    """A program that ends while daemon threads are in the cache exits cleanly and loses nothing."""
    lab.door, parts, checked = door, 10 if long else 1, 0
    for _ in range(parts):
        for n in range(10):
            start = max(lab.returned(), default=0) + 1
            ended = lab.run(DAEMONS.format(start=start, pause=n % 10 * 0.005))
            assert (ended.status, ended.err) == (0, "")
        tally = lab.tally()
        assert (tally.lost, tally.wrong) == (0, 0)
        assert tally.checked > 10
        # A thread may have come back after the save at exit; the next who writes clears up.
        assert lab.run("Desk().get(0)") == Ended(0, "", "")
        assert lab.files() == ["cache.json"]
        checked += tally.checked
        # The larger the file, the longer the save at exit, and the more is computed meanwhile.
        lab.begin_anew()
    report(f"{10 * parts} exits, {checked} results checked, 0 lost")


@pytest.mark.parametrize("when", ["before", "after"])
def test_calls_from_atexit_handlers(lab: Lab, when: str) -> None:
    """A result of an atexit handler is kept, whether registered before the cache or after it."""
    register = "atexit.register(lambda: [desk.get(n) for n in range(10, 20)])"
    lines = [register, "desk = Desk()"] if when == "before" else ["desk = Desk()", register]
    code = "\n".join(["import atexit", *lines, "desk.get(1)"])
    assert lab.run(code) == Ended(0, "", "")
    assert lab.tally() == (11, 0, 0)
    assert lab.files() == ["cache.json"]


def test_calls_from_destructors_at_the_end(lab: Lab) -> None:
    """A call while the interpreter tears its modules down is kept or computed, no more."""
    code = """
    class Late:
        def __del__(self, desk=Desk(), get=Desk.get): get(desk, 5)
    late = Late()
    """
    assert lab.run(code).status == 0
    assert lab.tally() == (1, 0, 0)


def test_save_while_other_threads_compute(lab: Lab, report: Report) -> None:
    """Saves that run while other threads compute, hit and delete lose nothing."""
    code = """
    desk = Desk()
    def work(first):
        for n in range(first, first + 300):
            desk.get(n)
            desk.cache[f"gone {n}"] = n
            del desk.cache[f"gone {n}"]
    threads = [threading.Thread(target=work, args=(1000 * t,)) for t in range(6)]
    for thread in threads: thread.start()
    while any(thread.is_alive() for thread in threads): desk.cache.save()
    assert len(desk.cache) == 1800
    """
    assert lab.run(code) == Ended(0, "", "")
    assert lab.tally() == (1800, 0, 0)
    assert lab.files() == ["cache.json"]
    report("1800 results, 0 lost")
