"""A call whose answer must be computed: what is added to the computation."""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from outlive import Cache

from . import goals, peers
from .report import Table
from .samples import ISSUE_TEXT, answer, fresh
from .timing import Variant, in_turn, measure

#: What a miss may cost beyond the function itself.
_MOST_NS = 4_000


def _filled(folder: Path, entries: int) -> Cache:
    """A cache on a file of so many small entries."""
    path = folder / f"filled-{entries}.json"
    lines = ",\n".join(f'"https://api.example.org/old/{n}": {{"n": {n}}}' for n in range(entries))
    path.write_text("{\n" + lines + "\n}\n")
    cache = Cache(path)
    len(cache)
    return cache


def by_size(seconds: float, sizes: Sequence[int]) -> Table:
    """The same miss in caches of different size, beyond the bare function."""
    with tempfile.TemporaryDirectory() as folder:
        caches = [_filled(Path(folder), size) for size in sizes]
        variants = [Variant("the bare function", "f(k)", {"f": answer}, fresh=fresh())]
        for size, cache in zip(sizes, caches, strict=True):
            names = {"f": cache.memoise(answer)}
            variants.append(Variant(f"with {size:,} entries", "f(k)", names, fresh=fresh()))
        variants.append(Variant("in memory", "f(k)", {"f": Cache().memoise(answer)}, fresh=fresh()))
        times = measure(variants, [""], seconds, time.perf_counter_ns)
        for cache in caches:
            cache.close()
    bare = times.pop("the bare function").time
    values = {name: variant.time - bare for name, variant in times.items()}
    return Table(
        "Miss, a result of 2 KB, beyond the bare function",
        "ns",
        values,
        limits=dict.fromkeys(list(values)[: len(sizes)], _MOST_NS),
        note=f"on disk before the caller has it: survives SIGKILL; the function takes {bare:,.0f} ns",
    )


def against_persistent(seconds: float) -> Table:
    """Misses and hits of the peers that keep results on a disk."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder) / "ours.json")
        functions = {"outlive": cache.memoise(answer)}
        for name, peer in peers.PERSISTENT.items():
            functions[name] = peer(str(Path(folder) / name))(answer)
        variants = [Variant(n, "f(k)", {"f": f}, fresh=fresh()) for n, f in functions.items()]
        times = in_turn(variants, [""], seconds)
        cache.close()
    return Table(
        "Miss, a result of 2 KB, the function (7 us) included",
        "ns",
        times,
        note="all of them keep it on the disk",
    )


def hits_of_persistent(seconds: float) -> Table:
    """A hit on a result of 2 KB: a fresh object for each of them."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder) / "ours.json")
        functions = {"outlive": cache.memoise(answer)}
        for name, peer in peers.PERSISTENT.items():
            functions[name] = peer(str(Path(folder) / name))(answer)
        variants = [Variant(n, "f(k)", {"f": f}) for n, f in functions.items()]
        times = measure(variants, ["https://api.example.org/1"], seconds, time.perf_counter_ns)
        cache.close()
    return Table(
        "Hit, a fresh dict of 2 KB, against those that persist",
        "ns",
        {name: variant.time for name, variant in times.items()},
    )


def after_restart(seconds: float) -> Table:
    """The first hit on each result of a file: no table knows the call, and the result is a text."""
    uris = [f"https://api.example.org/loaded/{number}" for number in range(50_000)]
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder) / "loaded.json")
        function = cache.memoise(answer)
        lines = ",\n".join(f"{json.dumps(function.cache_key(uri))}: {ISSUE_TEXT}" for uri in uris)
        (Path(folder) / "loaded.json").write_text("{\n" + lines + "\n}\n")
        len(cache)
        left = iter(uris)
        names = {"f": function}
        ours = Variant("outlive", "f(k)", names, fresh=lambda n: list(itertools.islice(left, n)))
        variants = [ours, Variant("json.loads", "f(k)", {"f": json.loads})]
        if peers.installed("orjson"):
            import orjson

            variants.append(Variant("orjson.loads", "f(k)", {"f": orjson.loads}))
        times = measure(variants, [ISSUE_TEXT], seconds)
        cache.close()
    return Table(
        "First hit on a result of 2 KB that was loaded",
        "ns",
        {name: variant.time for name, variant in times.items()},
        note="the others read its text; only ours includes the look-up",
    )


def in_memory(seconds: float) -> Table:
    """Misses without a file, against the peers in memory; the result is immutable."""
    functions = {"outlive": Cache().memoise(str.upper, name="upper", key="first")}
    functions |= {name: peer()(str.upper) for name, peer in _wrappable().items()}
    variants = [Variant(n, "f(k)", {"f": f}, fresh=fresh()) for n, f in functions.items()]
    times = measure(variants, [""], seconds, time.perf_counter_ns)
    return Table(
        "Miss in memory, a str",
        "ns",
        {name: variant.time for name, variant in times.items()},
        note="nobody keeps it; ours runs one computation per key at a time",
    )


def _wrappable() -> dict[str, Callable[[], peers.Decorator]]:
    wrappable = (goals.LRU, "the original", "moka-py")
    return {name: peer for name, peer in peers.IN_MEMORY.items() if name in wrappable}


def tables(seconds: float, sizes: Sequence[int]) -> Iterator[Table]:
    """All of them, ``seconds`` each."""
    yield by_size(seconds, sizes)
    yield after_restart(seconds)
    yield in_memory(seconds)
    yield against_persistent(seconds)
    yield hits_of_persistent(seconds)
