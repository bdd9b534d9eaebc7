"""Databases: killed, flipped, torn, without room, opened by many at once."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faults.lab import Lab, Report, finish
from faults.test_full_disk import LIMIT, MANY
from outlive import Cache, CacheFileWarning


@pytest.fixture
def database(lab: Lab) -> Lab:
    """The same place, with a database."""
    lab.file = lab.home / "cache.db"
    return lab


LOAD = """
desk = Desk()
say(desk.tally({last}))
def work(first):
    for n in range(first, first + 4_000_000, 4):
        desk.get(n % 40_000_000)
for n in range(4):
    threading.Thread(target=work, args=({start} + n,)).start()
"""


def test_killed_under_full_load(database: Lab, long: bool, report: Report) -> None:
    """A process that is killed at any moment loses no result that a caller had received."""
    kills, start = 200 if long else 10, 0
    for _ in range(kills):
        last, start = start, max(database.returned(), default=0) + 1
        program = database.start(LOAD.format(last=last, start=start))
        assert program.stdout is not None
        _, lost, wrong = map(int, program.stdout.readline().split())
        assert (lost, wrong) == (0, 0)
        time.sleep(random.uniform(0, 0.15))
        program.kill()
        ended = finish(program)
        assert (ended.status, ended.err) == (-signal.SIGKILL, "")
    tally = database.tally()
    assert (tally.lost, tally.wrong) == (0, 0)
    assert tally.checked > kills
    assert database.files() == ["cache.db"]
    report(f"{kills} kills, {tally.checked} results checked, {tally.lost} lost")


@pytest.mark.parametrize("size", [0, 1_000, 30_000, 300_000])
def test_full_while_it_computes(database: Lab, size: int) -> None:
    """On a full disk calls return, kept results stay whole, one warning, the status is its own."""
    database.fill(range(1_000_000, 1_000_100))
    ended = database.run(LIMIT + MANY.format(size=size, after="desk.cache.close()"))
    assert (ended.status, ended.out) == (5, ""), ended
    assert 1 <= ended.err.count("CacheFileWarning: ") <= 2, ended.err
    assert "Traceback" not in ended.err
    tally = database.tally()
    assert (tally.lost, tally.wrong) == (0, 0)


def test_flipped_bits(tmp_path: Path, long: bool, report: Report) -> None:
    """Whichever bit of a database flips: no wrong value is served, and no call fails.

    The texts are short and long: from 4 KiB on they are compressed.
    """
    path = tmp_path / "whole.db"
    values = {f"key {n}": [n, "text " * (n % 1500)] for n in range(400)}
    with Cache(path) as cache:
        cache.update(values)
    whole, served, flips = path.read_bytes(), 0, 200 if long else 25
    flipped = tmp_path / "cache.db"
    for flip in range(flips):
        bit = random.Random(flip).randrange(len(whole) * 8)
        torn = bytearray(whole)
        torn[bit // 8] ^= 1 << bit % 8
        flipped.write_bytes(torn)
        ended = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", READ], cwd=tmp_path, text=True,
            capture_output=True, check=False,
        )  # fmt: skip
        assert (ended.returncode, ended.stderr) == (0, ""), (bit, ended.stderr)
        found, wrong = map(int, ended.stdout.split())
        assert wrong == 0, bit
        served += found
        for part in tmp_path.glob("cache.db*"):
            part.unlink()
    report(f"{flips} bits, {served} of {flips * len(values)} results served, none wrong")


READ = """
from outlive import Cache
found = wrong = 0
cache = Cache("cache.db", near=0)
for n in range(400):
    value = cache.get(f"key {n}")
    found += value is not None
    wrong += value is not None and value != [n, "text " * (n % 1500)]
cache["more"] = 1
assert cache["more"] == 1
cache.close()
print(found, wrong)
"""


@pytest.mark.parametrize("damage", ["first page", "root page", "half", "last pages"])
def test_damaged(tmp_path: Path, damage: str) -> None:
    """An unusable database is set aside whole, and what can be read of it is kept."""
    path = tmp_path / "cache.db"
    with Cache(path) as cache:
        for n in range(400):
            cache[f"key {n}"] = [n, "text " * 300]
    content = bytearray(path.read_bytes())
    size = len(content)
    page = 8192
    places = {
        "first page": slice(100, page), "root page": slice(page, 2 * page),
        "half": slice(size // 2, size), "last pages": slice(size - 20 * page, size),
    }  # fmt: skip
    place = places[damage]
    content[place] = bytes(random.Random(1).randbytes(len(content[place])))
    path.write_bytes(content)
    ended = subprocess.run(
        [sys.executable, "-c", DAMAGED], cwd=tmp_path, text=True, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "damaged" in ended.stderr
    assert "Traceback" not in ended.stderr
    with Cache(path) as cache:
        assert all(value in (1, [n, "text " * 300]) for n, value in numbered(cache))
        assert cache["new"] == 1


def test_cut_off(tmp_path: Path) -> None:
    """A database that is shorter than it says is set aside; what is in front of the cut is kept."""
    path = tmp_path / "cache.db"
    with Cache(path) as cache:
        for n in range(300):
            cache[f"key {n}"] = [n, random.Random(n).randbytes(600).hex()]
    os.truncate(path, path.stat().st_size * 2 // 3)
    with pytest.warns(CacheFileWarning, match="results were read from it"), Cache(path) as cache:
        found = numbered(cache)
    assert len(found) > 100
    assert all(value == [n, random.Random(n).randbytes(600).hex()] for n, value in found)


def test_damage_that_a_list_meets(tmp_path: Path) -> None:
    """A damaged page costs its own results: a list has all others, and what comes later is kept."""
    path, page = tmp_path / "cache.db", 8192
    with Cache(path) as cache:
        for n in range(400):
            cache[f"key {n}"] = [n, "text " * 100]
    whole = path.read_bytes()
    leaves = [at for at in range(page, len(whole), page) if whole[at] == 13 and whole[at + 4] > 5]
    assert len(leaves) > 10
    for number in leaves[::5]:
        content = bytearray(whole)
        content[number + 8 : number + page - 8] = b"\x5a" * (page - 16)
        path.write_bytes(content)
        ended = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", LISTED], cwd=tmp_path, text=True,
            capture_output=True, check=False,
        )  # fmt: skip
        assert (ended.returncode, ended.stderr) == (0, ""), number
        for part in tmp_path.glob("cache.db*"):
            part.unlink()


LISTED = """
from outlive import Cache
cache = Cache("cache.db")
listed = {key: cache[key] for key in cache}
assert len(listed) > 350, len(listed)
assert all(value == [int(key.split()[1]), "text " * 100] for key, value in listed.items())
cache["new"] = 1
cache.close()
assert {**listed, "new": 1}.items() <= dict(Cache("cache.db")).items()
"""


@pytest.mark.parametrize("removed", [False, True], ids=["moved aside", "removed"])
def test_replaced_while_it_is_used(tmp_path: Path, removed: bool) -> None:
    """The log of a database is not taken for its successor's; it goes with the old one."""
    with Cache(tmp_path / "new.db") as cache:
        cache["theirs"] = 1
    path, old = tmp_path / "cache.db", tmp_path / "old.db"
    cache = Cache(path)
    cache["first"], cache["second"] = 1, "text " * 10_000
    path.unlink() if removed else path.rename(old)
    (tmp_path / "new.db").rename(path)
    cache["ours"] = 2
    assert dict(cache) == {"theirs": 1, "ours": 2}
    cache.close()
    program = "from outlive import Cache\nfor name in {!r}: print(sorted(Cache(name)))"
    names = ["cache.db"] if removed else ["cache.db", "old.db"]
    ended = subprocess.run(
        [sys.executable, "-c", program.format(names)], cwd=tmp_path, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    kept = "['ours', 'theirs']\n" + ("" if removed else "['first', 'second']\n")
    assert (ended.stdout, ended.stderr) == (kept, "")


def numbered(cache: Cache) -> list[tuple[int, object]]:
    """The values of a cache, with the numbers in their keys."""
    return [(int(key.split()[-1]) if " " in key else 0, cache[key]) for key in cache]


DAMAGED = """
from outlive import Cache
cache = Cache("cache.db")
for n in range(400):
    value = cache.get(f"key {n}")
    assert value in (None, [n, "text " * 300])
    if value is None:
        cache[f"key {n}"] = [n, "text " * 300]
cache["new"] = 1
for n in range(400):
    assert cache[f"key {n}"] == [n, "text " * 300]
cache.close()
"""


@pytest.mark.timeout(1800)  # the long form starts 4,000 programs
def test_first_open_by_eight(tmp_path: Path, long: bool) -> None:
    """Eight processes that first open a database at once all keep their results."""
    program = "import sys\nfrom outlive import Cache\nsys.stdin.read(1)\n" \
              "Cache('cache.db')[sys.argv[1]] = 1\n"  # fmt: skip
    for _ in range(500 if long else 5):
        started = [
            subprocess.Popen(
                [sys.executable, "-c", program, str(n)], cwd=tmp_path, stdin=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True,
            )
            for n in range(8)
        ]  # fmt: skip
        for process in started:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        ended = [(process.communicate(timeout=120)[1], process.returncode) for process in started]
        assert ended == [("", 0)] * 8
        with Cache(tmp_path / "cache.db") as cache:
            assert sorted(cache) == [str(n) for n in range(8)]
        for part in tmp_path.glob("cache.db*"):
            part.unlink()


def test_copied_while_it_is_used(tmp_path: Path) -> None:
    """A copy of all its files, made while no process writes, holds everything."""
    path = tmp_path / "cache.db"
    cache = Cache(path)
    for n in range(50):
        cache[f"key {n}"] = n
    (tmp_path / "copy").mkdir()
    subprocess.run(
        ["cp", *map(str, tmp_path.glob("cache.db*")), str(tmp_path / "copy")], check=True
    )
    cache.close()
    with Cache(tmp_path / "copy" / "cache.db") as copy:
        assert {key: copy[key] for key in copy} == {f"key {n}": n for n in range(50)}
    shutil.rmtree(tmp_path / "copy")
