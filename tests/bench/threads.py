"""Two threads that call one function, where no GIL makes them take turns.

What counts is the throughput of both together against that of one alone, in wall time: the best of
many short rounds, because whatever else runs on the machine takes one of the cores away. The calls
go through a global name, as those of a real program do.
"""

from __future__ import annotations

import queue
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from outlive import Cache

from . import peers, samples
from .report import Table

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
#: Both threads are woken so long before the moment at which they start.
_HEAD_START_NS = 300_000
_LOOP = """
def run(keys, moment, clock):
    while clock() < moment: pass
    start = clock()
    for k in keys: {call}
    return start, clock()
"""
#: How many times as much as one thread two of ours must get done, with keys of their own and with
#: the same ones.
_GOAL, _SAME = 1.3, 1.2


class _Runner(threading.Thread):
    """A thread that stays for all rounds, with keys of its own making."""

    def __init__(self, numbers: range, calls: int, function: Callable[..., Any]) -> None:
        super().__init__(daemon=True)
        self.numbers, self.calls, self.function = numbers, calls, function
        #: The loop and the moment; None to end.
        self.orders: queue.SimpleQueue[tuple[str, int] | None] = queue.SimpleQueue()
        self.spans: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
        self.start()

    def run(self) -> None:
        """Do as ordered."""
        keys = [f"https://api.example.org/issues/{number}" for number in self.numbers]
        keys *= self.calls // len(keys)
        spaces: dict[str, dict[str, Any]] = {
            call: {"f": self.function} for call in ("pass", "f(k)")
        }
        for call, space in spaces.items():
            exec(_LOOP.format(call=call), space)
            space["run"](keys, 0, time.perf_counter_ns)
        for call, moment in iter(self.orders.get, None):
            self.spans.put(spaces[call]["run"](keys, moment, time.perf_counter_ns))


def _round(runners: list[_Runner], call: str) -> float:
    """Nanoseconds of wall time for each turn of the loop, of all ``runners`` together."""
    moment = time.perf_counter_ns() + _HEAD_START_NS
    for runner in runners:
        runner.orders.put((call, moment))
    spans = [runner.spans.get() for runner in runners]
    took = max(end for _, end in spans) - min(start for start, _ in spans)
    return took / sum(runner.calls for runner in runners)


def _scaling(
    function: Callable[..., Any], parts: tuple[range, range], calls: int, seconds: float
) -> tuple[float, float]:
    """Nanoseconds of a call by one thread alone, and how many times as much two get done."""
    if sys._is_gil_enabled():
        raise RuntimeError("an extension has put the GIL back: PYTHON_GIL=0 keeps it away")
    runners = [_Runner(part, calls, function) for part in parts]
    best: dict[tuple[int, str], float] = {}
    end = time.monotonic() + seconds
    while not best or time.monotonic() < end:
        for few in (1, 2):
            for call in ("pass", "f(k)"):
                took = _round(runners[:few], call)
                best[few, call] = min(best.get((few, call), took), took)
    for runner in runners:
        runner.orders.put(None)
        runner.join()
    alone, both = (max(best[few, "f(k)"] - best[few, "pass"], 0.01) for few in (1, 2))
    return alone, alone / both


def _answer(uri: str) -> str:
    return f"{uri}?"


def _table(
    title: str, parts: tuple[range, range], seconds: float, goal: float | None = None
) -> Table:
    """How much more two threads get done than one."""
    made = {"outlive": lambda: Cache().memoise(_answer)}
    made |= {name: lambda peer=peer: peer()(_answer) for name, peer in peers.IN_MEMORY.items()}
    scaled = {n: _scaling(make(), parts, 100_000, seconds) for n, make in made.items()}
    return _of(title, scaled, {"outlive": goal} if goal else {})


def _of(title: str, scaled: dict[str, tuple[float, float]], least: dict[str, float]) -> Table:
    alone = ", ".join(f"{name} {ns:.3g} ns" for name, (ns, _) in scaled.items())
    values = {name: ratio for name, (_, ratio) in scaled.items()}
    return Table(title, "x", values, least=least, note=f"one thread alone: {alone}")


def _copied(result: Any) -> Callable[..., Any]:
    """A function whose results are copies of this."""
    return Cache().memoise(lambda uri: result, name="copied")


def _copies(seconds: float) -> Table:
    """The default for a container: each hit is a copy."""
    value, two = samples.issue(), {"id": 1_000, "name": "a dict of two members"}
    part, one = range(100), range(1)
    fresh = {
        "outlive, 2 KB, 100 keys each": (value, (part, range(100, 200))),
        "outlive, 2 KB, the same 100 keys": (value, (part, part)),
        "outlive, two members, one key": (two, (one, one)),
    }
    scaled = {
        name: _scaling(_copied(result), parts, 5_000, seconds)
        for name, (result, parts) in fresh.items()
    }
    least = dict.fromkeys(list(fresh)[1:], _SAME)
    return _of("Two threads against one: hits, a fresh dict", scaled, least)


def tables(seconds: float) -> Iterator[Table]:
    """All of them, ``seconds`` for each line; none where threads take turns anyway."""
    if not FREE_THREADED:
        return
    title = "Two threads against one: hits, {}"
    many, one = (range(5_000), range(5_000, 10_000)), (range(1), range(1, 2))
    yield _table(title.format("10,000 keys, half of them each"), many, seconds, _GOAL)
    yield _table(title.format("one key each"), one, seconds, _GOAL)
    yield _table(title.format("the same key"), (range(1), range(1)), seconds, _SAME)
    yield _copies(seconds)
