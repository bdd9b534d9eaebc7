"""``python read_cache.py NAME.json`` reads a cache by docs/file-format.md; it changes nothing."""

import glob
import json
import re
import struct
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

FAMILY, VERSION, HEAD = b"\xffol", 1, struct.Struct("<3sBBBHdII")
PUT, REMOVE, CLEAR, SEAL, NOTED, COMPUTED, PURGE, UPKEEP = 1, 2, 3, 4, 8, 10, 11, 16
FACTS, KINDS = ("at", "took", "code"), range(1, 12)  # 5, 6, 7 and 9 are not about results


class Entry(NamedTuple):
    """One result, or one kept exception, and what is known of it."""

    value: Any
    is_error: bool = False
    at: float | None = None
    took: float | None = None
    code: str | None = None


class LaterVersionError(Exception):
    """A later version wrote the file: nothing in it may be used."""


def read(path: Path) -> dict[str, Entry]:
    """Return all entries of a cache, by key, in order."""
    entries = read_snapshot(path.read_bytes()) if path.exists() else {}
    name = re.compile(re.escape(path.name) + r"\.journal-(0|[1-9][0-9]*)")
    found = [(name.fullmatch(file.name), file) for file in path.parent.iterdir()]
    for _, journal in sorted((int(match[1]), file) for match, file in found if match):
        for kind, key, entry in changes(journal.read_bytes()):
            if kind == CLEAR:
                entries.clear()
            elif kind == REMOVE:
                entries.pop(key, None)
            elif key != "outlive:meta" or not is_version(entry.value, "version"):
                entries[key] = entry
    return entries


def read_snapshot(text: bytes) -> dict[str, Entry]:
    """Return the entries of a snapshot in any format, without damaged ones."""
    try:
        members, damaged = json.loads(text.decode("utf-8-sig")), False
    except ValueError:
        members, damaged = {}, True  # those that have lines of their own
        for line in text.split(b"\n"):
            with suppress(ValueError):
                members.update(json.loads(b"{" + line.rstrip().rstrip(b",") + b"}"))
    if is_version(members.get("outlive:meta"), "version"):
        return read_flat(members, members.pop("outlive:meta"))
    if is_version(members.get("outlive"), "format"):
        return read_annotated(members, members.pop("outlive")["format"])
    if damaged and members and all(isinstance(it, dict) and "at" in it for it in members.values()):
        return read_annotated(members, 2)
    return {key: flat_entry(value, {}) for key, value in members.items()}


def is_version(member: Any, name: str) -> bool:
    """Return whether a member is the reserved one, not a user's entry."""
    return isinstance(member, dict) and type(member.get(name)) is int


def read_annotated(members: dict[str, Any], version: int) -> dict[str, Entry]:
    """Return the entries of an annotated file."""
    if version != 2:
        raise LaterVersionError(version)
    entries = {}
    for spelling, entry in members.items():
        key = spelling[:-1] if re.fullmatch("outlive:+", spelling) else spelling
        for name in {"result", "error"} & entry.keys():  # an entry without them is damaged
            entries[key] = Entry(entry[name], name == "error", *map(entry.get, FACTS))
    return entries


def read_flat(members: dict[str, Any], meta: dict[str, Any]) -> dict[str, Entry]:
    """Return the entries of a flat file with a reserved member."""
    if meta["version"] not in (1, 3, 5):
        raise LaterVersionError(meta["version"])
    facts = {key: {"at": at} for key, at in meta.get("times", {}).items()}
    digests = meta.get("entries", {})
    facts.update({key: digests[digest(key)] for key in members if digest(key) in digests})
    return {key: flat_entry(value, facts.get(key, {})) for key, value in members.items()}


def flat_entry(value: Any, facts: dict[str, Any]) -> Entry:
    """Return the entry of a value in a flat file."""
    is_error = isinstance(value, dict) and isinstance(value.get("$error"), list) and len(value) == 1
    return Entry(value["$error"] if is_error else value, is_error, *map(facts.get, FACTS))


def digest(key: str) -> str:
    """Return FNV-1a of 64 bits."""
    value = 0xCBF29CE484222325
    for byte in key.encode("utf-8", "surrogatepass"):
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def changes(journal: bytes) -> Iterator[tuple[int, str, Entry]]:
    """Yield the changes in a journal up to its seal, without damaged records."""
    at, purges = journal.find(FAMILY), list[tuple[int, str]]()
    while 0 <= at <= len(journal) - HEAD.size:
        _, version, kind, flags, _, created, keys, texts = HEAD.unpack_from(journal, at)
        end = (text := at + HEAD.size + keys) + texts
        if zlib.crc32(journal[at:end]).to_bytes(4, "little") != journal[end : end + 4]:
            at = journal.find(FAMILY, at + 1)
            continue
        if version != VERSION or (kind not in KINDS and kind < 64):
            raise LaterVersionError(version, kind)
        if kind == SEAL:  # flag 1: the user deleted the cache, and nothing so far counts
            yield from [(CLEAR, "", Entry(None))] if flags & 1 else []
            return
        key = journal[at + HEAD.size : text].decode("utf-8", "surrogatepass")
        # A computed result says up to where its author had looked for purges.
        looked = struct.unpack_from("<Q", journal, text)[0] if kind == COMPUTED else at
        late = any(since >= looked and fnmatchcase(key, pattern) for since, pattern in purges)
        if kind in (PUT, NOTED, COMPUTED) and not late:
            yield PUT, key, put(journal[text:end], kind, created if flags & 1 else None)
        yield from [(kind, key, Entry(None))] if kind in (REMOVE, CLEAR) else []
        if kind == PURGE or (kind in (PUT, NOTED, REMOVE, CLEAR) and not flags & UPKEEP):
            pattern = key if kind == PURGE and flags & 1 else glob.escape(key)
            purges.append((at, "*" if kind == CLEAR else pattern))
        at = journal.find(FAMILY, end + 4)


def put(text: bytes, kind: int, at: float | None) -> Entry:
    """Return the entry of a record's text."""
    if kind == PUT:
        return flat_entry(json.loads(text), {"at": at})
    length, took, code = struct.unpack_from("<Id8s", text := text[8 * (kind == COMPUTED) :])
    facts = {
        "at": at,
        "took": took if took >= 0 else None,
        "code": code.strip(b"\0").decode() or None,
    }
    return flat_entry(json.loads(text[4 + length :]), facts)


if __name__ == "__main__":
    print(json.dumps(read(Path(sys.argv[1]))))
