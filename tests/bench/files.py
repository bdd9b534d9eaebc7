"""Files and processes: loads, saves, memory, imports. Each job has a process of its own."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import peers, samples
from .report import Table

_TESTS = Path(__file__).parent.parent
_MB = 1_000_000


def _job(name: str, path: Path, times: int = 1) -> dict[str, float]:
    """The figures of a job, the least of some runs."""
    command = [sys.executable, str(_TESTS / "bench" / "child.py"), name, str(path)]
    environment = os.environ | {"PYTHONPATH": str(_TESTS)}
    runs = [
        json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
        for _ in range(times)
    ]
    return {figure: min(run[figure] for run in runs) for figure in runs[0]}


def _write(path: Path, size: int, wanted: int = 1 << 62) -> None:
    """A flat file of ``size`` bytes or ``wanted`` entries, values of about 0.9 KB."""
    value = samples.issue()
    del value["user"], value["labels"], value["assignees"]
    text = json.dumps(value)
    with path.open("w") as file:
        file.write("{")
        written, number = 0, 0
        while written < size and number < wanted:
            comma = ",\n" if number else "\n"
            written += file.write(f'{comma}"https://api.example.org/issues/{number}": {text}')
            number += 1
        file.write("\n}\n")


def _size(megabytes: int) -> str:
    return f"{megabytes // 1000} GB" if megabytes >= 1000 else f"{megabytes} MB"


def loads(folder: Path, megabytes: int, times: int) -> Iterator[Table]:
    """CPU seconds and memory of a load."""
    path = folder / f"{megabytes}.json"
    _write(path, megabytes * _MB)
    runs = {
        "outlive": _job("outlive-load", path, times),
        "json.load": _job("json-load", path, times),
    }
    if peers.installed("orjson"):
        runs["orjson.loads"] = _job("orjson-load", path, times)
    yield Table(
        f"Load at import, {_size(megabytes)}, CPU",
        "s",
        {name: run["cpu"] for name, run in runs.items()},
        ratios={"json.load": 20.0, "orjson.loads": 15.0} if megabytes >= 100 else {},
        note="ours checks structure and UTF-8, values are decoded when first used",
    )
    yield Table(
        f"Load at import, {_size(megabytes)}, peak memory",
        "MB",
        {name: run["peak"] for name, run in runs.items()},
        limits={"outlive": 1.2 * path.stat().st_size / (1 << 20)},
    )


_RUNS = {
    "outlive": """
from outlive import memoise

@memoise
def ask(uri): raise LookupError(uri)

ask("https://api.example.org/issues/7")
""",
    "the original": """
import json
with open("cache_file.json") as file:
    cache = json.load(file)
cache["https://api.example.org/issues/7"]
with open("cache_file.json", "w") as file:
    json.dump(cache, file)
""",
}


def whole_run(folder: Path, megabytes: int, times: int) -> Table:
    """CPU of a program that asks for one result of a large file, from its start to its end."""
    here = folder / "run"
    here.mkdir()
    _write(here / "cache_file.json", megabytes * _MB)
    runs = {
        name: [_cpu([sys.executable, "-c", run], here) for _ in range(times)]
        for name, run in _RUNS.items()
    }
    return Table(
        f"A program with one hit, {_size(megabytes)}, CPU from start to end",
        "s",
        {name: min(run) for name, run in runs.items()},
        note="nothing new is computed; the original writes its file all the same",
    )


def saves(folder: Path, megabytes: int, times: int) -> Table:
    """CPU seconds of a save."""
    path = folder / f"{megabytes}.json"
    ours, theirs = _job("outlive-save", path, times), _job("json-save", path, times)
    return Table(
        f"Save of {_size(megabytes)}, CPU",
        "s",
        {
            "outlive, all rewritten": ours["all"],
            "outlive, one new entry, while running": ours["one"],
            "outlive, nothing new": ours["nothing"],
            "json.dump": theirs["all"],
        },
        ratios={"json.dump": 20.0},
        limits={"outlive, nothing new": 1e-3, "outlive, one new entry, while running": 1e-3},
        note="ours writes a new file, syncs it and renames it",
    )


def memory(folder: Path) -> Table:
    """100,000 loaded entries of which 1,000 are used."""
    path = folder / "entries.json"
    _write(path, 1 << 62, 100_000)
    ours, theirs = _job("outlive-touch", path), _job("json-touch", path)
    file = path.stat().st_size / (1 << 20)
    return Table(
        "Memory of 100,000 entries of 1 KB, 1 % of them used",
        "MB",
        {"outlive": ours["memory"], "the file": file, "a dict of objects": theirs["memory"]},
        ratios={"a dict of objects": 1 / 0.35},
        limits={"outlive": 1.3 * file},
    )


def collections(folder: Path) -> Table:
    """What the garbage collector has to do."""
    ours, theirs = _job("outlive-collect", folder), _job("dict-collect", folder)
    return Table(
        "gc.collect() with 20,000 cached dicts of 2 KB",
        "s",
        {"outlive": ours["seconds"], "a dict of dicts": theirs["seconds"]},
        ratios={"a dict of dicts": 5.0},
    )


_IMPORTS = {
    "outlive, Cache": "from outlive import Cache",
    "outlive, the drop-in": "from outlive import memoise",
    "functools": "import functools",
    "cachetools": "import cachetools",
    "cachebox": "import cachebox",
    "moka-py": "import moka_py",
    "joblib": "import joblib",
    "diskcache": "import diskcache",
    "cachier": "import cachier",
}


def imports(folder: Path, times: int) -> Table:
    """CPU time of a process that imports and ends, beyond one that does nothing; no cache file."""
    lines = {"": "pass", **_IMPORTS}
    for line in lines.values():
        _cpu([sys.executable, "-c", line], folder)  # compiles the sources
    runs: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(times):
        for name, line in lines.items():
            runs[name].append(_cpu([sys.executable, "-c", line], folder))
    bare = statistics.median(runs.pop(""))
    values = {name: max(statistics.median(run) - bare, 1e-6) for name, run in runs.items()}
    return Table(
        "Import, CPU beyond a bare interpreter",
        "s",
        values,
        limits={"outlive, Cache": 0.010, "outlive, the drop-in": 0.010},
        note="with compiled sources, as an installation leaves them",
    )


def _cpu(command: list[str], folder: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(command, cwd=folder, env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def tables(sizes: tuple[int, ...], times: int) -> Iterator[Table]:
    """All of them; ``sizes`` in MB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield imports(folder, times=max(times * 4, 8))
        yield collections(folder)
        yield memory(folder)
        for megabytes in sizes:
            yield from loads(folder, megabytes, times if megabytes < 1000 else min(times, 2))
        usual = sizes[min(1, len(sizes) - 1)]
        yield saves(folder, usual, times)
        yield whole_run(folder, usual, times)
