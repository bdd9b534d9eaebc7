"""Results on a disk that need not fit into memory: a database of outlive's against what others use.

All functions of a table are timed one after the other in one run: what one of them syncs to the disk
would make the next one wait.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from outlive import Cache

from . import peers, samples
from .report import Table
from .timing import Variant, measure

_TESTS = Path(__file__).parent.parent
_SOURCE = json.dumps(samples.issue())
#: How many results a function has before its hits are timed.
_FILLED = 2_000
_PROCESSES = 8
#: A result of which a page of a database holds less than a half.
_LONG = json.dumps([samples.issue(number) for number in range(12)])


def answer(uri: str) -> Any:
    """A result of 2 KB that is a new object each time, as any real one is."""
    return json.loads(_SOURCE)


def long_answer(uri: str) -> Any:
    """A result of 20 KB, no two of which are equal."""
    return [uri, *json.loads(_LONG)]


def database(folder: str) -> peers.Decorator:
    """A database of outlive's, of which nothing is held in memory."""
    cache = Cache(Path(folder) / "ours.db", near=0)
    _caches.append(cache)
    return cache.memoise


_caches: list[Cache] = []


def _makers() -> dict[str, Callable[[str], peers.Decorator]]:
    return {"outlive": database, **peers.ON_DISK}


@contextmanager
def _made(function: peers.Function) -> Iterator[tuple[Path, dict[str, peers.Function]]]:
    """A folder, and ``function`` memoised by each of them in a folder of its own there."""
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, maker in _makers().items():
            place = Path(folder) / name
            place.mkdir()
            made[name] = maker(str(place))(function)
        try:
            yield Path(folder), made
        finally:
            _close_all()


def _close_all() -> None:
    peers.close_all()
    while _caches:
        _caches.pop().close()


def _uris(count: int) -> list[str]:
    return [f"https://api.example.org/{number}" for number in range(count)]


def _fresh() -> Callable[[int], Sequence[str]]:
    numbers = itertools.count()
    return lambda n: [f"https://api.example.org/fresh/{next(numbers)}" for _ in range(n)]


def misses(seconds: float) -> Table:
    """A result of 2 KB is computed and kept."""
    with _made(answer) as (_, functions):
        times = {}
        for name, function in functions.items():
            variant = Variant(name, "f(k)", {"f": function}, fresh=_fresh())
            share = seconds / len(functions)
            times[name] = measure([variant], [""], share, time.perf_counter_ns)[name].time
    return Table(
        "Miss, a result of 2 KB kept in a database, the function (7 us) included",
        "ns",
        times,
        ratios={"diskcache": 1.0},
        note="ours computes a key once among all threads and processes",
    )


def hits(seconds: float) -> Table:
    """One of some thousand results that are not in memory."""
    with _made(answer) as (_, functions):
        uris = _uris(_FILLED)
        for function in functions.values():
            for uri in uris:
                function(uri)
        variants = [Variant(name, "f(k)", {"f": f}) for name, f in functions.items()]
        times = measure(variants, uris[:200], seconds, time.perf_counter_ns)
    return Table(
        "Hit, a result of 2 KB that only the disk has",
        "ns",
        {name: variant.time for name, variant in times.items()},
        ratios={"diskcache": 1.7},
        note="a fresh object for each of them",
    )


def threads(seconds: float) -> Table:
    """Two threads that read different results."""
    with _made(answer) as (_, functions):
        rates = {}
        for name, function in functions.items():
            for uri in (uris := _uris(_FILLED)):
                function(uri)
            rates[name] = _rate_of_two(function, uris, seconds / (2 * len(_makers())))
    times = {name: 1e9 / rate for name, rate in rates.items()}
    return Table("The same, two threads together", "ns", times, ratios={"diskcache": 1.0})


def _rate_of_two(function: peers.Function, uris: Sequence[str], seconds: float) -> float:
    """Calls a second of both together."""
    done = [0, 0]
    begin, end = threading.Barrier(2), time.perf_counter() + seconds

    def work(which: int) -> None:
        begin.wait()
        for uri in itertools.cycle(uris[which::2]):
            function(uri)
            done[which] += 1
            if time.perf_counter() > end:
                return

    both = [threading.Thread(target=work, args=(which,)) for which in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    return sum(done) / seconds


def processes(seconds: float) -> Table:
    """Eight processes that compute different results at the same time."""
    times = {}
    for name in (name for name in _makers() if name in _TOGETHER):
        with tempfile.TemporaryDirectory() as folder:
            done = _work_together(name, folder, seconds)
            times[name] = 1e9 * seconds / max(done, 1)
    return Table(
        f"A miss of {_PROCESSES} processes together, the function (7 us) included",
        "ns",
        times,
        ratios={"diskcache": 1.0},
    )


#: Those that several processes may use at the same time.
_TOGETHER = ("outlive", "sqlite3 by hand", "diskcache", "joblib", "cachau", "checkpointer")


def _work_together(name: str, folder: str, seconds: float) -> int:
    command = [sys.executable, "-m", "bench.stores", name, folder, str(seconds)]
    environment = os.environ | {"PYTHONPATH": str(_TESTS)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    workers = [
        subprocess.Popen([*command, str(number)], env=environment, cwd=_TESTS, text=True, **pipes)  # type: ignore[call-overload]
        for number in range(_PROCESSES)
    ]
    for worker in workers:
        worker.stdout.readline()  # it has made its first result
    return sum(int(worker.communicate("go\n")[0]) for worker in workers)


def _work(name: str, folder: str, seconds: float, number: int) -> int:
    function = _makers()[name](folder)(answer)
    function(f"https://api.example.org/{number}/first")
    print("ready", flush=True)
    sys.stdin.readline()
    end = time.perf_counter() + seconds
    for done in itertools.count():
        function(f"https://api.example.org/{number}/{done}")
        if time.perf_counter() > end:
            return done + 1
    raise AssertionError


def sizes(results: int) -> Table:
    """What results of 20 KB take on the disk."""
    with _made(long_answer) as (folder, functions):
        for function in functions.values():
            for uri in _uris(results):
                function(uri)
        _close_all()
        taken = {name: _megabytes(folder / name) for name in functions}
    text = results * len(json.dumps(long_answer(_uris(1)[0]))) / 1e6
    return Table(
        f"{results} results of 20 KB on the disk",
        "MB",
        taken | {"their texts as JSON": text},
        note="once all are closed; long texts in a database are compressed",
    )


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def first_hit(megabytes: int) -> Table:
    """One result of a database that may be larger than memory, in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ours.db"
        _fill(path, megabytes)
        command = [sys.executable, "-c", _FIRST, str(path)]
        runs = [
            json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            for _ in range(5)
        ]
    best = {name: min(run[name] for run in runs) for name in runs[0]}
    return Table(
        f"The first hit of a process on a database of {megabytes:,} MB",
        "s",
        {"outlive": best["hit"], "importing outlive": best["import"]},
        limits={"outlive": 0.01},
    )


def _fill(path: Path, megabytes: int) -> None:
    # No two are alike, and none is long enough to be compressed.
    with Cache(path, near=0) as cache:
        text = json.loads(_SOURCE)
        for number in range(megabytes * 1_000_000 // (len(_SOURCE) + 100)):
            cache[f"https://api.example.org/{number}"] = {**text, "number": number}


_FIRST = """
import json, sys, time
start = time.perf_counter()
from outlive import Cache
imported = time.perf_counter()
assert Cache(sys.argv[1])["https://api.example.org/17"]["number"] == 17
print(json.dumps({"import": imported - start, "hit": time.perf_counter() - imported}))
"""


def tables(seconds: float, results: int, megabytes: int) -> Iterator[Table]:
    """All of them, about ``seconds`` each."""
    yield misses(seconds)
    yield hits(seconds)
    yield threads(seconds)
    yield processes(seconds / 3)
    yield sizes(results)
    yield first_hit(megabytes)


if __name__ == "__main__":
    name, folder, seconds, number = sys.argv[1:]
    print(_work(name, folder, float(seconds), int(number)))
