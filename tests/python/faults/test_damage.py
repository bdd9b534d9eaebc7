"""Damaged files: cut at every byte, with flipped bits, of a wrong shape."""

from __future__ import annotations

import json
import os
import random
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from faults.lab import Lab, Report
from outlive import Cache, CacheFileWarning
from outlive._drop_in import DropInCache

#: Kinds of values, each a line of the file.
ENTRIES: dict[str, Any] = {
    "plain": "text",
    "quotes and braces": 'say "{[,]}" \\ \n',
    "unicode é\u2028": ["é", "\U0001f600", "\ud83d"],
    "number": 1e22,
    "big": 2**70,
    "nested": {"a": [1, {"b": [None, True, False, -0.0]}], "": {}},
    "tagged": (1, b"bytes", {2, 3}),
    "empty": [],
    "last": {"z": "}"},
}


#: What stands for an entry that turned out to be bad when it was asked for.
GONE = object()


class Opened(NamedTuple):
    """What a cache found in a file."""

    found: dict[str, Any]
    warnings: list[str]
    files: list[str]


def opened(path: Path) -> Opened:
    """Read everything in the file at `path`, and let go of it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Cache(path) as cache:
            found = {
                key: value for key in list(cache) if (value := cache.get(key, GONE)) is not GONE
            }
    assert all(issubclass(warning.category, CacheFileWarning) for warning in caught)
    return Opened(
        found, [str(w.message) for w in caught], sorted(p.name for p in path.parent.iterdir())
    )


def written(path: Path) -> bytes:
    """A small cache file."""
    path.parent.mkdir()
    with Cache(path) as cache:
        cache.update(ENTRIES)
    return path.read_bytes()


def journal(lab: Lab) -> tuple[str, bytes]:
    """Name and bytes of the journal that a killed process left, without a snapshot beside it."""
    lab.run(f"desk = Desk()\ndesk.cache.update({ENTRIES!r})\nos._exit(0)")
    (path,) = lab.home.glob("cache.json.journal-*")
    assert not lab.file.exists()
    return path.name, path.read_bytes()


def each(lab: Lab, name: str, versions: dict[str, bytes], check: Callable[..., None]) -> None:
    """Open each version of a file in a folder of its own."""
    for label, version in versions.items():
        folder = lab.home.parent / "versions" / label
        folder.mkdir(parents=True)
        (folder / name).write_bytes(version)
        # Not from just now: such a file is watched for a while, because somebody may be at it.
        os.utime(folder / name, (1_700_000_000, 1_700_000_000))
        check(label, version, opened(folder / "cache.json"), folder)


def kept_copies(folder: Path) -> list[bytes]:
    """The damaged files that were set aside in `folder`."""
    return [path.read_bytes() for path in folder.glob("cache.json.damaged-*")]


def test_snapshot_cut_at_every_byte(lab: Lab, report: Report) -> None:
    """A file cut at any byte keeps all entries before the cut; one warning names its copy."""
    whole = written(lab.home / "small" / "cache.json")
    lines = whole.splitlines(keepends=True)
    salvaged = 0

    def check(label: str, version: bytes, now: Opened, folder: Path) -> None:
        nonlocal salvaged
        complete = version.count(b"\n")
        least = [key for key, _ in zip(ENTRIES, lines[1:complete], strict=False)]
        assert list(now.found)[: len(least)] == least, label
        assert all(now.found[key] == ENTRIES[key] for key in now.found), label
        assert len(now.warnings) == 1, (label, now.warnings)
        assert kept_copies(folder) == ([version] if version else []), label
        salvaged += len(now.found)

    versions = {str(end): whole[:end] for end in range(len(whole.rstrip()))}
    each(lab, "cache.json", versions, check)
    report(f"{len(versions)} cuts, {salvaged} entries salvaged, 0 wrong")


def test_journal_cut_at_every_byte(lab: Lab, report: Report) -> None:
    """A journal cut at any byte keeps every result whose record is whole."""
    name, whole = journal(lab)
    starts = [at for at in range(len(whole)) if whole[at : at + 3] == b"\xffol"]
    # The first record says what the chain begins with, and holds no result.
    ends = [*starts[2:], len(whole)]
    assert len(ends) == len(ENTRIES)

    def check(label: str, version: bytes, now: Opened, folder: Path) -> None:
        complete = sum(end <= len(version) for end in ends)
        assert now.found == dict(list(ENTRIES.items())[:complete]), label
        assert now.files == (["cache.json"] if complete else []), label
        assert len(now.warnings) <= 1

    versions = {str(end): whole[:end] for end in range(len(whole) + 1)}
    each(lab, name, versions, check)
    report(f"{len(versions)} cuts, every whole record used")


def flipped(whole: bytes, times: int, seed: int) -> dict[str, bytes]:
    """`whole` with one bit another way, at random places."""
    rng, versions = random.Random(seed), {}
    places = rng.sample(range(len(whole) * 8), min(times, len(whole) * 8))
    for place in places:
        version = bytearray(whole)
        version[place // 8] ^= 1 << place % 8
        versions[str(place)] = bytes(version)
    return versions


def test_snapshot_with_flipped_bits(lab: Lab, long: bool, report: Report) -> None:
    """A flipped bit costs the entry that it hit, or two if it joins them; a copy is kept."""
    whole = written(lab.home / "small" / "cache.json")
    damaged = lost = 0

    def check(label: str, version: bytes, now: Opened, folder: Path) -> None:
        nonlocal damaged, lost
        if of_later_version(version):
            assert not now.found, label
            return
        missing = [key for key in ENTRIES if now.found.get(key, GONE) != ENTRIES[key]]
        assert " ".join(missing) in " ".join(ENTRIES), (label, missing, version)
        assert len(missing) <= 2, (label, missing, version)
        lost += len(missing)
        assert len(now.found) <= len(ENTRIES) + 1
        if not readable(version):
            damaged += 1
            assert len(now.warnings) == 1, (label, now.warnings, version)
            assert kept_copies(folder) == [version], label

    versions = flipped(whole, 1000 if long else 400, 1)
    each(lab, "cache.json", versions, check)
    report(f"{len(versions)} flips, {damaged} files damaged and kept aside, {lost} entries hit")


def of_later_version(version: bytes | bytearray) -> bool:
    """Whether the last line has another number as its format: such a file is left alone."""
    return re.search(rb'\n"outlive": \{"format": [013-9]\}\n\}\n$', version) is not None


def test_every_flip_in_the_last_line(lab: Lab) -> None:
    """Damage to any bit of the mark of an annotated file loses no entry, and warns."""
    whole = written(lab.home / "small" / "cache.json")
    start, end = whole.rindex(b'"outlive"'), whole.rindex(b"\n}")

    def check(label: str, version: bytes, now: Opened, folder: Path) -> None:
        assert now.found == ENTRIES, (label, version)
        assert len(now.warnings) == 1 and "damaged" in now.warnings[0], (label, version)
        assert kept_copies(folder) == [version], (label, version)

    versions = {}
    for place in range(start * 8, end * 8):
        version = bytearray(whole)
        version[place // 8] ^= 1 << place % 8
        if not of_later_version(version):
            versions[str(place)] = bytes(version)
    each(lab, "cache.json", versions, check)


@pytest.mark.parametrize("key", ["outlive", "outlive:", "outline"])
def test_a_flat_file_that_looks_annotated_stays_flat(tmp_path: Path, key: str) -> None:
    """Values that look like annotated entries, and a key like that of the last line, are values."""
    values = {"a": {"result": 1, "at": 5.5}, key: {"format": 3}}
    path = str(tmp_path / "cache.json")
    for _ in range(3):
        with DropInCache(path) as cache:
            cache.update(values)
        assert json.loads(Path(path).read_bytes()).keys() >= values.keys()
    with DropInCache(path) as cache:
        assert dict(cache) == values


def readable(version: bytes) -> bool:
    """Return whether Python's JSON accepts the text, as UTF-8 and without duplicate keys."""
    try:
        json.loads(version.decode("utf-8"))
    except ValueError:
        return False
    return True


def test_journal_with_flipped_bits(lab: Lab, long: bool, report: Report) -> None:
    """A flipped bit in a journal costs the record that it hit, and never yields a wrong value."""
    name, whole = journal(lab)
    # The first record holds no result.
    first = whole.index(b"\xffol", 1)
    lost = 0

    def check(label: str, version: bytes, now: Opened, folder: Path) -> None:
        nonlocal lost
        assert all(ENTRIES[key] == value for key, value in now.found.items()), label
        in_a_result = int(label) // 8 >= first
        assert len(now.found) == len(ENTRIES) - in_a_result, label
        assert len(now.warnings) <= 1
        lost += 1

    versions = flipped(whole, 1000 if long else 400, 2)
    each(lab, name, versions, check)
    report(f"{len(versions)} flips, {lost} records dropped, 0 wrong values")


WRONG: dict[str, bytes] = {
    "empty": b"",
    "a list": b"[1, 2]",
    "a number": b"17\n",
    "null": b"null",
    "zeros": bytes(4096),
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "two objects": b'{"a": 1}{"a": 2}',
    "deep": b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_file_that_is_no_cache(lab: Lab, kind: str) -> None:
    """A copy of a file that holds something else is kept, one warning names both, work goes on."""
    lab.file.write_bytes(WRONG[kind])
    code = "desk = Desk()\nfor n in range(5): desk.get(n)\nprint(len(desk.cache))"
    ended = lab.run(code)
    assert ended.status == 0
    assert ended.err.count("CacheFileWarning: ") == 1
    assert str(lab.file) in ended.err
    assert kept_copies(lab.home) == ([WRONG[kind]] if WRONG[kind] else [])
    assert lab.tally_and_warnings() == ((5, 0, 0), "")
    assert len(lab.files()) == (2 if WRONG[kind] else 1)


def test_a_good_entry_in_a_bad_file_is_served(lab: Lab) -> None:
    """An intact entry of a damaged file is a hit, without a call."""
    lab.fill(range(20))
    lab.file.write_bytes(lab.file.read_bytes()[:-40])
    tally, warned = lab.tally_and_warnings()
    assert tally == (20, 1, 0)
    assert "damaged" in warned
    assert lab.tally_and_warnings() == ((20, 1, 0), "")


def test_a_bad_entry_is_in_no_cache(lab: Lab) -> None:
    """A key whose value is not JSON is not `in` the cache, and a copy of the file is kept."""
    lab.file.write_text('{"bad": {"$tuple": [1l]}, "good": {"$tuple": [1]}}')
    code = (
        "cache = Desk().cache\nsay(('bad' in cache, 'good' in cache, 'none' in cache, list(cache)))"
    )
    ended = lab.run(code)
    assert ended.out == "(False, True, False, ['good'])\n"
    assert ended.err.count("CacheFileWarning: ") == 1
    assert len(kept_copies(lab.home)) == 1


def test_damage_is_told_once(lab: Lab) -> None:
    """The second process after the damage finds a good file and gives no warning."""
    lab.fill(range(20))
    lab.file.write_bytes(lab.file.read_bytes()[:100])
    assert lab.run("Desk().tally()").err.count("CacheFileWarning") == 1
    assert lab.run("Desk().tally()").err == ""
    assert len(kept_copies(lab.home)) == 1


def test_a_damaged_file_is_copied_once(lab: Lab) -> None:
    """Runs that end before they could save do not each leave a copy of the same damaged file."""
    lab.fill(range(20))
    lab.file.write_bytes(lab.file.read_bytes()[:100])
    damaged = lab.file.read_bytes()
    for _ in range(3):
        assert "damaged" in lab.run("len(Desk().cache)\nos._exit(0)").err
    assert lab.file.read_bytes() == damaged
    assert kept_copies(lab.home) == [damaged]
    assert lab.tally().lost > 0


def test_a_journal_with_a_hole_of_zeros(lab: Lab, report: Report) -> None:
    """After a loss of power zeroed a block of a journal, all other records are used."""
    name, whole = journal(lab)
    versions = {}
    for start in range(0, len(whole) - 40, 7):
        versions[str(start)] = whole[:start] + bytes(40) + whole[start + 40 :]

    def check(label: str, version: bytes, now: Opened, folder: Path) -> None:
        assert all(ENTRIES[key] == value for key, value in now.found.items()), label
        assert len(now.found) >= len(ENTRIES) - 3, label
        assert len(now.warnings) <= 1

    each(lab, name, versions, check)
    report(f"{len(versions)} holes, 0 wrong values")
