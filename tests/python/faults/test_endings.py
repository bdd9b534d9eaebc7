"""The ends of a process: signals, exits, exceptions, Ctrl-C; and its status and stderr, untouched."""

from __future__ import annotations

import random
import signal
import time

import pytest

from faults.lab import Lab, Report, finish, heard

ENDINGS = {
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
    "SIGHUP": ("os.kill(os.getpid(), signal.SIGHUP)", -signal.SIGHUP, ""),
    "abort": ("os.abort()", -signal.SIGABRT, ""),
    "os._exit": ("os._exit(3)", 3, ""),
    "sys.exit": ("sys.exit(4)", 4, ""),
    "sys.exit with a text": ("sys.exit('no more tokens')", 1, "no more tokens\n"),
    "an exception": ("raise ValueError('mine')", 1, "ValueError: mine\n"),
    "Ctrl-C": ("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT, "KeyboardInterrupt\n"),
    "a thread that fails": (
        "threading.Thread(target=desk.answer, args=('x', 'y')).start()",
        0,
        "TypeError: Desk.compute() takes 2 positional arguments but 3 were given\n",
    ),
}


@pytest.mark.parametrize("door", ["own", "drop-in"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_every_end_keeps_all(lab: Lab, door: str, ending: str) -> None:
    """However a process ends, its results are kept, and its status and stderr are its own."""
    lab.door = door
    code, status, last_words = ENDINGS[ending]
    ended = lab.run("desk = Desk()\nfor n in range(50): desk.get(n)\n" + code)
    assert ended.status == status
    assert ended.err.endswith(last_words)
    assert "outlive" not in ended.err.lower()
    assert bool(ended.err) == bool(last_words)
    assert lab.tally_and_warnings() == ((50, 0, 0), "")
    assert lab.files() == ["cache.json"]


SAVING = """
desk = Desk()
for n in range({start}, {start} + 10):
    desk.get(n)
say("saving")
{save}
"""


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("save", ["desk.cache.save()", "desk.cache.close()", "sys.exit(0)"])
def test_ctrl_c_while_it_saves(lab: Lab, times: int, save: str, long: bool, report: Report) -> None:
    """Ctrl-C during a save, once or twice, ends the program as usual and loses nothing."""
    lab.fill(range(1_000_000, 1_010_000))
    rounds, seen = 20 if long else 3, set()
    for _ in range(rounds):
        start = max(lab.returned()) + 1
        program = lab.start(SAVING.format(start=start, save=save))
        heard(program, "saving")
        for _ in range(times):
            time.sleep(random.uniform(0, 0.02))
            program.send_signal(signal.SIGINT)
        ended = finish(program)
        seen.add(ended.status)
        assert "Warning" not in ended.err
    tally = lab.tally()
    assert tally == (10_000 + 10 * rounds, 0, 0)
    assert seen <= {-signal.SIGINT, 0}
    assert lab.files() == ["cache.json"]
    report(f"{rounds} rounds, {tally.checked} results, 0 lost; statuses {sorted(seen)}")
