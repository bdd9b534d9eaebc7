"""Maps over many items, all kept or none, against the pools of others: one run, in turns.

A map of others over hits is one over a memoised function, by ``functools.lru_cache`` or joblib's
``Memory``; over misses what is measured is what a map costs beyond the calls, whose function does
nothing. ``f.map`` writes every result to the journal meanwhile; the pools keep nothing.
"""

from __future__ import annotations

import functools
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from outlive import Cache

from . import peers
from .report import Table

Map = Callable[[list[str]], Any]
WORKERS = 8


def body(item: str) -> dict[str, str]:
    """Give a small result at once."""
    return {"item": item}


def _pool(function: Callable[[str], Any]) -> Map:
    def run(items: list[str]) -> None:
        with ThreadPoolExecutor(WORKERS) as pool:
            for _ in pool.map(function, items):
                pass

    return run


def _thread_map(function: Callable[[str], Any]) -> Map:
    from tqdm.contrib.concurrent import thread_map

    return lambda items: thread_map(function, items, max_workers=WORKERS, disable=True)


def _joblib(folder: str) -> Map:
    import joblib

    function = joblib.Memory(folder, verbose=0).cache(body)
    parallel = joblib.Parallel(n_jobs=WORKERS, backend="threading")
    return lambda items: parallel(joblib.delayed(function)(item) for item in items)


def _outlive(folder: str) -> tuple[Cache, Map]:
    cache = Cache(f"{folder}/cache.json")
    function = cache.memoise(body, name="body")

    def run(items: list[str]) -> None:
        for _ in function.map(items, workers=WORKERS, progress=False):
            pass

    return cache, run


def _maps(folder: str) -> dict[str, tuple[Map, Map]]:
    """How each maps over hits, and over misses."""
    shared = functools.lru_cache(maxsize=None)(body)
    _, mine = _outlive(folder)
    found = {"f.map": (mine, mine), "concurrent.futures": (_pool(shared), _pool(body))}
    if peers.installed("tqdm"):
        found["tqdm thread_map"] = (_thread_map(shared), _thread_map(body))
    if peers.installed("joblib"):
        both = _joblib(f"{folder}/joblib")
        found["joblib Parallel + Memory"] = (both, both)
    return found


def _size(name: str, items: int) -> int:
    """joblib takes a millisecond for an item: it gets fewer."""
    return max(50, items // 50) if name.startswith("joblib") else items


def tables(items: int, rounds: int) -> Iterator[Table]:
    """Two tables: nanoseconds for an item that is kept, and for one that is computed."""
    hits: dict[str, list[float]] = {}
    misses: dict[str, list[float]] = {}
    fresh = itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        maps = _maps(folder)
        for turn, (name, (hit, miss)) in itertools.product(range(rounds + 1), maps.items()):
            size = _size(name, items)
            new = [f"https://api.example.org/{next(fresh)}" for _ in range(size)]
            old = [f"https://api.example.org/old/{n}" for n in range(size)]
            costs = _time(miss, new) / size, _time(hit, old) / size
            if turn > 0:  # the first fills what is kept
                misses.setdefault(name, []).append(costs[0])
                hits.setdefault(name, []).append(costs[1])
    for kind, found, most in (("kept", hits, 5_000.0), ("computed", misses, 60_000.0)):
        values = {name: statistics.median(chunks) for name, chunks in found.items()}
        title = f"A map over {items:,} items that are {kind}, for each"
        yield Table(title, "ns", values, limits={"f.map": most})
    yield _first_pieces(items)


def _first_pieces(calls: int) -> Table:
    """How much later than the bare function's the first piece of a stream comes."""

    def stream(item: str) -> Iterator[str]:
        yield item
        yield item

    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(f"{folder}/cache.json")
        recorded: Any = cache.memoise(stream, name="stream")
        # Until a cache has kept anything, each miss looks whether another process has begun to.
        begun = _first_piece([stream, recorded], calls, lambda source: source.close())
        kept = _first_piece([stream, recorded], calls, list)
        cache.close()
    values = {"beyond the bare function's": kept, "the same, nothing is kept yet": begun}
    return Table(
        "The first piece of a stream that is recorded",
        "ns",
        values,
        limits={"beyond the bare function's": 5_000.0},
    )


def _first_piece(functions: list[Any], calls: int, end: Callable[[Any], object]) -> float:
    """How much later than that of the first function the piece of the other one comes, in ns."""
    times: list[list[int]] = [[], []]
    for number, (which, function) in itertools.product(range(calls), enumerate(functions)):
        source = function(f"https://api.example.org/{number}")
        start = time.perf_counter_ns()
        next(source)
        times[which].append(time.perf_counter_ns() - start)
        end(source)
    bare, ours = map(statistics.median, times)
    return max(1.0, ours - bare)


def _time(run: Map, items: list[str]) -> float:
    """Nanoseconds of a map."""
    start = time.perf_counter_ns()
    run(items)
    return float(time.perf_counter_ns() - start)
