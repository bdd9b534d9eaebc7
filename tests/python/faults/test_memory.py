"""No memory: limits at random, and files that are made to take much of it."""

from __future__ import annotations

import random
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.lab import Lab, Report

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits addresses as Linux does")

#: Calls with results of all sizes, until they are done or fail again and again. The limit counts
#: from where the program is once it has made some calls: imports that fail are no matter of ours.
CALLS = """
import functools, resource
door, extra, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
keep = functools.lru_cache(maxsize=None)
if door == "outlive":
    keep = outlive.Cache(os.environ["FAULTS_FILE"]).memoise(name="work")

@keep
def work(n):
    kind = n * seed % 5
    if kind == 0: return ["x" * (n % 977 * 100), n]
    if kind == 1: return {str(i): [i, None] for i in range(n % 331)}
    if kind == 2: return "y" * (n * 7919 % 300_000)
    if kind == 3: return [[i] for i in range(n % 997)]
    return n

work(0), work(1), work(2), work(3)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + extra
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
errors = n = 0
while n < 1000 and errors < 50:
    n += 1
    try: work(n), work(n), work(n - n % 7)
    except MemoryError: errors += 1
os.write(1, b"%d" % errors)
"""


def test_limits_at_random(lab: Lab, long: bool, report: Report) -> None:
    """Short of memory, a program with a cache file dies no more often than one with `lru_cache`."""
    rng, rounds = random.Random(0), 100 if long else 8
    died = {"outlive": 0, "lru_cache": 0}
    errors = 0
    for _ in range(rounds):
        extra, seed = int(2 ** rng.uniform(12, 26)), rng.randrange(1, 100)
        for door in died:
            # Twice: the second time there is a file to be read.
            for _ in range(2):
                program = f"sys.argv[1:] = ['{door}', '{extra}', '{seed}']\n{CALLS}"
                ended = lab.run("import outlive\n" + program)
                died[door] += ended.status < 0
                errors += int(ended.out or 0) if door == "outlive" else 0
        lab.begin_anew()
    report(f"{rounds} limits, {errors} MemoryErrors, died: {died}")
    assert errors > 0
    assert died["outlive"] <= died["lru_cache"]


#: Results that are put until there is no memory, and a save at exit with what is left.
PUTS = """
import resource
extra = int(sys.argv[1])
cache = outlive.Cache(os.environ["FAULTS_FILE"])
cache.memoise(lambda: 0, name="work")()
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + extra
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
kept, n = [], 0
try:
    for n in range(400):
        cache[f"k{n}"] = "v" * 20_000
        kept.append("y" * 20_000)
except MemoryError:
    pass
kept.clear()
os.write(1, b"%d" % n)
"""


@pytest.mark.parametrize("extra", [200_000, 800_000, 1_000_000, 3_000_000, 25_000_000])
def test_puts_and_a_save_without_memory(lab: Lab, extra: int) -> None:
    """Puts raise MemoryError when there is none left; the save at exit dies of nothing, and nothing is lost."""
    ended = lab.run(f"import outlive\nsys.argv[1:] = ['{extra}']\n{PUTS}")
    assert ended.status == 0, ended
    count = "say(sum(f'k{n}' in cache for n in range(400)))"
    after = lab.run(f"import outlive\ncache = outlive.Cache(os.environ['FAULTS_FILE'])\n{count}")
    assert int(after.out) >= int(ended.out) > 0


def reserved(size: int) -> Iterator[bytes]:
    """A reserved member that is longer than all else."""
    yield b'{"outlive:meta": {"version": 1, "x": [' + b"0," * (size // 2) + b'0]}, "a": 1}'


def times(size: int) -> Iterator[bytes]:
    """Times of entries that are not there."""
    yield b'{"outlive:meta": {"version": 1, "times": {'
    yield from (b'"%07x":1,' % n for n in range(size // 12))
    yield b'"z":1}}, "a": 1}'


def tiny(size: int) -> Iterator[bytes]:
    """As many entries as can be."""
    yield b"{"
    yield from (b'"%06x":1,' % n for n in range(size // 10))
    yield b'"z":1}'


def escaped(size: int) -> Iterator[bytes]:
    """Keys that cannot be slices of the file."""
    yield b"{"
    yield from (b'"\\u0061%06x":1,' % n for n in range(size // 15))
    yield b'"z":1}'


def one_key(size: int) -> Iterator[bytes]:
    """One key again and again."""
    yield b"{" + b'"":1,' * (size // 5) + b'"z":1}'


def brackets(size: int) -> Iterator[bytes]:
    """As deep as can be."""
    yield b'{"a":' + b"[" * (size // 2) + b"]" * (size // 2) + b"}"


#: What a small file takes is taken off: it is the interpreter's.
READS = """
import resource
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
len(outlive.Cache(os.environ["FAULTS_FILE"] + "-of-nothing"))
before = peak()
cache = outlive.Cache(os.environ["FAULTS_FILE"])
len(cache), cache.save()
say(peak() - before)
os._exit(0)
"""


@pytest.mark.parametrize("journal", [False, True], ids=["alone", "with-a-journal"])
@pytest.mark.parametrize("make", [reserved, times, tiny, escaped, one_key, brackets])
def test_hostile_files_take_ten_times_their_size(
    lab: Lab, long: bool, make: Callable[[int], Iterator[bytes]], journal: bool
) -> None:
    """Whatever a file holds, to read and to save it takes at most ten times its size."""
    size = (50 if long else 8) << 20
    with lab.file.open("wb") as file:
        file.writelines(make(size))
    if journal:
        head = b"\xffol\x01" + bytes([1, 5, 0, 0]) + struct.pack("<dII", 0.0, 1, 1) + b"k1"
        path = Path(f"{lab.file}.journal-1")
        path.write_bytes(head + struct.pack("<I", zlib.crc32(head)))
    ended = lab.run(READS)
    assert ended.status == 0, ended
    assert int(ended.out) <= 10 * size
