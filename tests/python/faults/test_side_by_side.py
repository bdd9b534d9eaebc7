"""Threads, processes, an editor and a disk that fills up, in random order."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from faults.lab import Lab, Report, finish
from faults.turns import Turns

THREADS = """
import random
from outlive import Cache
end = time.monotonic() + {seconds}
def work(first):
    numbers = iter(range(first, first + 100_000))
    while time.monotonic() < end:
        with Cache(os.environ["FAULTS_FILE"]) as cache:
            answer = cache.memoise(name="answer")(expected)
            for n in [next(numbers) for _ in range(random.randint(1, 4))]:
                assert answer(n) == expected(n)
                note("returned", n)
            if random.random() < 0.3: cache.save()
threads = [threading.Thread(target=work, args=({first} + 100_000 * n,)) for n in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_threads_that_open_save_and_close(
    lab: Lab, long: bool, report: Report, processes: int
) -> None:
    """Threads of one process or two that open, save and close one cache lose nothing."""
    code = [THREADS.format(seconds=30 if long else 1, first=400_000 * n) for n in range(processes)]
    programs = [lab.start(text) for text in code]
    assert [finish(program) for program in programs] == [(0, "", "")] * processes
    asked, lost, wrong = lab.tally()
    assert (lost, wrong) == (0, 0)
    assert lab.files() == ["cache.json"]
    report(f"{asked} answers, none lost")


#: A program that notes nothing in files, so that it goes on where there is no room; `limit` is how
#: large a file may grow.
DESK = """
import resource
def limit(size): resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
Desk.compute = lambda self, n: expected(n)
desk = Desk()
def get(n): assert desk.answer(n) == expected(n)
def quietly(act):
    try: act()
    except OSError: pass
for line in sys.stdin:
    exec(line)
    say("done")
"""

#: No limit, as far as these files go.
ROOM = 1 << 40


class Story:
    """Programs on one file that take turns, and a list of what must be found in the end."""

    def __init__(self, lab: Lab, random: Random) -> None:
        """Start two programs."""
        self.lab, self.random = lab, random
        self.programs = [Turns(lab, DESK) for _ in range(2)]
        self.returned: list[int] = []
        self.edited: dict[str, Any] = {}

    def go(self, steps: int, *more: str) -> None:
        """Do so many steps, of those that all stories have and of these."""
        for n in range(steps):
            step = self.random.choice(["get", "get", "get", "save", "close", "restart", *more])
            getattr(self, step)(self.random.randrange(2), n)

    def get(self, who: int, n: int) -> None:
        """Have a program call the function."""
        self.programs[who].do(f"get({n})")
        self.returned.append(n)

    def save(self, who: int, _: int) -> None:
        """Have a program save, whether there is room or not."""
        self.programs[who].do("quietly(desk.cache.save)")

    def close(self, who: int, _: int) -> None:
        """Have a program close the cache, and go on."""
        self.programs[who].do("quietly(desk.cache.close)")

    def restart(self, who: int, _: int) -> None:
        """End a program, which has room, and start it again."""
        self.programs[who].do(f"limit({ROOM})")
        self.programs[who].end()
        self.programs[who] = Turns(self.lab, DESK)

    def full(self, who: int, _: int) -> None:
        """Let a program write no more than a few bytes into any file."""
        self.programs[who].do(f"limit({self.random.choice([0, 10, 200])})")

    def room(self, who: int, _: int) -> None:
        """Let a program write again."""
        self.programs[who].do(f"limit({ROOM})")

    def edit(self, in_place: int, n: int) -> None:
        """Add an entry as an editor does: in place, or by a new file."""
        file = self.lab.file
        entries = json.loads(file.read_bytes()) if file.exists() else {}
        last = {key: entries.pop(key) for key in ["outlive"] if key in entries}
        entries[f"edited {n}"] = {"result": n} if last else n
        self.edited[f"edited {n}"] = n
        written(file, json.dumps(entries | last, indent=1), bool(in_place))

    def end(self) -> None:
        """End both programs, with room, and look what the next one finds."""
        for who, program in enumerate(self.programs):
            self.room(who, 0)
            program.end()
        # Its function notes calls, that of the programs does not: other code, the same answers.
        code = f"""
desk = Desk(on_code_change="ignore")
with desk.cache.mode("offline"):
    for n in {self.returned}: assert desk.answer(n) == expected(n), n
for key, value in {self.edited}.items(): assert desk.cache[key] == value, key
"""
        assert self.lab.run(code) == (0, "", "")
        assert self.lab.files() == ["cache.json"]


def written(path: Path, text: str, in_place: bool) -> None:
    """Give a file other contents."""
    if in_place:
        path.write_text(text)
        return
    other = path.with_suffix(".new")
    other.write_text(text)
    other.replace(path)


def stories(lab: Lab, long: bool) -> Iterator[Story]:
    """Stories with the seeds from FAULTS_SEED on; the one that fails is named."""
    first = int(os.environ.get("FAULTS_SEED", "0"))
    for seed in range(first, first + (150 if long else 3)):
        lab.begin_anew()
        story = Story(lab, Random(seed))
        yield story
        try:
            story.end()
        except AssertionError as error:
            raise AssertionError(f"FAULTS_SEED={seed}") from error


def test_savers_in_turn_beside_an_editor(lab: Lab, long: bool) -> None:
    """Programs that save and close in turn keep what each of them and an editor put into the file."""
    for story in stories(lab, long):
        story.go(25, "save", "edit", "edit")


def test_room_that_comes_and_goes(lab: Lab, long: bool) -> None:
    """Results returned while there was no room are kept until there is, whichever process saves."""
    for story in stories(lab, long):
        story.go(25, "full", "room")
