"""``python read_cache.py NAME.json`` reads a cache by docs/file-format.md; it changes nothing."""

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
PUT, REMOVE, CLEAR, SEAL, NOTED, COMPUTED, PURGE = 1, 2, 3, 4, 8, 10, 11
UPKEEP = 16
FACTS, KINDS = ("at", "took", "code"), range(1, 12)  # 5, 6, 7 and 9 say nothing about results


class Entry(NamedTuple):
    """One result, or one kept exception, and what is known of it."""

    value: Any
    is_error: bool = False
    at: float | None = None
    took: float | None = None
    code: str | None = None


class LaterVersionError(Exception):
    """The file was written by a later version: nothing in it is to be used."""


def read(path: Path) -> dict[str, Entry]:
    """All entries of a cache, by key, in order."""
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
    """The entries of a snapshot in any format; what is damaged in it is left out."""
    try:
        members, damaged = json.loads(text.decode("utf-8-sig")), False
    except ValueError:
        members, damaged = salvage(text), True
    if is_version(members.get("outlive:meta"), "version"):
        return read_flat(members, members.pop("outlive:meta"))
    if is_version(members.get("outlive"), "format"):
        return read_annotated(members, members.pop("outlive")["format"])
    if damaged and members and all(isinstance(it, dict) and "at" in it for it in members.values()):
        return read_annotated(members, 2)
    return {key: flat_entry(value, {}) for key, value in members.items()}


def is_version(member: Any, name: str) -> bool:
    """Whether a member is a reserved one, and no user's entry."""
    return isinstance(member, dict) and type(member.get(name)) is int


def salvage(text: bytes) -> dict[str, Any]:
    """The members of a damaged file that stand on lines of their own."""
    members: dict[str, Any] = {}
    for line in text.split(b"\n"):
        with suppress(ValueError):
            members.update(json.loads(b"{" + line.rstrip().rstrip(b",") + b"}"))
    return members


def read_annotated(members: dict[str, Any], version: int) -> dict[str, Entry]:
    """The entries of a file in which each has what is known of it in its line."""
    if version != 2:
        raise LaterVersionError(version)
    entries = {}
    for spelling, entry in members.items():
        key = spelling[:-1] if re.fullmatch("outlive:+", spelling) else spelling
        for name in {"result", "error"} & entry.keys():  # an entry without them is damaged
            entries[key] = Entry(entry[name], name == "error", *map(entry.get, FACTS))
    return entries


def read_flat(members: dict[str, Any], meta: dict[str, Any]) -> dict[str, Entry]:
    """The entries of a flat file with a reserved member."""
    if meta["version"] not in (1, 3, 5):
        raise LaterVersionError(meta["version"])
    facts = {key: {"at": at} for key, at in meta.get("times", {}).items()}
    digests = meta.get("entries", {})
    facts.update({key: digests[digest(key)] for key in members if digest(key) in digests})
    return {key: flat_entry(value, facts.get(key, {})) for key, value in members.items()}


def flat_entry(value: Any, facts: dict[str, Any]) -> Entry:
    """An entry whose value stands by itself."""
    is_error = isinstance(value, dict) and value.keys() == {"$error"}
    is_error = is_error and isinstance(value["$error"], list)
    return Entry(value["$error"] if is_error else value, is_error, *map(facts.get, FACTS))


def digest(key: str) -> str:
    """FNV-1a of 64 bits."""
    value = 0xCBF29CE484222325
    for byte in key.encode("utf-8", "surrogatepass"):
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def changes(journal: bytes) -> Iterator[tuple[int, str, Entry]]:
    """What a journal says, up to its seal; what is damaged in it is left out."""
    at, purges = journal.find(FAMILY), list[tuple[int, str, bool]]()
    while 0 <= at <= len(journal) - HEAD.size:
        _, version, kind, flags, _, created, keys, texts = HEAD.unpack_from(journal, at)
        end = (text := at + HEAD.size + keys) + texts
        if zlib.crc32(journal[at:end]).to_bytes(4, "little") != journal[end : end + 4]:
            at = journal.find(FAMILY, at + 1)
            continue
        if version != VERSION or (kind not in KINDS and kind < 64):
            raise LaterVersionError(version, kind)
        if kind == SEAL:  # its flag 1: somebody deleted the cache, and nothing so far counts
            yield from [(CLEAR, "", Entry(None))] if flags & 1 else []
            return
        key = journal[at + HEAD.size : text].decode("utf-8", "surrogatepass")
        if kind == COMPUTED and is_outdated(key, journal[text:end], purges):
            pass
        elif kind in (PUT, NOTED, COMPUTED):
            yield PUT, key, put(journal[text:end], kind, created if flags & 1 else None)
        yield from [(kind, key, Entry(None))] if kind in (REMOVE, CLEAR) else []
        if kind in (PUT, NOTED, REMOVE, CLEAR) and not flags & UPKEEP:
            purges.append((at, "*" if kind == CLEAR else key, kind == CLEAR))
        elif kind == PURGE:
            purges.append((at, key, bool(flags & 1)))
        at = journal.find(FAMILY, end + 4)


def is_outdated(key: str, text: bytes, purges: list[tuple[int, str, bool]]) -> bool:
    """Whether a computed result had been purged before it was written."""
    (read,) = struct.unpack_from("<Q", text)
    late = ((purged, pattern) for at, purged, pattern in purges if at >= read)
    return any(fnmatchcase(key, what) if pattern else key == what for what, pattern in late)


def put(text: bytes, kind: int, at: float | None) -> Entry:
    """The entry of a record's text."""
    if kind == PUT:
        return flat_entry(json.loads(text), {"at": at})
    if kind == COMPUTED:
        text = text[8:]
    length, took, code = struct.unpack_from("<Id8s", text)
    facts = {
        "at": at,
        "took": took if took >= 0 else None,
        "code": code.strip(b"\0").decode() or None,
    }
    return flat_entry(json.loads(text[4 + length :]), facts)


if __name__ == "__main__":
    print(json.dumps(read(Path(sys.argv[1]))))
