"""SIGKILL: at any moment, during a save, again and again on one file."""

from __future__ import annotations

import random
import signal
import time

import pytest

from faults.lab import Lab, Report, finish, heard

LOAD = """
desk = Desk()
say(desk.tally({last}))
def work(first):
    for n in range(first, first + 4_000_000, 4):
        desk.get(n % 40_000_000)
def save():
    while True:
        time.sleep(0.02)
        desk.cache.save()
for n in range(4):
    threading.Thread(target=work, args=({start} + n,)).start()
threading.Thread(target=save).start()
"""


@pytest.mark.parametrize("door", ["own", "drop-in"])
def test_killed_under_full_load(lab: Lab, door: str, long: bool, report: Report) -> None:
    """A process that is killed at any moment loses no result that a caller had received."""
    lab.door, kills, start = door, 110 if long else 10, 0
    for _ in range(kills):
        last, start = start, max(lab.returned(), default=0) + 1
        program = lab.start(LOAD.format(last=last, start=start))
        assert program.stdout is not None
        _, lost, wrong = map(int, program.stdout.readline().split())
        assert (lost, wrong) == (0, 0)
        time.sleep(random.uniform(0, 0.15))
        program.kill()
        ended = finish(program)
        assert ended.status == -signal.SIGKILL
        # The one before may have been killed in the middle of a write, before its caller had it.
        assert ended.err == "" or "only half written" in ended.err
    tally = lab.tally()
    assert (tally.lost, tally.wrong) == (0, 0)
    assert tally.checked > kills
    assert lab.files() == ["cache.json"]
    report(f"{kills} kills, {tally.checked} results checked, {tally.lost} lost")


def test_killed_while_it_saves_50_mb(lab: Lab, long: bool, report: Report) -> None:
    """A process killed while it saves a cache of 50 MB loses neither old entries nor new ones."""
    lab.fill(range(1_000_000, 1_050_000))
    assert lab.file.stat().st_size > 50_000_000
    kills, cut = 20 if long else 4, 0
    before = lab.file.stat()
    took = save_time(lab)
    for _ in range(kills):
        start = max(lab.returned()) + 1
        program = lab.start(SAVE.format(start=start))
        heard(program, "saving")
        time.sleep(random.uniform(0, took))
        program.kill()
        ended = finish(program)
        cut += ended.out == ""
    tally = lab.tally()
    assert tally == (50_000 + 10 * (kills + 1), 0, 0)
    assert cut > 0
    after = lab.file.stat()  # the number of a file that was replaced may be used again
    assert (after.st_ino, after.st_mtime_ns) != (before.st_ino, before.st_mtime_ns)
    assert lab.files() == ["cache.json"]
    report(
        f"{kills} kills, {cut} of them before the save had ended, {tally.checked} results, 0 lost"
    )


SAVE = """
desk = Desk()
for n in range({start}, {start} + 10):
    desk.get(n)
say("saving")
began = time.monotonic()
desk.cache.save()
say(time.monotonic() - began)
"""


def save_time(lab: Lab) -> float:
    """How long the save takes here, to kill within it."""
    ended = lab.run(SAVE.format(start=max(lab.returned()) + 1))
    return float(ended.out.split()[1])
