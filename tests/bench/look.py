"""The command line on a file of many entries: the first rows, and the sums, against other readers."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from outlive import Cache

from .report import Table

_CODE = "3f2a9c1b"
_COLUMNS = "hash, function, used, size, created, timed, took, code, others, crc, key, text"
#: The goal of the first rows of a million entries, in seconds.
_FIRST_ROWS = 2.0


def _entries(count: int) -> Iterator[tuple[str, str, float, float]]:
    """Key, value, time and duration of entries of three functions, some 200 bytes each."""
    for number in range(count):
        name = ("shop.fetch", "shop.price", "model.ask")[number % 3]
        key = f'{name}(uri="https://api.example.org/items/{number}", page={number % 7})'
        value = {"id": number, "name": f"item {number}", "tags": ["a", "b"]}
        yield key, json.dumps(value), 1.7e9 + number, number % 977 / 1000


def _write(path: Path, count: int) -> None:
    """An annotated file."""
    with path.open("w") as file:
        file.write("{\n")
        for key, text, at, took in _entries(count):
            facts = json.dumps({"at": at, "took": took, "code": _CODE})
            file.write(f'{json.dumps(key)}: {{"result": {text}, {facts[1:]},\n')
        file.write('"outlive": {"format": 2}\n}\n')


def _fill(path: Path, count: int) -> None:
    """A database, whose rows are written all at once: a million transactions would take minutes."""
    with Cache(path) as cache:
        for key, text, at, took in _entries(3):
            cache._state.core.entries.put_text(key, text, created=at, took=took, code=_CODE)
    with closing(sqlite3.connect(path)) as database, database:
        ids = dict(database.execute("SELECT CAST(name AS TEXT), id FROM function"))
        rows = (_row(ids, *entry) for entry in itertools.islice(_entries(count), 3, None))
        database.executemany(f"INSERT INTO entry({_COLUMNS}) VALUES (?{', ?' * 11})", rows)
        database.execute(
            "UPDATE function SET entries = (SELECT count(*) FROM entry WHERE function = id)"
        )


def _row(ids: dict[str, int], key: str, text: str, at: float, took: float) -> tuple[Any, ...]:
    name, blob, body = key.partition("(")[0], key.encode(), text.encode()
    code, lengths = _CODE.encode(), (len(blob), len(body), len(_CODE) + 1, 0)
    crc = zlib.crc32(
        blob + body + struct.pack("<2d", at, took) + code + struct.pack("<4Q", *lengths)
    )
    place = len(blob) << 32 | zlib.crc32(blob)
    return (place, ids[name], 0, len(body), at, False, took, code, None, crc, blob, body)


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
    """CPU seconds of ``outlive ls`` and ``stats`` on both stores, of ``json.load`` and of jq."""
    with tempfile.TemporaryDirectory() as folder:
        path, database = Path(folder) / "many.json", Path(folder) / "many.db"
        _write(path, entries)
        _fill(database, entries)
        load = f"import json; print(len(json.load(open({str(path)!r}))))"
        others = {"json.load": _seconds([sys.executable, "-c", load])}
        if shutil.which("jq"):
            others["jq length"] = _seconds(["jq", "length", str(path)])
        for words in (["ls", "-n", "50"], ["ls", "--sort", "took", "-n", "50"], ["stats"]):
            name, limits = f"outlive {' '.join(words)}", {}
            of_json, of_sqlite = (_outlive(place, *words) for place in (path, database))
            if "--sort" not in words and "ls" in words:
                limits = dict.fromkeys((name, f"{name}, SQLite"), _FIRST_ROWS)
            yield Table(
                f"{name}, {entries:,} entries, CPU",
                "s",
                {name: of_json, f"{name}, SQLite": of_sqlite, **others},
                limits=limits,
                note="a process each, its start and its imports counted",
            )


def _outlive(path: Path, command: str, *words: str) -> float:
    return _seconds([sys.executable, "-m", "outlive", command, str(path), *words])
