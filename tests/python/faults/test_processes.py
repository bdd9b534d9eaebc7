"""Several processes on one file, and other programs that write it."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from faults.lab import Lab, Report, finish, heard
from faults.turns import Turns
from support.files import results

WORK = "desk = Desk()\nfor n in range({first}, {first} + 200): desk.get(n)"


def test_four_processes_keep_800_keys(lab: Lab, report: Report) -> None:
    """Four processes with 200 keys each leave 800 entries."""
    programs = [lab.start(WORK.format(first=200 * n)) for n in range(4)]
    assert [finish(program) for program in programs] == [(0, "", "")] * 4
    assert len(results(lab.file)) == 800
    assert lab.tally() == (800, 0, 0)
    assert lab.files() == ["cache.json"]
    report("800 entries kept")


SAME = """
desk = Desk()
import random
numbers = list(range(200))
random.shuffle(numbers)
for n in numbers: desk.get(n)
"""


def test_four_processes_compute_each_key_once(lab: Lab, report: Report) -> None:
    """Four processes that ask for the same 200 keys run the body 200 times."""
    programs = [lab.start(SAME) for _ in range(4)]
    assert [finish(program) for program in programs] == [(0, "", "")] * 4
    assert sorted(lab.called()) == list(range(200))
    assert lab.files() == ["cache.json"]
    report(f"{len(lab.returned())} calls returned, {len(lab.called())} bodies ran")


SLOW = """
desk = Desk()
compute = desk.compute
def slowly(n):
    say("computing")
    {first}
    return compute(n)
answer = desk.cache.memoise(name="slow")(slowly)
say("ready")
assert answer(7) == expected(7)
"""


def test_killed_while_it_computes(lab: Lab) -> None:
    """When a process is killed while it computes, one that waits for its key takes over."""
    lab.fill(range(3))
    killed = lab.start(SLOW.format(first="time.sleep(1000)"))
    heard(killed, "ready")
    heard(killed, "computing")
    waiting = [lab.start(SLOW.format(first="")) for _ in range(3)]
    for program in waiting:
        heard(program, "ready")
    assert all(program.poll() is None for program in waiting)
    killed.kill()
    finish(killed)
    ends = [finish(program) for program in waiting]
    assert [end.status for end in ends] == [0, 0, 0]
    assert sorted(end.out for end in ends) == ["", "", "computing\n"]
    assert lab.files() == ["cache.json"]


def test_ctrl_c_while_waiting_for_another_process(lab: Lab) -> None:
    """A program that waits for another process's key can be interrupted."""
    busy = lab.start(SLOW.format(first="sys.stdin.read()"), stdin=-1)
    heard(busy, "ready")
    heard(busy, "computing")
    waiting = lab.start(SLOW.format(first=""))
    heard(waiting, "ready")
    waiting.send_signal(signal.SIGINT)
    assert finish(waiting).status == -signal.SIGINT
    assert busy.poll() is None
    assert finish(busy) == (0, "", "")


@pytest.mark.parametrize("step", ["desk.cache.save()", "pass"])
def test_a_deletion_is_not_undone(lab: Lab, step: str) -> None:
    """An entry that one process deletes stays deleted, although another one has it and saves."""
    lab.fill(range(10))
    one, two = Turns(lab), Turns(lab)
    two.do("assert len(desk.cache) == 10")
    one.do("desk.answer.forget(3)")
    one.do(step)
    two.do("desk.get(11)")
    two.do(step)
    assert (one.end(), two.end()) == ("", "")
    assert sorted(value["number"] for value in results(lab.file).values()) == [
        *(n for n in range(10) if n != 3),
        11,
    ]


@pytest.mark.parametrize("clear", ["desk.cache.clear()", "desk.answer.cache_clear()"])
@pytest.mark.parametrize("step", ["desk.cache.save()", "pass"])
def test_a_clearing_is_not_undone(lab: Lab, clear: str, step: str) -> None:
    """Entries that one process clears stay away, although another one has them and saves."""
    lab.fill(range(10))
    one, two = Turns(lab), Turns(lab)
    two.do("assert len(desk.cache) == 10")
    two.do("desk.get(10)")
    one.do(clear)
    one.do(step)
    two.do("desk.get(11)")
    two.do(step)
    assert (one.end(), two.end()) == ("", "")
    assert [value["number"] for value in results(lab.file).values()] == [11]


@pytest.mark.parametrize("clear", ["desk.cache.clear()", "desk.answer.cache_clear()"])
def test_a_clearing_takes_what_others_added(lab: Lab, clear: str) -> None:
    """Clearing a cache also clears what another process has just put there."""
    lab.door = "drop-in"
    one, two = Turns(lab), Turns(lab)
    one.do("assert len(desk.cache) == 0")
    two.do("desk.get(1)")
    one.do(clear)
    assert (one.end(), two.end()) == ("", "")
    assert lab.tally() == (1, 1, 0)


def test_a_deletion_of_what_others_added(lab: Lab) -> None:
    """An entry that another process has just put there can be deleted."""
    one, two = Turns(lab), Turns(lab)
    one.do("assert len(desk.cache) == 0")
    two.do("desk.cache['k'] = 1")
    one.do("del desk.cache['k']")
    assert (one.end(), two.end()) == ("", "")
    assert lab.run("say(len(Desk().cache))") == (0, "0\n", "")


def test_the_newest_result_wins(lab: Lab) -> None:
    """Of two results for one key the later one is kept, whoever saves last."""
    one, two = Turns(lab), Turns(lab)
    one.do("desk.cache['k'] = 'first'")
    two.do("desk.cache['k'] = 'second'")
    assert (two.end(), one.end()) == ("", "")
    assert results(lab.file) == {"k": "second"}


ORIGINAL = """
import atexit, json
try:
    with open(os.environ["FAULTS_FILE"]) as file: own = json.load(file)
except (OSError, ValueError):
    own = {}
def dump():
    with open(os.environ["FAULTS_FILE"], "w") as file: json.dump(own, file)
desk = None
for line in sys.stdin:
    exec(line)
    say("done")
dump()
"""


def test_a_program_that_rewrites_the_file_in_place(lab: Lab) -> None:
    """Entries of a program that truncates and rewrites the file are merged with ours."""
    lab.door = "drop-in"
    lab.fill(range(5))
    ours, theirs = Turns(lab), Turns(lab, ORIGINAL)
    ours.do("desk.get(6)")
    ours.do("desk.cache.save()")
    theirs.do("own['/theirs'] = {'a': 1}")
    theirs.do("dump()")
    ours.do("desk.get(7)")
    theirs.do("own['/more'] = [1]")
    assert (theirs.end(), ours.end()) == ("", "")
    kept = json.loads(lab.file.read_bytes())
    assert {"/theirs", "/more"} <= kept.keys()
    assert lab.tally() == (7, 0, 0)
    assert lab.files() == ["cache.json"]


def test_a_file_that_is_deleted_while_we_run(lab: Lab) -> None:
    """A file that the user deletes after our save is a fresh start, also for our own results."""
    ours = Turns(lab)
    ours.do("desk.get(1)")
    ours.do("desk.cache.save()")
    lab.file.unlink()
    ours.do("desk.get(2)")
    assert ours.end() == ""
    assert len(results(lab.file)) == 1


def test_what_was_deleted_does_not_come_back(lab: Lab) -> None:
    """A result that was deleted before a program rewrote the file stays deleted."""
    ours, theirs = Turns(lab), Turns(lab, ORIGINAL)
    ours.do("desk.cache['gone'] = 1; desk.cache['kept'] = 2; desk.cache.save()")
    ours.do("del desk.cache['gone']; desk.cache.save()")
    theirs.do("own['/theirs'] = 3; dump()")
    assert ours.end() == ""
    assert results(lab.file) == {"/theirs": 3, "kept": 2}
    assert theirs.end() == ""


REWRITE = """
import json
say("ready")
while not os.path.exists(os.environ["FAULTS_LOGS"] + "/stop"):
    with open(os.environ["FAULTS_FILE"]) as file: text = file.read()
    with open(os.environ["FAULTS_FILE"], "w") as file:
        for start in range(0, len(text), 1000):
            file.write(text[start:start + 1000])
            file.flush()
    time.sleep(0.002)
"""


def test_starting_while_the_file_is_rewritten(lab: Lab, long: bool, report: Report) -> None:
    """A file that somebody truncates and rewrites all the time is read whole, or a warning says so.

    A writer that the system holds up between truncating and writing cannot be told from damage; what
    it writes in the end is there for the next process, and nothing of ours is written over it.
    """
    lab.fill(range(200))
    size = lab.file.stat().st_size
    writer = lab.start(REWRITE)
    heard(writer, "ready")
    rounds, whole = 60 if long else 8, 0
    try:
        for _ in range(rounds):
            status, out, err = lab.run("desk = Desk()\nsay(desk.tally())\nos._exit(0)")
            asked, lost, wrong = map(int, out.split())
            assert (status, asked, wrong) == (0, 200, 0)
            assert lost == 0 or "CacheFileWarning" in err
            whole += not lost
    finally:
        (lab.logs / "stop").touch()
    assert finish(writer).status == 0
    assert lab.file.stat().st_size == size
    assert lab.run("desk = Desk()\nsay(desk.tally())\nos._exit(0)") == (0, "200 0 0\n", "")
    report(f"{rounds} starts, {whole} of them read all 200 entries at once, 0 lost")


def replaced(path: Path, entries: dict[str, object]) -> None:
    """Replace the file by a new one, as an editor does."""
    other = path.with_suffix(".new")
    other.write_text(json.dumps(entries, indent=2))
    other.replace(path)


def test_a_file_that_an_editor_replaced(lab: Lab) -> None:
    """An editor's change of the file holds for a running program, and for its save."""
    lab.fill(range(5))
    ours = Turns(lab)
    ours.do("desk.get(5)")
    entries = json.loads(lab.file.read_bytes())
    gone = next(key for key in entries if "3" in key)
    replaced(lab.file, {k: v for k, v in entries.items() if k != gone} | {"new": [1]})
    ours.do("desk.cache.save()")
    ours.do("assert desk.cache['new'] == [1]")
    assert ours.end() == ""
    kept = results(lab.file)
    assert gone not in kept
    assert kept["new"] == [1]
    assert sorted(v["number"] for k, v in kept.items() if k != "new") == [0, 1, 2, 4, 5]


def test_a_file_that_the_user_deleted(lab: Lab) -> None:
    """Deleting the file while no process uses it is a fresh start."""
    lab.fill(range(5))
    lab.file.unlink()
    assert lab.tally() == (5, 5, 0)


def test_a_file_deleted_while_it_is_used(lab: Lab) -> None:
    """After the file is deleted in use, only the process's own new results come back."""
    lab.fill(range(5))
    ours = Turns(lab)
    ours.do("desk.get(5)")
    lab.file.unlink()
    ours.do("desk.get(6)")
    assert ours.end() == ""
    kept = results(lab.file)
    assert sorted(value["number"] for value in kept.values()) == [5, 6]


def test_a_stopped_process_stops_nobody(lab: Lab) -> None:
    """While one process is suspended, others compute, save and end."""
    busy = Turns(lab)
    busy.do("desk.get(1)")
    os.kill(busy.program.pid, signal.SIGSTOP)
    try:
        assert lab.run("desk = Desk()\ndesk.get(2)\ndesk.cache.save()\ndesk.get(3)").status == 0
        time.sleep(0)
    finally:
        os.kill(busy.program.pid, signal.SIGCONT)
    busy.do("desk.get(4)")
    assert busy.end() == ""
    assert lab.tally() == (4, 0, 0)
    assert lab.files() == ["cache.json"]
