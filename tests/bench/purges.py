"""How soon the hits of another process see that a result was forgotten.

One process does nothing but hit; this one forgets the result, again and again. What counts is the time
from the return of ``forget`` to the moment when the other one computes anew, by the clock that both
share. It is often none at all: the other one sees the stamp before ``forget`` has returned.
"""

from __future__ import annotations

import mmap
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from outlive import Cache

from .report import Table

#: Words of a file that both map: when the other one computed last, how often, and whether to end.
_WHEN, _COUNT, _END = range(3)

_OTHER = """
import mmap, sys, time
from outlive import Cache
with open(sys.argv[1] + "/words", "r+b") as file:
    words = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")

@Cache(sys.argv[2]).memoise(name="f")
def f(uri):
    words[0] = time.monotonic_ns()
    words[1] += 1
    return uri

while not words[2]:
    f("https://api.example.org/issues/1")
"""


def delays(place: str, purges: int) -> list[float]:
    """Nanoseconds of each purge, sorted; ``place`` is a file or the URL of a server."""
    with tempfile.TemporaryDirectory() as folder:
        return _delays(Path(folder), place, purges)


def _delays(folder: Path, place: str, purges: int) -> list[float]:
    (folder / "words").write_bytes(bytes(24))
    f = Cache(place).memoise(lambda uri: uri, name="f")
    uri, delays = "https://api.example.org/issues/1", []
    with (folder / "words").open("r+b") as file:
        words = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
    with subprocess.Popen([sys.executable, "-c", _OTHER, str(folder), place]) as other:
        for purge in range(purges):
            while words[_COUNT] <= purge and other.poll() is None:
                time.sleep(0.0001)
            while not f.forget(uri) and other.poll() is None:
                time.sleep(0.001)  # it is computed, and not kept yet
            forgotten = time.monotonic_ns()
            while words[_COUNT] <= purge + 1 and other.poll() is None:
                time.sleep(0.0001)
            delays.append(max(0.0, words[_WHEN] - forgotten))
        words[_END] = 1
    return sorted(delays)


def table(place: str, purges: int, by: str = "") -> Table:
    """What became of as many purges at ``place``; ``by`` ends the title."""
    found = delays(place, purges)
    values = {f"p{part}": found[min(len(found) - 1, len(found) * part // 100)] for part in (50, 99)}
    return Table(f"Forgotten in one process, not served any more in another{by}", "ns", values)


def tables(purges: int) -> Iterator[Table]:
    """One table, of a file."""
    with tempfile.TemporaryDirectory() as folder:
        yield table(str(Path(folder) / "cache.json"), purges)
