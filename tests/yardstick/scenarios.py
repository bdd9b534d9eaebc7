"""What is done to the subjects, and what is counted."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from yardstick.lab import Lab, ended, kill_after, some

#: How often what happens by chance is tried.
TRIALS = 10


@dataclass(frozen=True)
class Scenario:
    """One line of the table."""

    title: str
    best: str
    run: Callable[[Lab], str]


def killed(lab: Lab) -> str:
    """SIGKILL at any moment of a program that computes as fast as it can."""
    lost = returned = 0
    for _ in range(TRIALS):
        lab.begin_anew()
        program = lab.start("many", 0, 100_000)
        wait_for(lab, 10)
        kill_after(program, some(0.05, 0.5))
        one, of = lab.lost()
        lost, returned = lost + one, returned + of
    return share(lost, returned)


def ends(task: str) -> Callable[[Lab], str]:
    """An end that runs no cleaning up, after 50 results."""

    def run(lab: Lab) -> str:
        lab.run(task, 0, 50)
        return share(*lab.lost())

    return run


def killed_at_exit(lab: Lab) -> str:
    """SIGKILL while a program ends whose cache has 500 results of an earlier run."""
    lab.run("many", 0, 500)
    kept, bad = lab.copy(), 0
    began = time.monotonic()
    lab.run("many", 500, 501)
    length = time.monotonic() - began
    for _ in range(TRIALS):
        lab.restore(kept)
        kill_after(lab.start("many", 500, 501), some(0.4, 1.05) * length)
        before = len(lab.noted("called"))
        lab.run("many", 0, 500)
        bad += len(lab.noted("called")) > before
    return f"{bad} of {TRIALS} trials lost old results"


def no_room(lab: Lab) -> str:
    """No file may grow any more: do calls return, and are old results still there?"""
    lab.run("many", 0, 50)
    words = lab.run("no_room", 50, 60).split()
    calls = "calls return" if words == ["returned"] * 10 else "calls raise"
    before = len(lab.noted("called"))
    lab.run("many", 0, 50)
    gone = len(lab.noted("called")) - before
    return f"{calls}, " + ("old results kept" if not gone else f"{gone} of 50 old results lost")


def four_processes(lab: Lab) -> str:
    """Four processes with 100 numbers each."""
    programs = [lab.start("many", n * 100, n * 100 + 100) for n in range(4)]
    hang = [ended(program) for program in programs].count("hangs")
    return f"{hang} processes hang" if hang else share(*lab.lost(), of=400)


def one_set_of_keys(lab: Lab) -> str:
    """Four processes with the same 100 numbers, each of which takes a while to compute."""
    programs = [lab.start("many", 0, 100, sleep=0.02) for _ in range(4)]
    hang = [ended(program) for program in programs].count("hangs")
    return f"{hang} processes hang" if hang else f"computed {len(lab.noted('called'))} times"


def one_key(lab: Lab) -> str:
    """Eight threads ask for one number at once."""
    said = lab.run("threads", 1, 8, sleep=0.3)
    wrong = 8 - len(lab.noted("returned"))
    count = len(lab.noted("called"))
    runs = "hangs" if said == "hangs" else f"computed {count} times".replace(" 1 times", " once")
    return f"{runs}, {wrong} calls fail" if wrong else runs


def leader_killed(lab: Lab) -> str:
    """A process is killed while it computes; another one asks for the same."""
    program = lab.start("many", 1, 2, sleep=30)
    wait_for(lab, 1, "called")
    kill_after(program, 0.2)
    return "waits for ever" if lab.run("many", 1, 2) == "hangs" else "goes on"


def cut_off(lab: Lab) -> str:
    """The largest file is cut at random places; 100 results were in the cache."""
    return damaged(lab, lambda data: data[: random.randrange(1, len(data))])


def changed_byte(lab: Lab) -> str:
    """One byte of a file is another."""

    def flip(data: bytes) -> bytes:
        place = random.randrange(len(data))
        return data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :]

    return damaged(lab, flip)


def damaged(lab: Lab, damage: Callable[[bytes], bytes]) -> str:
    """Damage one file in each trial; count what of 100 results is lost, wrong, or raises."""
    lab.run("many", 0, 100)
    kept = lab.copy()
    counts = {"called": 0, "wrong": 0, "raised": 0}
    for _ in range(TRIALS):
        lab.restore(kept)
        file = max(lab.files(), key=lambda file: (file.stat().st_size, file))
        file.write_bytes(damage(file.read_bytes()))
        lab.run("many", 0, 100)
        seen = {word: len(lab.noted(word)) for word in counts}
        silent = 100 - sum(len(lab.noted(word)) for word in ("returned", "wrong", "raised"))
        seen["raised"] += silent  # the program did not even begin
        counts = {word: count + seen[word] for word, count in counts.items()}
    parts = [f"{counts['called'] / TRIALS:.0f} of 100 lost"]
    parts += [f"{counts['wrong']} wrong"] if counts["wrong"] else []
    parts += [f"{round(counts['raised'] / TRIALS, 1):n} calls raise"] if counts["raised"] else []
    return ", ".join(parts)


def shared(lab: Lab) -> str:
    """A caller changes what it got."""
    said = lab.run("change", 5)
    return {"shared": "the next caller sees it", "copied": "nobody sees it"}.get(said, "fails")


def wait_for(lab: Lab, count: int, log: str = "returned") -> None:
    """Wait until so many numbers are noted."""
    until = time.monotonic() + 30
    while len(lab.noted(log)) < count and time.monotonic() < until:
        time.sleep(0.01)


def share(lost: int, returned: int, of: int | None = None) -> str:
    """The count of lost results, with their share."""
    missing = (of or returned) - returned
    text = f"{lost} of {returned} lost"
    return f"{text}, {missing} calls fail" if missing else text


SCENARIOS = [
    Scenario("SIGKILL at any moment, results of calls that had returned", "0 lost", killed),
    Scenario("SIGTERM after 50 calls", "0 lost", ends("terminate")),
    Scenario("`os._exit` after 50 calls", "0 lost", ends("exit_at_once")),
    Scenario("SIGKILL at the end of a program, 500 old results", "0 trials", killed_at_exit),
    Scenario("no file may grow (a full disk)", "calls return, all kept", no_room),
    Scenario("4 processes, 100 calls each", "0 lost", four_processes),
    Scenario("4 processes, the same 100 calls", "100 times", one_set_of_keys),
    Scenario("8 threads, one call at once", "once", one_key),
    Scenario(
        "a process is killed while it computes what another one asks for", "goes on", leader_killed
    ),
    Scenario("the largest file is cut off, 100 results", "few lost", cut_off),
    Scenario("one bit of the largest file is flipped, 100 results", "0 wrong", changed_byte),
    Scenario("a caller changes the list that it got", "nobody sees it", shared),
]
