"""The command line on a file of many entries: the first rows, and the sums, against other readers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .report import Table

#: The goal of the first rows of a million entries, in seconds.
_FIRST_ROWS = 2.0


def _write(path: Path, entries: int) -> None:
    """An annotated file of three functions, some 200 bytes an entry."""
    with path.open("w") as file:
        file.write("{\n")
        for number in range(entries):
            name = ("shop.fetch", "shop.price", "model.ask")[number % 3]
            key = f'{name}(uri="https://api.example.org/items/{number}", page={number % 7})'
            value = {"id": number, "name": f"item {number}", "tags": ["a", "b"]}
            facts = {"at": 1.7e9 + number, "took": number % 977 / 1000, "code": "3f2a9c1b"}
            file.write(f"{json.dumps(key)}: {json.dumps({'result': value, **facts})},\n")
        file.write('"outlive": {"format": 2}\n}\n')


def _seconds(command: list[str]) -> float:
    """The CPU seconds of a command; the least of three runs."""
    found = []
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            _, status, usage = os.wait4(run.pid, 0)
            run.returncode = os.waitstatus_to_exitcode(status)
        assert run.returncode == 0, command
        found.append(usage.ru_utime + usage.ru_stime)
    return min(found)


def tables(entries: int) -> Iterator[Table]:
    """CPU seconds of ``outlive ls`` and ``stats``, of ``json.load`` and of jq."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.json"
        _write(path, entries)
        outlive = [sys.executable, "-m", "outlive"]
        load = f"import json; print(len(json.load(open({str(path)!r}))))"
        others = {"json.load": _seconds([sys.executable, "-c", load])}
        if shutil.which("jq"):
            others["jq length"] = _seconds(["jq", "length", str(path)])
        commands = {
            "ls -n 50": [*outlive, "ls", str(path), "-n", "50"],
            "ls --sort took -n 50": [*outlive, "ls", str(path), "--sort", "took", "-n", "50"],
            "stats": [*outlive, "stats", str(path)],
        }
        for name, command in commands.items():
            limit = {f"outlive {name}": _FIRST_ROWS} if name == "ls -n 50" else {}
            yield Table(
                f"outlive {name}, {entries:,} entries, CPU",
                "s",
                {f"outlive {name}": _seconds(command), **others},
                limits=limit,
                note="a process each, its start and its imports counted",
            )
