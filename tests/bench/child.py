"""One job in a process of its own: ``python child.py JOB FILE`` prints its figures as JSON.

A process of its own because memory that another job left behind, or its live objects, would count.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Figures = dict[str, float]


def resident(field: str) -> float:
    """``VmRSS`` (now) or ``VmHWM`` (the most so far) in MB; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    return int(status.split(field + ":")[1].split()[0]) / 1024


def loading(load: Callable[[], Any]) -> Figures:
    """CPU seconds, and the most memory beyond what was there before."""
    before, start = resident("VmRSS"), time.process_time()
    kept = load()
    cpu = time.process_time() - start
    figures = {"cpu": cpu, "peak": resident("VmHWM") - before}
    del kept
    return figures


def _outlive_load(path: str) -> Figures:
    os.environ["OUTLIVE_FILE"] = path
    import outlive

    # Exactly what `from outlive import memoise` does.
    return loading(lambda: outlive.memoise)  # type: ignore[attr-defined]


def _json_load(path: str) -> Figures:
    def load() -> Any:
        with open(path) as file:
            return json.load(file)

    return loading(load)


def _orjson_load(path: str) -> Figures:
    import orjson

    return loading(lambda: orjson.loads(Path(path).read_bytes()))


def _timed(job: Callable[[], Any]) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


def _outlive_save(path: str) -> Figures:
    from outlive import Cache

    cache = Cache(path)
    len(cache)
    cache["warm"] = 0
    append = _timed(lambda: cache.__setitem__("a new key", {"n": 1}))
    return {"one": append, "all": _timed(cache.save), "nothing": _timed(cache.save)}


def _json_save(path: str) -> Figures:
    with open(path) as file:
        content = json.load(file)

    def dump() -> None:
        with open(path + ".saved", "w") as file:
            json.dump(content, file)

    return {"all": _timed(dump)}


def _outlive_touch(path: str) -> Figures:
    from outlive import Cache

    before = resident("VmRSS")
    cache = Cache(path)
    keys = list(cache)
    for key in keys[::100]:
        cache[key], cache[key]
    del keys
    return {"memory": resident("VmRSS") - before}


def _json_touch(path: str) -> Figures:
    before = resident("VmRSS")
    with open(path) as file:
        content = json.load(file)
    return {"memory": resident("VmRSS") - before, "entries": len(content)}


def _collection() -> float:
    """Seconds for one full collection, the best of some."""
    gc.collect()
    return min(_timed(gc.collect) for _ in range(7))


def _outlive_collect(_: str) -> Figures:
    from bench import samples
    from outlive import Cache

    bare = _collection()
    ask = Cache().memoise(lambda n: samples.issue(n), name="ask")
    for n in range(20_000):
        ask(n), ask(n), ask(n)  # nothing but text is kept before the second hit
    return {"seconds": _collection() - bare}


def _dict_collect(_: str) -> Figures:
    from bench import samples

    bare = _collection()
    kept = {n: samples.issue(n) for n in range(20_000)}
    return {"seconds": _collection() - bare, "entries": len(kept)}


JOBS: dict[str, Callable[[str], Figures]] = {
    name.strip("_").replace("_", "-"): job
    for name, job in list(globals().items())
    if name.endswith(("_load", "_save", "_touch", "_collect"))
}

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]](sys.argv[2])))
